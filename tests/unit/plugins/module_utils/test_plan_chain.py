# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A chain of units of a PiKVM Switch, and the display data it keeps: from what is there to what is wished."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._chain import (
    ChainWish,
    find_unit,
    parse_colors,
    plan_chain,
    plan_unit_reset,
)
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError, StateError
from ansible_collections.community.pikvm.plugins.module_utils._client.switch import Switch
from ansible_collections.community.pikvm.plugins.module_utils._edid import EdidWish, plan_edid

DATA = "0F" * 128


class Asked:
    """Takes down what is asked of a switch."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.switch = self

    def __getattr__(self, name: str) -> Any:
        return lambda *values, **named: self.asked.append((name, *values, *named.items()))


def color(text: str) -> dict[str, int]:
    rgb, brightness, blink = text.split(":")
    parts = {"red": rgb[:2], "green": rgb[2:4], "blue": rgb[4:], "brightness": brightness, "blink_ms": blink}
    return {name: int(digits, 16) for name, digits in parts.items()}


def switch(units: int = 3, uplinks: tuple[bool, ...] = (False, False, False), **found: Any) -> Switch:
    """A chain; `found` are colors by role, and names of display data by ID."""
    colors = {role: color(text) for role, text in found.items() if ":" in text}
    edids = {key: {"name": name, "data": DATA.lower()} for key, name in found.items() if ":" not in name}
    return Switch.parse(
        {
            "model": {"units": [{}] * units, "ports": []},
            "edids": {"all": {"default": {"name": "Default", "data": DATA}, **edids}},
            "colors": colors,
            "beacons": {"uplinks": list(uplinks), "downlinks": [False] * units, "ports": []},
        }
    )


def wish(colors: Any = None, beacon: Any = None) -> ChainWish:
    return ChainWish(parse_colors(colors), beacon, 60.0)


@pytest.mark.parametrize("flashing", ["00AAFF:40:0000", "00AAFF:80:0000"])
def test_color_that_any_version_takes_for_the_default_is_left(flashing: str) -> None:
    client: Any = Asked()
    assert plan_chain(client, switch(flashing=flashing), wish({"flashing": "default", "active": None})).steps == ()


def test_default_color_that_no_known_version_has_is_believed_if_it_is_another_one() -> None:
    client: Any = Asked()
    before = switch(active="111111:11:1111")
    (step,) = plan_chain(client, before, wish({"active": "default"})).steps
    step.send()
    assert client.asked == [("set_colors", {"active": "default"})]
    assert step.done is not None
    assert [step.done(state) for state in (before, switch(active="222222:22:2222"))] == [False, True]


def test_beacon_of_a_unit_deep_in_the_chain() -> None:
    client: Any = Asked()
    plan = plan_chain(client, switch(), wish(beacon={"unit": 3, "link": "uplink", "state": True}))
    (step,) = plan.steps
    step.send()
    assert client.asked == [("set_link_beacon", "uplink", 2, True)]
    assert plan.after["switch"]["beacons"]["uplink"] == [False, False, True]
    assert step.done is not None
    assert [step.done(switch(uplinks=lit)) for lit in ((True, True, False), (False, False, True), (True,))] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("text", ["", "0000FF", "0000FF:80", "0000FF:80:00000", "G000FF:80:0000", "0000FF:80:0000\n"])
def test_what_is_no_color_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"^colors\.beacon: .* is not RRGGBB:BB:TTTT"):
        parse_colors({"beacon": text})


@pytest.mark.parametrize("unit", [-1, 0, 4])
def test_unit_that_is_not_there_is_refused(unit: int) -> None:
    with pytest.raises(OptionError, match=rf"^unit: the PiKVM Switch has no unit {unit}; its units are 1 to 3$"):
        find_unit(switch(), unit, "unit")


def test_unit_is_back_after_its_reset_and_gone_while_in_its_bootloader() -> None:
    client: Any = Asked()
    (step,) = plan_unit_reset(client, switch(), 2, False, 30.0).steps
    (flash,) = plan_unit_reset(client, switch(), 2, True, 30.0).steps
    step.send()
    flash.send()
    assert client.asked == [("reset", 1, False), ("reset", 1, True)]
    assert step.done is not None
    assert [step.done(switch(units)) for units in (1, 3)] == [False, True]
    assert flash.done is None
    with pytest.raises(StateError, match="^This PiKVM has no PiKVM Switch attached$"):
        plan_unit_reset(client, switch(0), 1, False, 30.0)


def edid(name: str | None = None, key: str | None = None, data: str | None = None, present: bool = True) -> EdidWish:
    return EdidWish(present, key, name, data, 60.0)


def test_new_display_data_are_told_from_others_of_that_name() -> None:
    client: Any = Asked()
    plan = plan_edid(client, switch(one="Other"), edid("Wide", data=DATA))
    (step,) = plan.steps
    step.send()
    assert client.asked == [("create_edid", "Wide", DATA)]
    assert step.done is not None
    assert [step.done(state) for state in (switch(one="Wide"), switch(two="wide"), switch(two="Wide"))] == [
        False,
        False,
        True,
    ]


def test_only_what_differs_is_changed() -> None:
    client: Any = Asked()
    found = switch(one="Wide")
    for asked in (edid("WIDE"), edid("Wide", "ONE", DATA), edid(key="one")):
        assert plan_edid(client, found, asked).steps == ()
    (step,) = plan_edid(client, found, edid("New", "One", DATA)).steps
    step.send()
    assert client.asked == [("change_edid", "one", ("name", "New"))]


def test_display_data_are_removed_once() -> None:
    client: Any = Asked()
    (step,) = plan_edid(client, switch(one="Wide"), edid("wide", present=False)).steps
    step.send()
    assert client.asked == [("remove_edid", "one")]
    assert step.done is not None
    assert [step.done(state) for state in (switch(one="Wide"), switch())] == [False, True]
    for gone in (edid("wide", present=False), edid(key="one", present=False)):
        assert plan_edid(client, switch(), gone).steps == ()
