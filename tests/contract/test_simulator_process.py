# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as a process: its command line, and the control endpoints that look into it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.raw import until

from .client import ADMIN, Client, Start

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.simulator"]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[dict[str, Any]], list[str]]]:
    """Two devices served by a process: what its ready file says, and what it printed."""
    ready = tmp_path_factory.mktemp("simulator") / "ready.json"
    options = ["--port", "0", "--count", "2", "--fast", "--kvmd", "4.20", "--ready-file", str(ready)]
    with subprocess.Popen([*COMMAND, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        printed = [running.stdout.readline() for _device in range(2)]
        until(ready.exists)
        yield json.loads(ready.read_text(encoding="utf-8")), printed
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0


def test_process_tells_where_its_devices_are(process: tuple[list[dict[str, Any]], list[str]]) -> None:
    devices, printed = process
    assert len({device["url"] for device in devices}) == 2
    for device, line in zip(devices, printed, strict=True):
        url, fingerprint, ca_path = device["url"], device["fingerprint"], device["ca_path"]
        assert line == f"PiKVM simulator ready: url={url} fingerprint={fingerprint} ca={ca_path} kvmd=4.20\n"
        answer = requests.get(f"{url}/api/info?fields=system", headers=ADMIN, verify=ca_path, timeout=5)
        assert answer.json()["result"]["system"]["kvmd"] == {"version": "4.20"}
        os.kill(device["pid"], 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--kvmd", "latest"], "not a kvmd version"), (["--speed", "0"], "speed"), (["--os", "x"], "invalid choice")],
)
def test_bad_command_line(options: list[str], words: str) -> None:
    ended = subprocess.run([*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def control(client: Client, method: str, path: str = "", **options: Any) -> Any:
    answer = client.send(method, f"/_simulator{path}", headers={}, **options)
    return answer.json() if answer.ok else answer.status_code


def test_control_shows_the_computer_and_the_requests(pikvm: Start) -> None:
    client = pikvm()
    client.post("/api/atx/power?action=on&wait=1")
    until(lambda: control(client, "GET")["machine"]["state"] == "running")
    seen = control(client, "GET")
    assert (seen["kvmd"], seen["requests"], seen["writes"]) == ("4.197", 1, 1)
    assert seen["machine"]["screen"][-1] == "server login:"
    assert [boot["source"] for boot in seen["machine"]["boots"]] == ["disk"]
    assert control(client, "GET", "/requests")[0]["query"] == {"action": "on", "wait": "1"}
    control(client, "DELETE", "/requests")
    assert control(client, "GET", "/requests") == []


def test_control_switches_faults(pikvm: Start) -> None:
    client = pikvm()
    control(client, "PUT", "/faults/error500", json={"path": "/atx", "times": 1})
    control(client, "PUT", "/faults/msd_disabled")
    assert client.get("/api/atx").status_code == 500
    assert client.state("msd")["enabled"] is False
    control(client, "DELETE", "/faults/msd_disabled")
    assert client.state("msd")["enabled"] is True
    assert list(control(client, "DELETE", "/faults")["faults"]) == []
    assert control(client, "PUT", "/faults/nonsense") == 400
    assert control(client, "PUT", "/faults/slow", data=b"{") == 400


def test_control_changes_the_computer_and_presses_by_hand(pikvm: Start) -> None:
    client = pikvm()
    seen = control(client, "PUT", "/machine", json={"os": "ignores", "installer": "loop", "press": "power"})
    assert (seen["machine"]["options"]["os"], seen["machine"]["powered"]) == ("ignores", True)
    for wrong in ({"os": "sleeps"}, {"colour": "red"}, {"boot_seconds": "1"}, {"press": "hard"}):
        assert control(client, "PUT", "/machine", json=wrong) == 400
    assert client.sim.machine.options.os == "ignores"


def test_control_puts_images(pikvm: Start) -> None:
    client = pikvm()
    control(client, "PUT", "/images/work/a.iso", data=b"12345")
    control(client, "PUT", "/images/b.iso?complete=0", data=b"123")
    images = client.images()
    assert {name: (image["size"], image["complete"]) for name, image in images.items()} == {
        "work/a.iso": (5, True),
        "b.iso": (3, False),
    }
    assert client.get("/api/msd/read?image=work/a.iso").content == b"12345"


def test_control_is_not_part_of_the_api(pikvm: Start) -> None:
    client = pikvm()
    assert client.get("/api/_simulator").status_code == 404
    assert control(client, "GET", "/nonsense") == 404
    assert control(client, "PATCH") == 404
