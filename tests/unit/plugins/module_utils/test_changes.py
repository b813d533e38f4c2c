# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two states, what of it is of interest, and how changes are merged."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._changes import (
    Change,
    Filter,
    differences,
    fields,
    news,
    shaped,
)

PORTS = [{"leds": {"power": False}}, {"leds": {"power": False}}]
LIT = [{"leds": {"power": False}}, {"leds": {"power": True}}]


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["x.a.c"]),
        ({"a": {"b": 1}}, {"a": None}, ["x.a"]),
        ({}, {"a": {"b": 1}}, ["x.a"]),
        ({"a": {"b": 1}}, {}, ["x.a"]),
        ({"a": None}, {}, ["x.a"]),
        ({"ports": PORTS}, {"ports": LIT}, ["x.ports.1.leds.power"]),
        ({"ports": PORTS}, {"ports": []}, ["x.ports"]),
        ({"langs": ["en"]}, {"langs": ["de"]}, ["x.langs"]),
        ({"b": 1, "a": 1}, {"a": 2, "b": 2}, ["x.a", "x.b"]),
        (True, False, ["x"]),
    ],
)
def test_differences_are_named_as_deep_as_they_go(before: Any, after: Any, names: list[str]) -> None:
    assert differences(before, after, "x") == names


@pytest.mark.parametrize(
    ("wanted", "changed", "passes"),
    [
        ("atx", "atx.leds.power", True),
        ("atx.leds.power", "atx.leds.power", True),
        ("atx.leds", "atx.leds.power", True),
        ("atx.leds.power", "atx.leds.hdd", False),
        ("atx.leds.pow", "atx.leds.power", False),
        ("atx", "msd.busy", False),
        ("msd.drive.image", "msd.drive", True),
        ("msd.storage.images.a.iso", "msd.storage.images.a.iso.complete", True),
        ("msd.storage.images.*.complete", "msd.storage.images.a.iso.complete", True),
        ("switch.ports.*.leds.power", "switch.ports.11.leds.power", True),
        ("switch.ports.*.leds.power", "switch.ports.11.leds.hdd", False),
        ("switch.ports.*.leds.power", "switch.ports", True),
        ("gpio.inputs.*.state", "gpio.inputs.door", True),
    ],
)
def test_filter_takes_fields_their_parts_and_what_they_are_part_of(wanted: str, changed: str, passes: bool) -> None:
    assert Filter([wanted]).passes([changed]) is passes
    assert Filter(["hid", wanted]).passes(["info.node", changed]) is passes
    assert Filter([wanted]).passes([]) is False


def test_filter_knows_what_it_waits_for_in_vain() -> None:
    state = {"leds": {"power": True}}
    wanted = Filter(["atx.led.power", "atx.leds.*", "atx", "msd.nothing"])
    assert wanted.missed("atx", state) == ["atx.led.power"]
    assert wanted.kinds == {"atx", "msd"}


def change(before: Any, state: Any, *changed: str) -> Change:
    return Change("msd", state, before, changed, "now")


def test_merged_changes_lead_from_the_first_state_to_the_last() -> None:
    merged = change({"a": 1}, {"a": 2}, "msd.a").followed_by(change({"a": 2}, {"a": 1}, "msd.a"))
    assert (merged.before, merged.state, merged.changed, merged.merged) == ({"a": 1}, {"a": 1}, ("msd.a",), 1)
    more = change({"a": 0}, {"a": 1}, "msd.a").followed_by(merged)
    assert (more.before, more.merged) == ({"a": 0}, 2)


def test_merged_changes_do_not_outgrow_the_state() -> None:
    told = change({"images": {}}, {"images": {"0": 1}}, "msd.images.0")
    for number in range(1, 1000):
        later = {"images": {str(number): 1}}
        told = told.followed_by(change(told.state, later, f"msd.images.{number - 1}", f"msd.images.{number}"))
    assert told.changed == ("msd.images.999",)
    assert told.merged == 999


def test_first_state_stays_one_whatever_is_merged_into_it() -> None:
    merged = change(None, {"a": 1}).followed_by(change({"a": 1}, {"a": 2}, "msd.a"))
    assert (merged.before, merged.state, merged.changed, merged.merged) == (None, {"a": 2}, (), 1)


def test_event_is_nobody_elses() -> None:
    state = {"leds": {"power": True}}
    event = Change.now("atx", state, state, ["atx.leds.power"]).as_event("a", "https://a")
    event["state"]["leds"]["power"] = event["before"]["leds"]["power"] = None
    assert state == {"leds": {"power": True}}


def test_half_of_the_channels_is_no_state() -> None:
    model = {"scheme": {"inputs": {"door": {}}, "outputs": {}}}
    assert shaped("gpio", {"model": model}, None) is None
    told = {"model": model, "state": {"inputs": {"door": {"online": True, "state": True}}, "outputs": {}}}
    assert shaped("gpio", told, None) == {"inputs": {"door": {"online": True, "state": True}}, "outputs": {}}


def test_information_that_comes_bit_by_bit_is_no_news() -> None:
    begun = shaped("info", {"node": {"host": "a"}}, None)
    assert begun is not None
    more = shaped("info", {"node": {"host": "a"}, "fan": {"monitored": False}}, begun)
    assert more is not None
    assert news("info", begun, more) == []
    again = shaped("info", {"node": {"host": "b"}}, more)
    assert again is not None
    assert news("info", more, again) == ["info.node.host"]
    assert again["fan"] == {"monitored": False}


def test_fields_name_all_there_is() -> None:
    assert [*fields({"a": {"b": 1}, "c": [True]}, "x")] == ["x", "x.a", "x.a.b", "x.c", "x.c.0"]
    assert [*fields(None, "x")] == ["x"]
