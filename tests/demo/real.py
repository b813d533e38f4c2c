# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's parts that are there only for a real computer: its disk, its image, its screen and its token."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from strip import Strip

ROOT = Path(__file__).resolve().parents[2]
VERIFY = Path(__file__).with_name("verify.yml")
TOLD_WITHIN = 60.0
FILMED = {"boot": "boot", "install": "install", "disk_boot": "disk_boot", "clean": "clean: the new system"}
"""States at whose end the screen goes onto the strip, and what is written above it."""


def make(what: str, *arguments: str) -> None:
    """Make a disk or an image. `SystemExit` where something for it is missing."""
    done = subprocess.run([sys.executable, "-m", "tests.installer", what, *arguments], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


class RealComputer:
    """A virtual machine with an old system on its disk, and an installer of a new one."""

    def __init__(self, folder: Path) -> None:
        make("check")
        self.disk = folder / "disk.img"
        self.image = folder / "installer.iso"
        self.tokens = {age: f"{age}-{secrets.token_hex(8)}" for age in ("old", "new")}
        make("disk", "--dest", str(self.disk), "--token", self.tokens["old"])
        make("image", "--dest", str(self.image), "--token", self.tokens["new"])

    def options(self) -> list[str]:
        """For the simulator."""
        return ["--machine", "qemu", "--disk", str(self.disk)]

    def variables(self, port: int) -> dict[str, object]:
        """For the inventory."""
        return {
            "reinstall_verify": "tasks",
            "reinstall_verify_tasks": str(VERIFY),
            "demo_port": port,
            "demo_token": self.tokens["new"],
        }

    def told(self, port: int) -> str:
        """What the running system says of itself; empty where it says nothing in time."""
        end = time.monotonic() + TOLD_WITHIN
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
                    banner = line.recv(100).decode(errors="replace").split()
                if banner:
                    return banner[-1]
            except OSError:
                pass
            time.sleep(1)
        return ""


class Camera:
    """Takes a picture of the screen every second, for the strip."""

    def __init__(self, url: str, ca_path: str, password: str) -> None:
        self.strip = Strip()
        self._context = ssl.create_default_context(cafile=ca_path)
        headers = {"X-KVMD-User": "admin", "X-KVMD-Passwd": password}
        self._request = urllib.request.Request(f"{url}/api/streamer/snapshot", headers=headers)  # noqa: S310 - https
        self._last = b""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._film, daemon=True)
        self._thread.start()

    def note(self, event: dict[str, object]) -> None:
        """A state has ended: what was seen last goes onto the strip."""
        state = str(event["state"])
        if event["event"] == "done" and state in FILMED and self._last:
            self.strip.add(FILMED[state], self._last)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _film(self) -> None:
        while not self._over.wait(1):
            try:
                with urllib.request.urlopen(self._request, context=self._context, timeout=10) as answer:  # noqa: S310
                    self._last = answer.read()
            except OSError:
                continue


def keep(evidence: Path, strip: Strip, dest: Path) -> None:
    """Copy the evidence of the run to where it outlives the demo, with the strip in it."""
    shutil.rmtree(dest, ignore_errors=True)
    shutil.copytree(evidence, dest)
    if strip.frames:
        strip.save(dest / "strip.png")
    reports = [json.loads(path.read_text())["seconds"] for path in dest.glob("*/*/report.json")]
    print(f"\n  evidence              {dest} ({len(reports)} report, {len(strip.frames)} frames in strip.png)")
