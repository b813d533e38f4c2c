# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mouse, and what kind of keyboard and mouse a server sees."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import switch_on
from tests.support.expect import Refusal, Start, check_refusals, fault

MOUSE, HID = "pikvm_mouse", "pikvm_hid"


def mouse(**options: Any) -> dict[str, Any]:
    return task(MOUSE, **options)


def hid(**options: Any) -> dict[str, Any]:
    return task(HID, **options)


def test_moving_clicking_and_scrolling(ansible: Ansible, sim: Simulator) -> None:
    switch_on(sim)
    foretold, all_at_once, scrolled = ansible.run(
        sim,
        check(MOUSE, move={"x": 1, "y": 2}, click="left"),
        mouse(wheel={"x": 1, "y": -5}, click="right", move={"x": -32768, "y": 32767}),
        mouse(wheel={"y": 3}),
    )
    assert [outcome["sent"] for outcome in (foretold, all_at_once, scrolled)] == [
        ["move", "click"],
        ["move", "click", "wheel"],
        ["wheel"],
    ]
    assert foretold.writes == []
    assert all(outcome.changed for outcome in (foretold, all_at_once, scrolled))
    events = [{key: value for key, value in event.items() if key != "at"} for event in sim.device.hid.events]
    assert events == [
        {"kind": "mouse_move", "x": -32768, "y": 32767},
        {"kind": "mouse_button", "button": "right", "state": True},
        {"kind": "mouse_button", "button": "right", "state": False},
        {"kind": "mouse_wheel", "x": 1, "y": -5},
        {"kind": "mouse_wheel", "x": 0, "y": 3},
    ]


def test_relative_mouse_is_pushed(ansible: Ansible, simulator: Start) -> None:
    for kvmd in ("4.197", "3.334"):
        sim = simulator(kvmd=kvmd)
        relative(sim)
        foretold, pushed, clicked = ansible.run(
            sim,
            check(MOUSE, move_by={"x": 1, "y": 2}),
            mouse(wheel={"y": 1}, click="middle", move_by={"x": -127, "y": 127}),
            mouse(move_by={"y": 5}),
        )
        assert [outcome["sent"] for outcome in (foretold, pushed, clicked)] == [
            ["move_by"],
            ["move_by", "click", "wheel"],
            ["move_by"],
        ]
        assert foretold.writes == []
        events = [{key: value for key, value in event.items() if key != "at"} for event in sim.device.hid.events]
        assert events == [
            {"kind": "mouse_relative", "x": -127, "y": 127},
            {"kind": "mouse_button", "button": "middle", "state": True},
            {"kind": "mouse_button", "button": "middle", "state": False},
            {"kind": "mouse_wheel", "x": 0, "y": 1},
            {"kind": "mouse_relative", "x": 0, "y": 5},
        ]


def test_hid_is_set_once_and_read_back(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    rows = [
        (check(HID, mouse_output="usb_rel", jiggler=True), True, []),
        (hid(mouse_output="usb_rel", jiggler=True), True, ["hid/set_params"]),
        (hid(mouse_output="usb_rel", jiggler=True), False, []),
        (hid(state="reset"), True, ["hid/reset"]),
    ]
    before = {"keyboard_output": None, "mouse_output": "usb", "jiggler": False, "connected": None}
    after = {**before, "mouse_output": "usb_rel", "jiggler": True}
    diffs = [{"before": {"hid": start}, "after": {"hid": after}} for start in (before, before, after, after)]
    hosts = {f"kvmd_{kvmd}": Host(simulator(kvmd=kvmd), [row[0] for row in rows]) for kvmd in ("4.197", "3.334")}
    for name, outcomes in ansible.play(hosts, ("--diff",)).hosts.items():
        for index, (outcome, (_task, changed, writes)) in enumerate(zip(outcomes, rows, strict=True)):
            with subtests.test(msg=f"{name} task {index}"):
                assert outcome.ok, outcome.msg
                assert (outcome.changed, outcome.writes, outcome["hid"]) == (changed, writes, after)
                assert outcome["diff"] == diffs[index]
        assert hosts[name].sim.device.hid.mouse_output == "usb_rel"


def relative(sim: Simulator) -> None:
    switch_on(sim)
    sim.call(sim.device.hid.set_params, None, "usb_rel", None)


def test_board_is_set_and_disconnected(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(hid="serial")
    switch_on(sim)
    outcomes = ansible.run(
        sim,
        hid(keyboard_output="ps2", mouse_output="disabled"),
        hid(keyboard_output="ps2", mouse_output="disabled", connected=True),
        check(HID, connected=False),
        hid(connected=False),
        hid(connected=False),
    )
    assert [outcome.msg for outcome in outcomes if not outcome.ok] == []
    assert [outcome.changed for outcome in outcomes] == [True, False, True, True, False]
    writes = [outcome.writes for outcome in outcomes]
    assert writes == [["hid/set_params"], [], [], ["hid/set_connected"], []]
    assert sim.device.hid.state()["connected"] is False


REFUSALS = {
    "nobody listens": Refusal(
        mouse(click="left"), "^No server listens to the mouse of the PiKVM: is it on, and its USB"
    ),
    "nobody listens, foretold": Refusal(check(MOUSE, click="left"), "^No server listens to the mouse of the PiKVM"),
    "relative mouse": Refusal(
        mouse(move={"x": 0, "y": 0}), "^move: the mouse is a relative one; community.pikvm.pikvm_hid can set", relative
    ),
    "absolute mouse": Refusal(
        mouse(move_by={"x": 1}),
        "^move_by: the mouse is an absolute one; community.pikvm.pikvm_hid can set mouse_output=usb_rel$",
        switch_on,
    ),
    "push too far": Refusal(
        check(MOUSE, move_by={"y": -128}), "^move_by.y: must be between -127 and 127, not -128$", relative
    ),
    "two ways to move": Refusal(
        mouse(move={"x": 0, "y": 0}, move_by={"x": 1}), "parameters are mutually exclusive: move|move_by"
    ),
    "too far": Refusal(
        mouse(move={"x": 0, "y": 40000}), "^move.y: must be between -32768 and 32767, not 40000$", switch_on
    ),
    "unknown button": Refusal(mouse(click="thumb"), "value of click must be one of: left, right, middle, up, down"),
    "nothing to do": Refusal(mouse(), "one of the following is required: move, move_by, click, wheel"),
    "half a point": Refusal(mouse(move={"x": 1}), "missing required arguments: y found in move"),
    "output that the hardware lacks": Refusal(
        hid(mouse_output="ps2"), "^mouse_output: this PiKVM does not offer ps2; it offers: usb, usb_rel$"
    ),
    "no choice": Refusal(
        check(HID, keyboard_output="usb"), "^keyboard_output: this PiKVM does not offer usb; it offers: no choice$"
    ),
    "connected": Refusal(hid(connected=False), "^connected: means nothing on this PiKVM: only serial and SPI boards"),
    "reset and more": Refusal(hid(state="reset", jiggler=True), "parameters are mutually exclusive: state|jiggler"),
    "nothing to set": Refusal(hid(), "one of the following is required: keyboard_output, mouse_output, jiggler"),
    "dropped in silence": Refusal(
        hid(jiggler=True),
        r"^Setting jiggler was answered 200, but after 10 s the PiKVM shows \{'jiggler': False\}$",
        fault("ignore_write"),
        changes=True,
    ),
}


def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    check_refusals(ansible, simulator, subtests, REFUSALS)
