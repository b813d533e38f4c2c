# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chromium without a window, through its WebDriver: what a person would see of a page, and what the page asks for."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import requests

PATIENCE = 30
PACKAGES = ("chromium", "chromium-driver")
"""Those of Debian."""

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
WIDTHS = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
ESCAPES = """return [...document.querySelectorAll('body *')].filter(e => !e.closest('.hidden, .track') &&
  e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.outerHTML.slice(0, 120))"""
PICTURES = """const all = [...document.images]; all.forEach(i => i.loading = 'eager');
  return [all.length, all.filter(i => i.complete && i.naturalWidth > 0).length]"""


class Browser:
    """A new Chromium with a window of this width, for the length of a `with` block."""

    def __init__(self, width: int, height: int = 900, dark: bool = False) -> None:
        self._width, self._height, self._dark = width, height, dark
        self._folder = Path(tempfile.mkdtemp(prefix="browser-"))

    @staticmethod
    def needed() -> None:
        """Skip the test where there is no browser."""
        missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
        if missing:
            pytest.skip(f"{' and '.join(missing)} not found: apt-get install {' '.join(PACKAGES)}")

    def __enter__(self) -> Browser:
        self._driver = subprocess.Popen(
            [str(shutil.which("chromedriver")), "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"HOME": str(self._folder), "PATH": "/usr/bin:/bin", "TMPDIR": str(self._folder)},
        )
        assert self._driver.stdout is not None
        port = next(line.split()[-1].rstrip(".") for line in self._driver.stdout if "started successfully" in line)
        self._http = requests.Session()
        self._http.trust_env = False
        self._base = f"http://127.0.0.1:{port}/session"
        options = {
            "binary": shutil.which("chromium"),
            "args": [*ARGUMENTS, f"--user-data-dir={self._folder / 'profile'}"],
            "perfLoggingPrefs": {"enableNetwork": True},
        }
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self._base += f"/{self._post('', {'capabilities': {'alwaysMatch': wanted}})['sessionId']}"
        self.command("Emulation.setScrollbarsHidden", {"hidden": True})
        metrics = {"width": self._width, "height": self._height, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", metrics)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"}]
        self.command("Emulation.setEmulatedMedia", {"features": scheme})
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self._http.delete(self._base, timeout=PATIENCE)
            self._http.close()
        finally:
            self._driver.terminate()
            self._driver.wait(PATIENCE)
            assert self._driver.stdout is not None
            self._driver.stdout.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._http.post(self._base + path, json=body, timeout=PATIENCE)
        assert answer.ok, answer.text
        return answer.json()["value"]

    def command(self, name: str, params: dict[str, Any]) -> Any:
        """One of the DevTools protocol."""
        return self._post("/goog/cdp/execute", {"cmd": name, "params": params})

    def open(self, url: str) -> None:
        self._post("/url", {"url": url})

    def ask(self, script: str) -> Any:
        return self._post("/execute/sync", {"script": script, "args": []})

    def pictures(self) -> tuple[int, int]:
        """How many there are, and how many of them are to be seen."""
        end = time.monotonic() + PATIENCE
        there, seen = self.ask(PICTURES)
        while seen < there and time.monotonic() < end:
            time.sleep(0.1)
            there, seen = self.ask(PICTURES)
        return there, seen

    def requests(self) -> list[str]:
        """What the page has asked for since it was asked last."""
        events = [json.loads(entry["message"])["message"] for entry in self._post("/se/log", {"type": "performance"})]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def check(self, path: Path) -> None:
        """Open a page from disk: it reports no error, asks for nothing but files, and fits the window."""
        self.requests()
        self.open(path.as_uri())
        self.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
        asked = self.requests()
        assert path.as_uri() in asked
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert self._post("/se/log", {"type": "browser"}) == []
        needed, there = self.ask(WIDTHS)
        assert needed <= there <= self._width
        assert self.ask(ESCAPES) == []
