# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typing texts, pressing chords, and letting go of them whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.modules import pikvm_keyboard
from tests.simulator import Simulator
from tests.support.ansible import ROOT, Ansible, Host, check, connection, task
from tests.support.device import press_power, switch_on
from tests.support.expect import Refusal, Start, check_refusals, fault
from tests.support.module import run_module
from tests.support.raw import until

MODULE = "pikvm_keyboard"
CHORD = ["ControlLeft+AltLeft+KeyT"]
LONG_TEXT = "".join(chr(ord("a") + index % 26) for index in range(3000))


def keys(**options: Any) -> dict[str, Any]:
    return task(MODULE, **options)


def pressed(sim: Simulator) -> list[tuple[str, bool]]:
    return [(event["key"], event["state"]) for event in list(sim.device.hid.events) if event["kind"] == "key"]


def screen(sim: Simulator) -> str:
    return "\n".join(sim.call(lambda: sim.machine.screen))


def in_firmware(sim: Simulator) -> None:
    """Let the computer show its firmware until somebody presses a key."""
    sim.call(sim.machine.options.change, firmware_seconds=100000.0, boot_seconds=100000.0)
    press_power(sim)


def test_text_and_chords_in_both_dialects(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    rows = [
        check(MODULE, text="root\n"),
        check(MODULE, keys=CHORD, repeat=2),
        keys(text="root\nGeheim!\n", keymap="en-us"),
        keys(keys=["KeyE", "KeyC", "KeyH", "KeyO", "Space", "ShiftLeft+KeyA", "Enter"]),
        keys(keys=["ArrowUp", "F5"], repeat=3, interval=0.01, hold=0.01),
        keys(text="a", slow=True, delay=0.01),
    ]
    hosts = {f"kvmd_{kvmd}": Host(simulator(kvmd=kvmd), rows) for kvmd in ("4.197", "4.20")}
    for host in hosts.values():
        switch_on(host.sim)
    for name, outcomes in ansible.play(hosts).hosts.items():
        with subtests.test(msg=name):
            assert [outcome.msg for outcome in outcomes if not outcome.ok] == []
            sent = [(outcome["sent"]["characters"], outcome["sent"]["chords"]) for outcome in outcomes]
            assert sent == [(5, 0), (0, 2), (13, 0), (0, 7), (0, 6), (1, 0)]
            assert all(outcome.changed for outcome in outcomes)
            assert outcomes[0].writes == outcomes[1].writes == []
            assert "/api/ws" not in [record.path for record in outcomes[1].requests]
            sim = hosts[name].sim
            assert "Welcome, root" in screen(sim)
            assert "root@server:~# echo A" in screen(sim)
            assert sim.device.hid.pressed == set()
            hammered = pressed(sim)[-2 - 12 : -2]
            assert hammered == [(key, state) for key in ("ArrowUp", "F5") for state in (True, False)] * 3


def test_chord_is_pressed_in_order_and_released_in_reverse(ansible: Ansible, sim: Simulator) -> None:
    switch_on(sim)
    (outcome,) = ansible.run(sim, keys(keys=CHORD, hold=1))
    assert outcome.ok, outcome.msg
    order = ["ControlLeft", "AltLeft", "KeyT"]
    assert pressed(sim) == [(key, True) for key in order] + [(key, False) for key in order[::-1]]
    times = [event["at"] for event in sim.device.hid.events]
    assert times[3] - times[2] >= 0.5  # as the PiKVM sees it, which notes when it reads


def test_long_text_arrives_whole(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(speed=1.0, machine={"boot_seconds": 0.1, "led_on_delay": 0.0})
    switch_on(sim)
    (outcome,) = ansible.run(sim, keys(text=LONG_TEXT))
    assert outcome.ok, outcome.msg
    assert outcome["sent"] == {"characters": 3000, "chords": 0}
    until(lambda: len(pressed(sim)) == 6000)
    typed = "".join(key.removeprefix("Key").lower() for key, state in pressed(sim) if state)
    assert typed == LONG_TEXT


def test_boot_menu_is_opened_and_its_entry_chosen(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(speed=5.0)
    in_firmware(sim)
    opened, chosen, gone = ansible.run(
        sim,
        keys(keys=["F11"], until_text="(?i)boot device", interval=0.1, wait_timeout=20),
        keys(keys=["ArrowDown", "Enter"]),
        keys(keys=["F11"], until_text="boot device", wait_timeout=0.5),
    )
    assert opened.ok, opened.msg
    assert "Please select the boot device" in opened["text"]
    assert opened["sent"]["chords"] >= 1
    assert chosen.ok, chosen.msg
    assert gone.outcome == "failed"
    assert "The screen does not show 'boot device' after 0.5 s and " in gone.msg
    assert "(wait_timeout). It shows: " in gone.msg
    assert sim.device.hid.pressed == set()


def test_keys_are_released_when_the_socket_breaks_in_mid_chord(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(kvmd="4.20")
    switch_on(sim)
    held = threading.Event()

    def cut() -> None:
        until(lambda: len(sim.device.hid.pressed) == 3, 60.0)
        held.set()
        sim.fault("ws_drop")

    cutter = threading.Thread(target=cut)
    cutter.start()
    (outcome,) = ansible.run(sim, keys(keys=CHORD, hold=60.0))
    cutter.join()
    assert held.is_set()
    assert outcome.outcome == "failed"
    assert "the socket broke" in outcome.msg
    assert "defect of community.pikvm" not in outcome.msg
    assert outcome.writes == ["hid/reset"]
    assert sim.device.hid.pressed == set()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_keys_are_released_when_the_module_is_interrupted(sim: Simulator, tmp_path: Path, how: signal.Signals) -> None:
    switch_on(sim)
    process = run_module(tmp_path, pikvm_keyboard, connection(sim, keys=CHORD, hold=60.0))
    until(lambda: len(sim.device.hid.pressed) == 3)
    os.kill(process.pid, how)
    process.communicate(timeout=20)
    until(lambda: sim.device.hid.pressed == set())
    assert process.returncode != 0


REFUSALS = {
    "unknown key": Refusal(
        keys(keys=["F11", "Entr"]), r"^keys: 'Entr' in 'Entr' is not the name of a key; did you mean Enter", switch_on
    ),
    "unknown key, foretold": Refusal(check(MODULE, keys=["F11+return"]), "^keys: 'return' in 'F11.return' is not"),
    "nobody listens to keys": Refusal(
        keys(keys=["F11"]),
        "^Keys were sent, but no server listens to the keyboard of the PiKVM: is it on",
        changes=True,
    ),
    "nobody listens to a text": Refusal(keys(text="root"), "^No server listens to the keyboard of the PiKVM: is it on"),
    "unknown keymap": Refusal(
        keys(text="root", keymap="xx"), "^keymap: the PiKVM has no keymap 'xx'; it has: de, en-gb, en-us$", switch_on
    ),
    "no repetition": Refusal(keys(keys=["F11"], repeat=0), "^repeat: must be between 1 and 10000$"),
    "no end of repetitions": Refusal(keys(keys=["F11"], repeat=10**18), "^repeat: must be between 1 and 10000$"),
    "delay too long": Refusal(keys(text="x" * 9, delay=5.5), "^delay: must be 5 seconds at most$"),
    "negative hold": Refusal(keys(keys=["F11"], hold=-1), "^hold: must be between 0 seconds and a week, not -1$"),
    "bad pattern": Refusal(keys(keys=["F11"], until_text="("), r"^until_text: '\(' is not a regular expression"),
    "keys and text": Refusal(keys(keys=["F11"], text="root"), "parameters are mutually exclusive: text|keys"),
    "nothing": Refusal(keys(), "one of the following is required: text, keys"),
    "no socket": Refusal(
        keys(keys=["F11"]),
        "^GET /api/ws stream=0 was answered 502",
        fault("html", path="/api/ws"),
        error=(502, "Bad Gateway"),
    ),
}


def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    check_refusals(ansible, simulator, subtests, REFUSALS)


def test_nothing_is_sent_before_an_unknown_key_is_noticed(ansible: Ansible, sim: Simulator) -> None:
    switch_on(sim)
    (outcome,) = ansible.run(sim, keys(keys=["F11", "Entr"]))
    assert outcome.requests == []
    assert sim.device.hid.events == []


def test_missing_library_is_named(sim: Simulator, tmp_path: Path) -> None:
    switch_on(sim)
    (tmp_path / "websockets.py").write_text("raise ImportError('not here')\n", encoding="utf-8")
    process = run_module(tmp_path, pikvm_keyboard, connection(sim, keys=["F11"]), path=[tmp_path])
    output, _errors = process.communicate(timeout=20)
    assert "Failed to import the required Python library (websockets)" in output
    assert sim.requests == []
    subprocess.run([sys.executable, "-c", "import websockets"], check=True, cwd=ROOT)  # here it is there
