# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reinstall a server through a simulated PiKVM, show what happens, and prove the outcome.

The playbook is the one that users run, and it talks to the simulator as it would to a PiKVM. The proof at the end comes
from behind the scenes: the simulated computer tells from which bytes its disk was written. A real one (--machine qemu)
boots the image, writes its disk and comes up from it; there the new system itself tells the token of the image.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from real import Camera, RealComputer, keep

ROOT = Path(__file__).resolve().parents[2]
SERVER = "server1"
PASSWORD = "a password of the demo"
MIB = 1024 * 1024
READY_SECONDS = 20

DOING = {
    "preflight": "Is it this server, and can all of it be done?",
    "stage": "Send the image to the PiKVM",
    "power_off": "Switch the server off",
    "insert": "Connect the image as a CD-ROM",
    "boot": "Switch the server on; its firmware finds the image",
    "install": "Wait until the installer switches the server off",
    "eject": "Empty the drive, before the disk is started",
    "disk_boot": "Switch the server on again",
    "verify": "See that the right system runs",
    "clean": "Look at the end state",
}


def proof_in_words(state: str, proof: dict[str, Any]) -> str:
    """What a state left behind, as a sentence."""
    if state == "preflight":
        room = proof["room"] // MIB
        return f"kvmd {proof['kvmd']}, logged in; power LED {proof['power']}; room for {room} MiB"
    if state == "stage":
        rate = proof["rate"] / MIB
        return f"{proof['bytes']} bytes at {rate:.0f} MiB/s, sha256 {proof['sha256'][:16]}..."
    words = []
    if "power" in proof:
        words.append(f"power LED {proof['power']}")
    if proof.get("pressed"):
        words.append(f"pressed: {', '.join(proof['pressed'])}")
    if "drive" in proof:
        drive = proof["drive"]
        words.append(f"{drive['image']} connected as {drive['media_type']}" if drive["connected"] else "drive empty")
    return "; ".join(words) or "-"


@dataclass
class Processes:
    """What the demo has started; nothing of it outlives the demo."""

    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, command: list[str], log: Path, environ: dict[str, str]) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def end(self) -> None:
        """Interrupt each with all its children, and kill what does not go."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in self.running:
                try:
                    os.killpg(process.pid, number)
                except (ProcessLookupError, PermissionError):
                    continue
            for process in self.running:
                try:
                    process.wait(3)
                except subprocess.TimeoutExpired:
                    continue


@dataclass(frozen=True)
class Device:
    """The simulated PiKVM, as it announces itself."""

    url: str
    fingerprint: str
    ca_path: str
    forward: int | None = None

    def scene(self) -> dict[str, Any]:
        """What is to be seen behind the scenes."""
        return self._control("GET", "")

    def switch_on(self) -> None:
        """Let the simulated server run the system that it came with."""
        self._control("PUT", "/machine", b'{"press": "power"}')

    def _control(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        context = ssl.create_default_context(cafile=self.ca_path)
        request = urllib.request.Request(f"{self.url}/_simulator{path}", body, method=method)  # noqa: S310 - https
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:  # noqa: S310 - https
            found: dict[str, Any] = json.load(answer)
            return found


def start_device(processes: Processes, folder: Path, kvmd: str, machine: list[str]) -> Device:
    """Start the simulator, and wait until it answers. `SystemExit` if it does not."""
    ready = folder / "ready.json"
    log = folder / "simulator.log"
    command = [sys.executable, "-m", "tests.simulator", "--fast", "--port", "0", "--kvmd", kvmd]
    command += ["--password", PASSWORD, "--ready-file", str(ready), *machine]
    simulator = processes.start(command, log, dict(os.environ))
    end = time.monotonic() + READY_SECONDS
    while not ready.exists():
        if simulator.poll() is not None or time.monotonic() > end:
            sys.exit(f"The simulator has not started:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)
    device = json.loads(ready.read_text())[0]
    return Device(device["url"], device["fingerprint"], device["ca_path"], device["forward"])


def write_image(path: Path, mebibytes: int) -> str:
    """An image of random bytes; returns its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as image:
        for _mebibyte in range(mebibytes):
            block = secrets.token_bytes(MIB)
            digest.update(block)
            image.write(block)
    return digest.hexdigest()


def write_inventory(path: Path, device: Device, image: Path, evidence: Path, more: dict[str, Any]) -> None:
    """One server, and where its PiKVM is. JSON is YAML."""
    server = {
        "pikvm_url": device.url,
        "pikvm_password": PASSWORD,
        "pikvm_tls_fingerprint": device.fingerprint,
        "reinstall_image": str(image),
        "reinstall_artifacts_dir": str(evidence),
        "reinstall_led_stable_for": 1,
        "reinstall_poweroff_stable_for": 2,
        **more,
    }
    path.write_text(json.dumps({"all": {"hosts": {SERVER: server}}}, indent=2))


