# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connecting and disconnecting the virtual drive."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import DIALECTS, NEWEST, insert
from tests.support.expect import Refusal, Start, check_refusals, portions

MODULE = "pikvm_msd_drive"
SELECT, CONNECT = "msd/set_params", "msd/set_connected"


def drive(state: str, **options: Any) -> dict[str, Any]:
    return task(MODULE, state=state, **options)


def shown(connected: bool, image: str | None, media_type: str = "cdrom", read_write: bool = False) -> dict[str, Any]:
    return {"connected": connected, "image": image, "media_type": media_type, "read_write": read_write}


EMPTY, CD_IN = shown(False, None), shown(True, "a.iso")
FLASH_IN = shown(True, "b.img", "flash", True)
FLASH_OUT = shown(False, "b.img", "flash", True)

ROWS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[str]]] = [
    (check(MODULE, state="connected", image="a.iso", media_type="cdrom"), EMPTY, CD_IN, []),
    (drive("connected", image="a.iso", media_type="cdrom"), EMPTY, CD_IN, [SELECT, CONNECT]),
    (drive("connected", image="a.iso", media_type="cdrom"), CD_IN, CD_IN, []),
    (
        drive("connected", image="b.img", media_type="flash", read_write=True),
        CD_IN,
        FLASH_IN,
        [CONNECT, SELECT, CONNECT],
    ),
    (check(MODULE, state="ejected"), FLASH_IN, shown(False, None, "flash", True), []),
    (drive("disconnected"), FLASH_IN, FLASH_OUT, [CONNECT]),
    (drive("connected"), FLASH_OUT, FLASH_IN, [CONNECT]),
    (drive("ejected"), FLASH_IN, shown(False, None, "flash", True), [CONNECT, SELECT]),
    (drive("ejected"), shown(False, None, "flash", True), shown(False, None, "flash", True), []),
]


def stocked(sim: Simulator) -> Simulator:
    sim.put_image("a.iso", b"a" * 1000)
    sim.put_image("b.img", b"b" * 1000)
    return sim


@pytest.mark.parametrize("kvmd", DIALECTS)
def test_way_of_a_drive(ansible: Ansible, simulator: Start, subtests: pytest.Subtests, kvmd: str) -> None:
    host = Host(stocked(simulator(kvmd=kvmd)), [row[0] for row in ROWS])
    outcomes = ansible.play({"server": host}, ("--diff",)).hosts["server"]
    for index, (outcome, (_task, before, after, writes)) in enumerate(zip(outcomes, ROWS, strict=True)):
        with subtests.test(msg=f"task {index}"):
            assert outcome.ok, outcome.msg
            assert outcome.writes == writes
            assert (outcome.changed, outcome["drive"]) == (before != after, outcome["diff"]["after"]["drive"])
            expected = {"before": {"drive": _forgetful(before)}, "after": {"drive": _forgetful(after)}}
            assert {key: {"drive": _forgetful(value["drive"])} for key, value in outcome["diff"].items()} == expected


def _forgetful(drive: dict[str, Any]) -> dict[str, Any]:
    """What is shown of an empty drive: its flags are whatever they were."""
    return drive if drive["image"] else {"connected": drive["connected"], "image": None}


@pytest.mark.parametrize("kvmd", DIALECTS)
def test_drive_begins_anew(ansible: Ansible, simulator: Start, kvmd: str) -> None:
    sim = simulator(kvmd=kvmd, speed=2.0)
    insert(sim, "a.iso")
    outcomes = ansible.run(sim, check(MODULE, state="reset"), drive("reset"), drive("reset"))
    assert [outcome.msg for outcome in outcomes if not outcome.ok] == []
    foretold, real, again = outcomes
    assert [(outcome.changed, outcome.writes) for outcome in outcomes] == [
        (True, []),
        (True, ["msd/reset"]),
        (True, ["msd/reset"]),
    ]
    assert foretold["diff"] == {"before": {"drive": CD_IN}, "after": {"drive": shown(False, "a.iso")}}
    assert foretold["drive"] == real["drive"] == again["drive"] == shown(False, "a.iso")
    assert not sim.device.msd.connected


def test_drive_that_is_offline_is_reset_all_the_same(ansible: Ansible, sim: Simulator) -> None:
    sim.fault("msd_offline")
    foretold, real = ansible.run(sim, check(MODULE, state="reset"), drive("reset"))
    assert (foretold.changed, foretold.writes, foretold["drive"]) == (True, [], None)
    assert (real.changed, real.writes, real["drive"]) == (True, ["msd/reset"], None)


def test_busy_msd_is_waited_for(ansible: Ansible, sim: Simulator) -> None:
    stocked(sim)
    sim.fault("msd_busy", path="/api/msd$", seconds=20.0)
    (outcome,) = ansible.run(sim, drive("connected", image="a.iso"))
    assert outcome.changed
    assert outcome.writes == [SELECT, CONNECT]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("path", [SELECT, CONNECT])
