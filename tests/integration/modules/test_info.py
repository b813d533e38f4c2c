# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PiKVM tells, in one shape for all versions of kvmd, and waiting for it to tell something."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import DIALECTS, insert, switch_on
from tests.support.expect import Refusal, Start, check_refusals, portions

INFO, WAIT = "pikvm_info", "pikvm_wait_for"


def shape(value: Any) -> Any:
    """Names and nesting; what may be null in one version and not in another is left out of the comparison."""
    return {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else None


def test_one_shape_for_all_dialects(ansible: Ansible, simulator: Start) -> None:
    hosts = {f"kvmd_{kvmd}": Host(simulator(kvmd=kvmd), [task(INFO), check(INFO)]) for kvmd in DIALECTS}
    for host in hosts.values():
        switch_on(host.sim)
        insert(host.sim, "a.iso", b"a")
    played = ansible.play(hosts).hosts
    shapes = []
    for kvmd, (real, foretold) in zip(DIALECTS, played.values(), strict=True):
        found = real["pikvm"]
        assert (found["version"], found["capabilities"]) == (kvmd, {"atx": True, "msd": True, "gpio": True})
        assert found["atx"]["leds"]["power"] is True
        assert found["msd"]["drive"] == {
            "connected": True,
            "image": "a.iso",
            "media_type": "cdrom",
            "read_write": False,
        }
        assert found["msd"]["storage"]["images"]["a.iso"]["complete"] is True
        assert found["gpio"]["outputs"]["relay1"]["switch"] is True
        assert found["info"]["platform"]["type"] == "rpi"
        assert real.writes == foretold.writes == []
        assert [record.path for record in real.requests] == ["/api/info", "/api/atx", "/api/msd", "/api/gpio"]
        shapes.append(
            {key: shape(found[key]) for key in ("capabilities", "msd", "gpio")} | {"info": set(found["info"])}
        )
        assert (real.changed, foretold.changed) == (False, False)
    assert shapes[0] == shapes[1] == shapes[2]


def test_only_what_is_asked_for_is_read(ansible: Ansible, sim: Simulator) -> None:
    rows: list[tuple[dict[str, Any], list[str], set[str]]] = [
        ({"gather_subset": ["msd"]}, ["msd"], {"msd"}),
        ({"gather_subset": ["!gpio", "!msd"]}, ["info", "atx"], {"info", "atx"}),
        ({"gather_subset": ["all", "!info"]}, ["atx", "msd", "gpio"], {"atx", "msd", "gpio"}),
        ({"gather_subset": ["info"], "info_fields": ["system", "uptime"]}, ["info"], {"info"}),
    ]
    outcomes = ansible.run(sim, *(task(INFO, **options) for options, _paths, _keys in rows))
    for outcome, (_options, paths, keys) in zip(outcomes, rows, strict=True):
        assert [record.path.removeprefix("/api/") for record in outcome.requests] == paths
        assert set(outcome["pikvm"]) == {"version", "capabilities", *keys}
    assert set(outcomes[3]["pikvm"]["info"]) == {"system", "uptime"}
    assert outcomes[0]["pikvm"]["capabilities"] == {"atx": None, "msd": True, "gpio": None}


def test_what_is_switched_off_is_told_and_no_failure(ansible: Ansible, sim: Simulator) -> None:
    sim.fault("atx_disabled")
    sim.fault("msd_offline")
    (outcome,) = ansible.run(sim, task(INFO))
    assert outcome["pikvm"]["capabilities"] == {"atx": False, "msd": False, "gpio": True}
    assert outcome["pikvm"]["msd"]["drive"] is None


def test_waiting_for_what_is_so(ansible: Ansible, sim: Simulator) -> None:
    switch_on(sim)
    outcomes = ansible.run(
        sim,
        task(WAIT, power=True, hdd="idle", msd="idle", gpio={"channel": "led1", "state": False}, stable_for=0.2),
        check(WAIT, power="off"),
    )
    everything, foretold = outcomes
    assert everything["observed"] == {"power": "on", "hdd": "idle", "msd": "idle", "gpio": "off"}
    assert (everything["matched"], foretold["matched"]) == (True, False)
    assert foretold["elapsed"] == 0.0


def test_waiting_for_what_becomes_so(ansible: Ansible, sim: Simulator) -> None:
    sim.fault("msd_busy", path="/api/msd$", seconds=10.0)
    sim.fault("restarting", path="/api/atx", seconds=10.0)
    busy, restarting = ansible.run(
        sim,
        task(WAIT, msd="idle", stable_for=0, wait_timeout=10),
        task(WAIT, power="off", stable_for=0, wait_timeout=10),
    )
    assert (busy.ok, restarting.ok) == (True, True)
    assert busy["elapsed"] >= 0.3
    assert restarting["elapsed"] >= 0.3


REFUSALS = {
    "unknown subset": Refusal(
        task(INFO, gather_subset=["nothing"]), "value of gather_subset must be one or more of: all, info"
    ),
    "unknown field": Refusal(
        task(INFO, info_fields=["nothing"]), "value of info_fields must be one or more of: auth, extras"
    ),
    "unknown option": Refusal(task(INFO, nonsense=1), r"Unsupported parameters for .*nonsense"),
    "waiting in vain": Refusal(
        task(WAIT, power="on", stable_for=0, wait_timeout=0.5), r"^Waited \d+\.\d s for power on; seen last: power off$"
    ),
    "waiting for nothing": Refusal(task(WAIT), "one of the following is required: power, hdd, gpio, msd"),
    "waiting for an unknown channel": Refusal(
        task(WAIT, gpio={"channel": "nowhere", "state": "on"}),
        r"^gpio\.channel: the PiKVM has no channel 'nowhere'; it has: ",
    ),
}


@portions(REFUSALS)
def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests, cases: dict[str, Refusal]) -> None:
    check_refusals(ansible, simulator, subtests, cases)