def events(evidence: Path, playbook: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """The lines of the timeline, as they come, until the playbook has ended."""
    seen = 0
    over = False
    while not over:
        over = playbook.poll() is not None
        for timeline in evidence.glob(f"{SERVER}/*/timeline.jsonl"):
            lines = timeline.read_text().splitlines()
            yield from (json.loads(line) for line in lines[seen:])
            seen = len(lines)
        time.sleep(0.1)


def show(event: dict[str, Any]) -> None:
    if event["event"] == "done":
        state = event["state"]
        print(f"  {state:<10} {DOING[state]:<52} {event['seconds']:>5.1f} s", flush=True)
        print(f"  {'':<10} proof: {proof_in_words(state, event['proof'])}", flush=True)
    elif event["event"] == "failed":
        print(f"  {event['state']:<10} FAILED: {event['error']['msg']}", flush=True)


def run_playbook(processes: Processes, folder: Path, evidence: Path, camera: Camera | None = None) -> bool:
    """Run the playbook, and show each state as it ends. Returns whether it came through."""
    command = ["ansible-playbook", "community.pikvm.reinstall", "-i", str(folder / "inventory.json")]
    command += ["-e", f"reinstall_confirm={SERVER}"]
    print(f"$ {' '.join(command)}\n", flush=True)
    environ = dict(
        os.environ,
        ANSIBLE_CONFIG=str(ROOT / "tests" / "ansible.cfg"),
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".collections"),
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )
    log = folder / "playbook.log"
    playbook = processes.start(command, log, environ)
    for event in events(evidence, playbook):
        show(event)
        if camera is not None:
            camera.note(event)
    if playbook.returncode:
        print(f"\nThe playbook has failed. Its output:\n{log.read_text(errors='replace')}")
    return playbook.returncode == 0


def prove(device: Device, sha256: str) -> bool:
    """Compare what is behind the scenes with what was to be reached."""
    scene = device.scene()
    machine, drive = scene["machine"], scene["msd"]["drive"]
    written = machine["disk"]["installed_from"]
    source = machine["boots"][-1]["source"] if machine["boots"] else "nothing"
    held = [
        show_proof("The disk was written from the image that was sent", written == sha256),
        show_proof("The drive is empty", not drive["connected"] and drive["image"] is None),
        show_proof("The server runs from its disk", machine["state"] == "running" and source == "disk"),
    ]
    print(f"\n  sha256 of the image   {sha256}")
    print(f"  sha256 on the disk    {written}")
    print(f"  drive                 {drive['image'] or 'no image'}, {'' if drive['connected'] else 'not '}connected")
    print(f"  server                {machine['state']}, started from {source}")
    print(f"  installations         {machine['disk']['installs']}")
    return all(held)


def prove_real(device: Device, computer: RealComputer) -> bool:
    """Ask the system that runs now who it is."""
    told = computer.told(device.forward or 0)
    drive = device.scene()["msd"]["drive"]
    held = [
        show_proof("The system that runs is the one that was in the image", told == computer.tokens["new"]),
        show_proof("The drive is empty", not drive["connected"] and drive["image"] is None),
    ]
    print(f"\n  token in the image    {computer.tokens['new']}")
    print(f"  token of the system   {told}")
    print(f"  token before          {computer.tokens['old']}")
    return all(held)


def show_proof(words: str, holds: bool) -> bool:
    print(f"  {'yes' if holds else 'NO ':<4} {words}", flush=True)
    return holds


@contextmanager
def stage() -> Iterator[tuple[Processes, Path]]:
    """Processes and a folder that are gone at the end, whatever happens."""
    processes = Processes()
    with tempfile.TemporaryDirectory(prefix="pikvm-demo-") as folder:
        try:
            yield processes, Path(folder)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            processes.end()


def stop(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def scripted(options: argparse.Namespace, processes: Processes, folder: Path) -> bool:
    """A computer that the simulator plays. Returns whether it was reinstalled, and proven."""
    image, evidence = folder / "installer.iso", folder / "evidence"
    print("A simulated PiKVM on a simulated server that runs, and an installer image of random bytes.", flush=True)
    device = start_device(processes, folder, options.kvmd, [])
    device.switch_on()
    sha256 = write_image(image, options.image_size)
    write_inventory(folder / "inventory.json", device, image, evidence, {})
    print(f"PiKVM: {device.url}, kvmd {options.kvmd}. Image: {options.image_size} MiB. Reinstalling {SERVER}:\n")
    came_through = run_playbook(processes, folder, evidence)
    print("\nThe proof, read from the simulated server itself:\n")
    return prove(device, sha256) and came_through


def real(options: argparse.Namespace, processes: Processes, folder: Path) -> bool:
    """A virtual machine. Returns whether it was reinstalled, and proven."""
    evidence = folder / "evidence"
    print("A simulated PiKVM on a virtual machine that is off, and an installer image of a tiny Linux.", flush=True)
    computer = RealComputer(folder)
    machine = [*computer.options(), "--acceleration", options.acceleration]
    device = start_device(processes, folder, options.kvmd, machine)
    write_inventory(
        folder / "inventory.json", device, computer.image, evidence, computer.variables(device.forward or 0)
    )
    print(
        f"PiKVM: {device.url}, kvmd {options.kvmd}. QEMU: {options.acceleration}. Reinstalling {SERVER}:\n", flush=True
    )
    camera = Camera(device.url, device.ca_path, PASSWORD)
    came_through = run_playbook(processes, folder, evidence, camera)
    camera.stop()
    print("\nThe proof, told by the system that runs now:\n")
    proven = prove_real(device, computer)
    keep(evidence, camera.strip, ROOT / ".cache" / "demo")
    return proven and came_through


def main() -> int:
    parser = argparse.ArgumentParser(description="Reinstall a server through a simulated PiKVM.")
    parser.add_argument("--machine", choices=("scripted", "qemu"), default="scripted", help="the server (%(default)s)")
    parser.add_argument("--kvmd", default="4.197", help="version of kvmd that the simulator speaks as (%(default)s)")
    parser.add_argument("--image-size", type=int, default=64, metavar="MIB", help="of a scripted one (%(default)s)")
    parser.add_argument("--acceleration", choices=("tcg", "kvm"), default="tcg", help="of a real one (%(default)s)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    begin = time.monotonic()
    with stage() as (processes, folder):
        passed = (real if options.machine == "qemu" else scripted)(options, processes, folder)
    print(f"\n{'Reinstalled, and proven' if passed else 'NOT reinstalled'}, in {time.monotonic() - begin:.0f} s.")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