def test_lost_answers_are_looked_for_and_repeated_if_need_be(
    ansible: Ansible, sim: Simulator, path: str, when: str
) -> None:
    stocked(sim)
    sim.fault("drop_request", path=path, when=when, times=1)
    (outcome,) = ansible.run(sim, drive("connected", image="a.iso", media_type="cdrom"))
    assert (outcome.changed, outcome["drive"]) == (True, CD_IN)
    assert outcome.writes.count(path) == (2 if when == "before" else 1)
    assert sim.device.msd.connected


def fault(name: str, **params: Any) -> Any:
    def prepare(sim: Simulator) -> None:
        stocked(sim)
        sim.fault(name, **params)

    return prepare


def cut_off(sim: Simulator) -> None:
    sim.put_image("cut.img", b"x" * 1000, complete=False)


READ_ONLY = r"the drive is read-only: the PiKVM dropped read_write in silence"
REFUSALS = {
    "disabled": Refusal(
        drive("ejected"), r"^MSD is disabled on this PiKVM: it has no virtual drive", fault("msd_disabled")
    ),
    "offline": Refusal(
        drive("connected", image="a.iso"), r"^The MSD is offline: the PiKVM has no", fault("msd_offline")
    ),
    "busy": Refusal(
        drive("connected", image="a.iso", wait_timeout=0.5),
        r"^The MSD is busy with another operation, still after 0\.5 s \(wait_timeout\): nothing was changed$",
        fault("msd_busy", seconds=1e6),
    ),
    "no such image": Refusal(
        drive("connected", image="aa.iso"),
        r"^image: 'aa\.iso' is not in the storage of the PiKVM\. It stores, among others: a\.iso$",
        stocked,
    ),
    "no image": Refusal(drive("connected"), r"^image: is needed: no image is selected on the PiKVM yet$", stocked),
    "incomplete image": Refusal(
        drive("connected", image="cut.img"),
        r"^The image 'cut\.img' is incomplete: its upload was cut off\. community\.pikvm\.pikvm_msd_image uploads",
        cut_off,
    ),
    "writable iso": Refusal(
        drive("connected", image="a.iso", media_type="flash", read_write=True),
        r"^read_write: the PiKVM does not let 'a\.iso' be written: it is an \.iso",
        stocked,
        {"kvmd": NEWEST},
    ),
    "writable CD": Refusal(
        drive("connected", image="b.img", media_type="cdrom", read_write=True),
        r"^read_write: the drive is a CD-ROM, which is never writable; use media_type=flash$",
        stocked,
    ),
    "dropped read_write": Refusal(
        drive("connected", image="b.img", media_type="flash", read_write=True, wait_timeout=0.5),
        READ_ONLY,
        fault("drop_rw"),
        changes=True,
    ),
    "dropped read_write, old kvmd": Refusal(
        drive("connected", image="b.img", media_type="flash", read_write=True, wait_timeout=0.5),
        READ_ONLY,
        fault("drop_rw"),
        {"kvmd": "3.334"},
        changes=True,
    ),
    "selection that is not carried out": Refusal(
        drive("connected", image="a.iso", wait_timeout=0.5),
        r"^Asking the PiKVM to select 'a\.iso' as cdrom was answered 200, but after 0\.5 s the drive shows ",
        fault("ignore_write"),
        changes=True,
    ),
    "connection that is not carried out": Refusal(
        drive("connected", image="a.iso", wait_timeout=0.5),
        r"^Asking the PiKVM to connect the drive was answered 200, but after 0\.5 s the drive is not connected, with",
        fault("ignore_write", path=CONNECT),
        changes=True,
    ),
    "disconnection that is not carried out": Refusal(
        drive("ejected", wait_timeout=0.5),
        r"^Asking the PiKVM to disconnect the drive was answered 200, but .* the drive is connected, with theirs\.iso",
        lambda sim: (insert(sim), sim.fault("ignore_write")),
        changes=True,
    ),
    "ejected with an image": Refusal(
        drive("ejected", image="a.iso"), "^state: ejected leaves no image: it goes with", stocked
    ),
    "reset with an image": Refusal(
        drive("reset", image="a.iso"), "^state: reset selects nothing: it goes with neither image, media_type", stocked
    ),
    "reset of what is disabled": Refusal(
        drive("reset"), r"^MSD is disabled on this PiKVM: it has no virtual drive", fault("msd_disabled")
    ),
    "reset that is not carried out": Refusal(
        drive("reset", wait_timeout=0.5),
        r"^Resetting the drive was answered 200, but after 0\.5 s the drive is still connected$",
        lambda sim: (insert(sim), sim.fault("ignore_write")),
        changes=True,
    ),
    "image outside the storage": Refusal(
        drive("connected", image="../a.iso"), r"^image: '\.\./a\.iso' is not a valid image"
    ),
    "unknown state": Refusal(
        drive("open"), "value of state must be one of: connected, disconnected, ejected, reset, got: open"
    ),
}


@portions(REFUSALS)
def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests, cases: dict[str, Refusal]) -> None:
    check_refusals(ansible, simulator, subtests, cases)
