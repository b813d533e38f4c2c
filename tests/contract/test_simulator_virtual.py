# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real computer behind the simulated PiKVM: what a PiKVM has of it, and that nothing of it is left over."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from tests.simulator import ocr
from tests.simulator.keyboard import KEYS
from tests.simulator.qemu import PROGRAM
from tests.simulator.qkeys import QEMU_KEYS, pointed

from .client import Start

ROOT = Path(__file__).parents[2]
DISK_BYTES = 1024 * 1024
PATIENCE = 60.0

needs_qemu = pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"{PROGRAM} is not installed")


def until(seen: Callable[[], bool]) -> None:
    """Firmware takes its time on a busy machine."""
    end = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Nothing is on it."""
    path = tmp_path / "disk, empty.img"
    path.write_bytes(bytes(DISK_BYTES))
    return path


@needs_qemu
def test_real_computer_is_what_a_pikvm_has_of_it(pikvm: Start, disk: Path) -> None:
    client = pikvm(speed=1.0, virtual=True, machine={"disk": disk})

    def problems() -> Any:
        return client.sim.device.machine.describe()["problems"]

    assert client.state("atx")["leds"] == {"power": False, "hdd": False}
    assert client.get("/api/streamer/snapshot").status_code == 503
    client.sim.put_image("stick.img", bytes(DISK_BYTES))
    client.post("/api/atx/power?action=on&wait=1")
    until(lambda: client.state("atx")["leds"]["power"])
    assert client.state("streamer")["streamer"]["source"]["online"] is True
    picture = Image.open(io.BytesIO(client.get("/api/streamer/snapshot").content))
    assert (picture.format, picture.width >= 640) == ("JPEG", True)
    if ocr.languages():
        until(lambda: "No bootable device" in client.get("/api/streamer/snapshot?ocr=1").text)
    for kind in ("cdrom=1", "cdrom=0&rw=1"):
        client.post(f"/api/msd/set_params?image=stick.img&{kind}")
        client.post("/api/msd/set_connected?connected=1")
        client.post("/api/msd/set_connected?connected=0")
    client.post("/api/hid/events/send_key?key=Escape")
    client.post("/api/hid/events/send_mouse_move?to_x=0&to_y=0")
    client.post("/api/atx/click?button=reset&wait=1")
    client.post("/api/atx/power?action=off_hard&wait=1")
    until(lambda: not client.state("atx")["leds"]["power"])
    assert problems() == []
    assert [press["button"] for press in client.sim.device.machine.describe()["presses"]] == ["power", "reset", "power"]


@needs_qemu
def test_real_computer_dies_with_its_simulator(disk: Path, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "tests.simulator", "--machine", "qemu", "--disk", str(disk), "--port", "0"]
    with subprocess.Popen([*command, "--ready-file", str(ready)], cwd=ROOT) as simulator:
        until(ready.exists)
        (device,) = json.loads(ready.read_text(encoding="utf-8"))
        assert device["forward"] > 0
        control = f"{device['url']}/_simulator"
        requests.put(f"{control}/machine", json={"press": "power"}, verify=device["ca_path"], timeout=10)
        until(lambda: requests.get(control, verify=device["ca_path"], timeout=10).json()["machine"]["leds"]["power"])
        children = Path(f"/proc/{simulator.pid}/task/{simulator.pid}/children").read_text(encoding="utf-8").split()
        assert len(children) == 1
        simulator.send_signal(signal.SIGKILL)
    until(lambda: not _lives(int(children[0])))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"disk": Path("/nowhere")}, "there is no disk /nowhere"),
        ({"boot_order": "tape"}, "boot_order must be one of image, disk, strict"),
        ({"acceleration": "x"}, "acceleration must be one of tcg, kvm"),
    ],
)
def test_real_computer_cannot_be_made_of_that(pikvm: Start, disk: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pikvm(speed=1.0, virtual=True, machine={"disk": disk, **options})


def test_every_key_has_a_name_in_qemu() -> None:
    assert set(QEMU_KEYS) == KEYS


def test_mouse_in_qemus_words() -> None:
    assert [event["data"]["value"] for event in pointed("mouse_move", {"x": -32768, "y": 32767})] == [0, 32767]
    assert [event["data"] for event in pointed("mouse_wheel", {"x": 0, "y": -1})] == [
        {"button": "wheel-down", "down": True},
        {"button": "wheel-down", "down": False},
    ]
