# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a simulated PiKVM into a state, and telling whether that state has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tests.simulator import Simulator
from tests.simulator.dialect import RECORDED

from .raw import until

DIALECTS = RECORDED
NEWEST = RECORDED[0]
"""For tests of what older ones lack; the others run with any (pytest's `--kvmd`)."""
LONGEST_PLAY = 100.0
EDID = "00FFFFFFFFFFFF00" + "00" * 120
"""Nobody looks at more of it than its beginning and its length."""


def switch_on(sim: Simulator) -> None:
    """Let the computer run its system, with its LED lit."""
    press_power(sim)
    until(lambda: sim.machine.state in ("running", "no_boot"))


def press_power(sim: Simulator, machine: int = 0) -> None:
    """Let somebody press the power button of a computer for a moment."""
    sim.call(_press_power, sim, machine)


def _press_power(sim: Simulator, machine: int) -> None:
    """In one step: a simulator that is kept waiting between down and up would see a long press."""
    pressed = sim.device.machines[machine]
    pressed.button_down("power")
    pressed.button_up("power")


def light(sim: Simulator, lit: bool) -> None:
    """Let the power LED change at once: its wire is plugged in or out while the computer runs."""
    sim.call(sim.machine.options.change, led_wired=lit)


def when_asked(sim: Simulator, path: str, act: Callable[[], Any], times: int = 1) -> threading.Thread:
    """Let somebody else act once a path has been asked for so often."""

    def run() -> None:
        until(lambda: sum(record.path == path for record in sim.requests) >= times, LONGEST_PLAY)
        act()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def insert(
    sim: Simulator, name: str = "theirs.iso", data: bytes = b"theirs", cdrom: bool = True, rw: bool = False
) -> None:
    """Let an image be stored, selected and connected."""
    sim.put_image(name, data)
    sim.call(_insert, sim, name, cdrom, rw)


def _insert(sim: Simulator, name: str, cdrom: bool, rw: bool) -> None:
    msd = sim.device.msd
    msd.selected = sim.device.storage.images[name]
    msd.cdrom, msd.rw = cdrom, rw
    msd._connect(True)


def snapshot(sim: Simulator) -> dict[str, Any]:
    """All that a task could change."""
    return sim.call(_snapshot, sim)


def _snapshot(sim: Simulator) -> dict[str, Any]:
    device = sim.device
    return {
        "images": {name: (image.sha256, image.complete) for name, image in device.storage.images.items()},
        "drive": (
            device.msd.selected and device.msd.selected.name,
            device.msd.connected,
            device.msd.cdrom,
            device.msd.rw,
        ),
        "outputs": {name: output.state for name, output in device.gpio.outputs.items()},
        "presses": len(sim.machine.presses),
        "powered": device.machine.powered,
    }
