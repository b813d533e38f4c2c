# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From keyboard and mouse as they are to those wished for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.console import Hid
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError, StateError
from ansible_collections.community.pikvm.plugins.module_utils._hid import plan_hid, plan_reset, require_mouse, shown
from ansible_collections.community.pikvm.plugins.module_utils._plan import Plan

NOTHING: dict[str, Any] = {"keyboard_output": None, "mouse_output": None, "jiggler": None, "connected": None}


class Asked:
    """Takes down what is asked of a PiKVM."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.console = self

    def hid_set_params(self, **params: Any) -> None:
        self.asked.append(params)

    def hid_set_connected(self, connected: bool) -> None:
        self.asked.append(connected)

    def hid_reset(self) -> None:
        self.asked.append("reset")


def hid(**changes: Any) -> Hid:
    """An SPI board, which has a choice of everything."""
    answer = {
        "enabled": True,
        "online": True,
        "busy": changes.get("busy", False),
        "connected": changes.get("connected", True),
        "keyboard": {"online": True, "leds": {}, "outputs": {"available": ["usb", "ps2"], "active": "usb"}},
        "mouse": {
            "online": changes.get("mouse_online", True),
            "absolute": changes.get("absolute", True),
            "outputs": {"available": ["usb", "usb_rel"], "active": changes.get("mouse_output", "usb")},
        },
        "jiggler": {"enabled": True, "active": changes.get("jiggler", False)},
    }
    return Hid.parse(answer)


OTG = Hid.parse({"online": True, "connected": None, "keyboard": {"outputs": {"available": [], "active": ""}}})


def asked(plan: Plan[Hid], client: Asked) -> list[Any]:
    for step in plan.steps:
        step.send()
    return client.asked


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, []),
        ({"mouse_output": "usb", "keyboard_output": "usb", "jiggler": False, "connected": True}, []),
        ({"mouse_output": "usb_rel"}, [{"mouse_output": "usb_rel"}]),
        (
            {"mouse_output": "usb_rel", "keyboard_output": "ps2"},
            [{"mouse_output": "usb_rel", "keyboard_output": "ps2"}],
        ),
        ({"mouse_output": "usb", "jiggler": True}, [{"jiggler": True}]),
        ({"connected": False}, [False]),
        ({"jiggler": True, "connected": False}, [{"jiggler": True}, False]),
    ],
)
def test_only_what_differs_is_asked_for(wish: dict[str, Any], expected: list[Any]) -> None:
    client = Asked()
    found: Any = client
    plan = plan_hid(found, hid(), {**NOTHING, **wish})
    assert asked(plan, client) == expected
    assert plan.before["hid"] == shown(hid())
    assert plan.after["hid"] == {**shown(hid()), **wish}


def test_step_is_over_once_all_of_it_is_shown() -> None:
    client: Any = Asked()
    (step,) = plan_hid(client, hid(), {**NOTHING, "mouse_output": "usb_rel", "jiggler": True}).steps
    assert step.done is not None
    states = [
        hid(),
        hid(mouse_output="usb_rel"),
        hid(mouse_output="usb_rel", jiggler=True, busy=True),
        hid(mouse_output="usb_rel", jiggler=True),
    ]
    assert [step.done(state) for state in states] == [False, False, False, True]
    assert "{'mouse_output': 'usb', 'jiggler': False}" in step.missed(hid())


@pytest.mark.parametrize(
    ("found", "wish", "message"),
    [
        (hid(), {"mouse_output": "ps2"}, "mouse_output: this PiKVM does not offer ps2; it offers: usb, usb_rel"),
        (hid(), {"keyboard_output": "disabled"}, "keyboard_output: this PiKVM does not offer disabled; it offers: usb"),
        (OTG, {"keyboard_output": "usb"}, "keyboard_output: this PiKVM does not offer usb; it offers: no choice"),
        (OTG, {"connected": True}, "connected: means nothing on this PiKVM"),
        (OTG, {"jiggler": True}, "jiggler: this PiKVM has none; kvmd 3.265 has"),
    ],
)
def test_what_the_hardware_lacks_is_refused(found: Hid, wish: dict[str, Any], message: str) -> None:
    client: Any = Asked()
    with pytest.raises(OptionError) as caught:
        plan_hid(client, found, {**NOTHING, **wish})
    assert str(caught.value).startswith(message)


def test_reset_is_asked_for_each_time_and_believed_when_it_was_answered() -> None:
    client = Asked()
    found: Any = client
    plan = plan_reset(found, hid())
    assert asked(plan, client) == ["reset"]
    assert (plan.before, [step.telling for step in plan.steps]) == (plan.after, [False])


@pytest.mark.parametrize(
    ("found", "move", "wheel", "message"),
    [
        (hid(), {"x": -32769, "y": 0}, None, "move.x: must be between -32768 and 32767, not -32769"),
        (hid(), {"x": 0, "y": 32768}, None, "move.y: must be between -32768 and 32767, not 32768"),
        (hid(), None, {"x": 0, "y": 128}, "wheel.y: must be between -127 and 127, not 128"),
        (hid(), None, {"x": -128, "y": 0}, "wheel.x: must be between -127 and 127, not -128"),
        (hid(absolute=False), {"x": 0, "y": 0}, None, "move: the mouse is a relative one; community.pikvm.pikvm_hid"),
    ],
)
def test_what_the_mouse_cannot_do_is_refused(found: Hid, move: Any, wheel: Any, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        require_mouse(found, move, wheel)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("found", "move_by", "message"),
    [
        (hid(absolute=False), {"x": 0, "y": 128}, "move_by.y: must be between -127 and 127, not 128"),
        (hid(absolute=True), {"x": 0, "y": 0}, "move_by: the mouse is an absolute one; community.pikvm.pikvm_hid"),
    ],
)
def test_push_that_the_mouse_cannot_make_is_refused(found: Hid, move_by: Any, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        require_mouse(found, None, None, move_by)
    assert str(caught.value).startswith(message)


def test_what_the_mouse_can_do_is_not_refused() -> None:
    require_mouse(hid(absolute=False), None, None, {"x": -127, "y": 127})
    require_mouse(hid(), {"x": -32768, "y": 32767}, {"x": -127, "y": 127})
    require_mouse(hid(absolute=False), None, {"x": 0, "y": 1})
    require_mouse(hid(), None, None)


def test_mouse_that_nobody_listens_to_is_told() -> None:
    with pytest.raises(StateError, match="^No server listens to the mouse of the PiKVM: is it on, and its USB up"):
        require_mouse(hid(mouse_online=False), None, None)
