# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PiKVM Switch as a whole, and the display data that it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.simulator.edid import FACTORY
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import NEWEST
from tests.support.expect import Refusal, Start, check_refusals, fault, portions

SWITCH, EDID = "pikvm_switch", "pikvm_switch_edid"
WITH, WITHOUT = {"switch": True}, {"kvmd": NEWEST}
COLORS, BEACON, RESET = "switch/set_colors", "switch/set_beacon", "switch/reset"
CREATE, CHANGE, REMOVE = (f"switch/edids/{what}" for what in ("create", "change", "remove"))
ONE_BLOCK, TWO_BLOCKS = "0F" * 128, "A0" * 256


def switch(**options: Any) -> dict[str, Any]:
    return task(SWITCH, **options)


def edid(**options: Any) -> dict[str, Any]:
    return task(EDID, **options)


def beacon(link: str, state: bool, unit: int = 1) -> dict[str, Any]:
    return {"beacon": {"unit": unit, "link": link, "state": state}}


def test_colors_and_beacons_are_set_once(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    blue = {"colors": {"active": "0000ff:80:01f4", "inactive": "default"}}
    rows = [
        (check(SWITCH, **blue, **beacon("downlink", True)), True, []),
        (switch(**blue, **beacon("downlink", True)), True, [COLORS, BEACON]),
        (switch(**blue, **beacon("downlink", True)), False, []),
        (switch(**beacon("uplink", True)), True, [BEACON]),
        (switch(colors={"active": "default", "beacon": "000000:00:0000"}, **beacon("uplink", True)), True, [COLORS]),
        (switch(colors={"active": "default"}), False, []),
    ]
    hosts = {f"kvmd_{kvmd}": Host(simulator(kvmd=kvmd, **WITH), [row[0] for row in rows]) for kvmd in ("4.197", "4.50")}
    for name, outcomes in ansible.play(hosts, ("--diff",)).hosts.items():
        for index, (outcome, (_task, changed, writes)) in enumerate(zip(outcomes, rows, strict=True)):
            with subtests.test(msg=f"{name} task {index}"):
                assert outcome.ok, outcome.msg
                assert (outcome.changed, outcome.writes) == (changed, writes)
                before, after = outcome["diff"]["before"]["switch"], outcome["diff"]["after"]["switch"]
                assert (before != after) is changed
                assert outcome["switch"] == after
        posted = [record.query for record in outcomes[1].requests if record.method == "POST"]
        assert posted == [{"active": "0000FF:80:01F4"}, {"downlink": "0", "state": "1"}]
        assert outcomes[1]["switch"]["colors"]["active"] == "0000FF:80:01F4"
        assert outcomes[-1]["switch"]["beacons"] == {"uplink": [True], "downlink": [True]}
        colors = hosts[name].sim.device.switch.colors
        assert (colors["active"], colors["beacon"]) == ((0, 255, 0, 128, 0), (0, 0, 0, 0, 0))


def test_unit_begins_anew(ansible: Ansible, simulator: Start) -> None:
    outcomes = ansible.run(
        simulator(**WITH),
        check(SWITCH, state="reset", unit=1),
        switch(state="reset", unit=1),
        switch(state="reset", unit=1, bootloader=True),
    )
    assert [outcome.msg for outcome in outcomes if not outcome.ok] == []
    assert [outcome.changed for outcome in outcomes] == [True, True, True]
    assert [outcome["switch"]["units"] for outcome in outcomes] == [1, 1, 1]
    posted = [[record.query for record in outcome.requests if record.method == "POST"] for outcome in outcomes]
    assert posted == [[], [{"unit": "0", "bootloader": "0"}], [{"unit": "0", "bootloader": "1"}]]


def test_display_data_come_change_and_go(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    made: dict[str, Any] = {"name": "  Wide\tscreen", "data": f"{ONE_BLOCK[:100].lower()}\n  {ONE_BLOCK[100:]}"}
    one = {"name": "Wide screen", "data": ONE_BLOCK}
    two = {"name": "Wide screen", "data": TWO_BLOCKS}
    named = {"name": "Other", "data": TWO_BLOCKS}
    by_id = {"id": "{{ made.edid.id }}"}
    rows: list[tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None, list[str]]] = [
        (check(EDID, **made), None, one, []),
        (task(EDID, {"register": "made"}, **made), None, one, [CREATE]),
        (edid(**made), one, one, []),
        (edid(name="WIDE SCREEN"), one, one, []),
        (edid(name="wide screen", data=TWO_BLOCKS), one, two, [CHANGE]),
        (check(EDID, **by_id, name="Other"), two, named, []),
        (edid(**by_id, name="Other"), two, named, [CHANGE]),
        (edid(**by_id, data=TWO_BLOCKS), named, named, []),
        (edid(name="wide screen", state="absent"), None, None, []),
        (task("pikvm_switch_port", port="0", edid="Other"), None, None, ["switch/set_port_params"]),
        (check(EDID, **by_id, state="absent"), named, None, []),
        (edid(name="other", state="absent"), named, None, [REMOVE]),
        (edid(**by_id, state="absent"), None, None, []),
        (edid(id="DEFAULT", name="Default", data=FACTORY.lower()), {}, {}, []),
    ]
    hosts = {f"kvmd_{kvmd}": Host(simulator(kvmd=kvmd, **WITH), [row[0] for row in rows]) for kvmd in ("4.197", "4.50")}
    for name, outcomes in ansible.play(hosts, ("--diff",)).hosts.items():
        for index, (outcome, (_task, before, after, writes)) in enumerate(zip(outcomes, rows, strict=True)):
            with subtests.test(msg=f"{name} task {index}"):
                assert outcome.ok, outcome.msg
                assert outcome.writes == writes
                if outcome.task == EDID and before != {}:
                    assert outcome.changed is (before != after)
                    shown = outcome["diff"]["before"]["edid"], outcome["diff"]["after"]["edid"], outcome["edid"]
                    assert [nameless(found) for found in shown] == [before, after, after]
        ids = {outcome["edid"]["id"] for outcome in outcomes[1:8]}
        assert len(ids) == 1
        assert (outcomes[0]["edid"]["id"], outcomes[-1].changed) == (None, False)
        device = hosts[name].sim.device.switch
        assert (list(device.edids), device.ports[0].edid) == (["default"], "default")


def nameless(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without the ID, which is another one each time."""
    return found and {key: value for key, value in found.items() if key != "id"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_lost_answer_does_not_make_two_of_one(ansible: Ansible, simulator: Start, when: str) -> None:
    sim = simulator(**WITH)
    sim.fault("drop_request", path=CREATE, when=when, times=1)
    (outcome,) = ansible.run(sim, edid(name="Wide", data=ONE_BLOCK))
    assert outcome.ok, outcome.msg
    assert sim.device.switch.edids == {
        "default": ("Default", FACTORY),
        outcome["edid"]["id"]: ("Wide", ONE_BLOCK),
    }


def twins(sim: Simulator) -> None:
    for name in ("Twin", "twin"):
        sim.call(sim.device.switch.create_edid, name, ONE_BLOCK)


UNITS = "^unit: the PiKVM Switch has no unit {}; there is only unit 1$"
BEFORE_SWITCHES: dict[str, Any] = {"device": {"kvmd": "4.20"}, "error": (404, "Not Found")}
REFUSALS = {
    "color that is none": Refusal(
        switch(colors={"active": "red"}), r"^colors\.active: 'red' is not RRGGBB:BB:TTTT \(color,", device=WITH
    ),
    "unknown role": Refusal(switch(colors={"all": "default"}), "Unsupported parameters for .*colors.all", device=WITH),
    "beacon of no unit": Refusal(
        check(SWITCH, **beacon("uplink", True, 2)), UNITS.format(2).replace("unit:", r"beacon\.unit:", 1), device=WITH
    ),
    "unit 0": Refusal(switch(state="reset", unit=0), UNITS.format(0), device=WITH),
    "reset of everything": Refusal(switch(state="reset"), "state is reset but all of the following are missing: unit"),
    "bootloader by accident": Refusal(
        switch(bootloader=True, **beacon("uplink", True)), "^bootloader: is for a reset, and needs state=reset$"
    ),
    "unit of nothing": Refusal(
        check(SWITCH, unit=0, **beacon("uplink", True)), "^unit: is for a reset, and needs state=reset$"
    ),
    "reset and more": Refusal(
        switch(state="reset", unit=1, colors={}), r"parameters are mutually exclusive: state\|colors"
    ),
    "nothing to set": Refusal(switch(), "one of the following is required: colors, beacon, state"),
    "no switch": Refusal(
        switch(colors={"active": "default"}), "^This PiKVM has no PiKVM Switch attached$", device=WITHOUT
    ),
    "before there were switches": Refusal(
        switch(state="reset", unit=1), "^GET /api/switch was answered 404 ", **BEFORE_SWITCHES
    ),
    "colors dropped in silence": Refusal(
        switch(colors={"active": "000000:00:0000"}, wait_timeout=0.5),
        "^Setting the color of active was answered 200, but after 0.5 s the PiKVM shows {'active': '00FF00:80:0000'}$",
        fault("ignore_write"),
        WITH,
        changes=True,
    ),
    "beacon dropped in silence": Refusal(
        switch(wait_timeout=0.5, **beacon("downlink", True)),
        r"^Setting the beacon at the downlink of unit 1 was answered 200, but after 0.5 s the PiKVM shows \[False\]$",
        fault("ignore_write"),
        WITH,
        changes=True,
    ),
    "half of a block": Refusal(
        edid(name="Wide", data="00FF"), "^data: must be 256 or 512 hexadecimal digits, not 4$", device=WITH
    ),
    "no digits": Refusal(
        check(EDID, name="Wide", data="xx" * 128), "^data: must be hexadecimal digits, and 'X' is none$", device=WITH
    ),
    "no data": Refusal(
        edid(name="Wide"), "^data: is needed: the PiKVM has no display data called 'Wide' yet$", device=WITH
    ),
    "no name": Refusal(edid(name=" ", data=ONE_BLOCK), "^name: must be 1 to 255 printable characters$", device=WITH),
    "neither name nor id": Refusal(edid(data=ONE_BLOCK), "one of the following is required: name, id"),
    "unknown id": Refusal(
        edid(id="x", data=ONE_BLOCK),
        r"^id: the PiKVM has no display data with the ID 'x'; it has: default \(Default\)$",
        device=WITH,
    ),
    "two of a name": Refusal(
        edid(name="TWIN", state="absent"), "^name: 'TWIN' names 2 display data .*; use id$", twins, WITH
    ),
    "default changed": Refusal(
        edid(name="default", data=ONE_BLOCK), "^name: the default display data cannot be changed", device=WITH
    ),
    "default renamed": Refusal(
        edid(id="default", name="x"), "^id: the default display data cannot be changed", device=WITH
    ),
    "default removed": Refusal(
        check(EDID, id="default", state="absent"), "^id: the default display data cannot be removed$", device=WITH
    ),
    "display data of no switch": Refusal(
        edid(name="Wide", data=ONE_BLOCK), "^This PiKVM has no PiKVM Switch attached$", device=WITHOUT
    ),
    "display data before there were switches": Refusal(
        edid(name="x", state="absent"), "^GET /api/switch was answered 404 ", **BEFORE_SWITCHES
    ),
    "display data dropped in silence": Refusal(
        edid(name="Wide", data=ONE_BLOCK, wait_timeout=0.5),
        r"^Creating the display data Wide was answered 200, but after 0.5 s the PiKVM has: default \(Default\)$",
        fault("ignore_write"),
        WITH,
        changes=True,
    ),
}


@portions(REFUSALS)
def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests, cases: dict[str, Refusal]) -> None:
    check_refusals(ansible, simulator, subtests, cases)
