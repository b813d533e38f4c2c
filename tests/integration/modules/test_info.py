# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PiKVM tells, in one shape for all versions of kvmd, and waiting for it to tell something."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import DIALECTS, NEWEST, insert, switch_on
from tests.support.expect import Refusal, Start, check_refusals, portions

INFO, WAIT = "pikvm_info", "pikvm_wait_for"
NEWER = ["!streamer", "!switch", "!metrics"]


def shape(value: Any) -> Any:
    """Names and nesting; what may be null in one version and not in another is left out of the comparison."""
    return {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else None


def capabilities(found: dict[str, Any]) -> dict[str, bool]:
    """Those that are known."""
    return {name: value for name, value in found["capabilities"].items() if value is not None}


def test_one_shape_for_all_dialects(ansible: Ansible, simulator: Start) -> None:
    hosts = {f"kvmd_{kvmd}": Host(simulator(kvmd=kvmd), [task(INFO), check(INFO)]) for kvmd in DIALECTS}
    for host in hosts.values():
        switch_on(host.sim)
        insert(host.sim, "a.iso", b"a")
    played = ansible.play(hosts).hosts
    shapes = []
    for kvmd, (real, foretold) in zip(DIALECTS, played.values(), strict=True):
        found = real["pikvm"]
        assert found["version"] == kvmd
        assert capabilities(found) == {"atx": True, "msd": True, "gpio": True}
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
        ({"gather_subset": ["!hid", "!msd", *NEWER]}, ["info", "atx", "gpio"], {"info", "atx", "gpio"}),
        (
            {"gather_subset": ["all", "!info", *NEWER]},
            ["atx", "msd", "gpio", "hid", "hid/inactivity"],
            {"atx", "msd", "gpio", "hid"},
        ),
        ({"gather_subset": ["streamer"]}, ["streamer", "streamer/ocr"], {"streamer"}),
        ({"gather_subset": ["info"], "info_fields": ["system", "uptime"]}, ["info"], {"info"}),
    ]
    outcomes = ansible.run(sim, *(task(INFO, **options) for options, _paths, _keys in rows))
    for outcome, (_options, paths, keys) in zip(outcomes, rows, strict=True):
        assert [record.path.removeprefix("/api/") for record in outcome.requests] == paths
        assert set(outcome["pikvm"]) == {"version", "capabilities", *keys}
    assert set(outcomes[-1]["pikvm"]["info"]) == {"system", "uptime"}
    assert capabilities(outcomes[0]["pikvm"]) == {"msd": True}


def test_what_is_switched_off_is_told_and_no_failure(ansible: Ansible, sim: Simulator) -> None:
    sim.fault("atx_disabled")
    sim.fault("msd_offline")
    (outcome,) = ansible.run(sim, task(INFO))
    assert capabilities(outcome["pikvm"]) == {"atx": False, "msd": False, "gpio": True}
    assert outcome["pikvm"]["msd"]["drive"] is None


def test_all_that_can_be_told(ansible: Ansible, simulator: Start) -> None:
    sims = {
        "newest": simulator(switch=True),
        "without_a_switch": simulator(kvmd=NEWEST, streamer="viewers"),
        "before_there_were_switches": simulator(kvmd="4.20"),
        "oldest": simulator(kvmd="3.334"),
    }
    sims["oldest"].fault("ocr_disabled")
    for name in ("before_there_were_switches", "oldest"):
        switch_on(sims[name])
    played = ansible.play({name: Host(sim, [task(INFO, gather_subset=["all"])]) for name, sim in sims.items()})
    found = {name: outcomes[0]["pikvm"] for name, outcomes in played.hosts.items()}
    for name, pikvm in found.items():
        switch = name == "newest"
        assert capabilities(pikvm) == {
            **dict.fromkeys(("msd", "gpio", "hid", "metrics"), True),
            "atx": sims[name].device.atx.state()["enabled"],
            "ocr": name != "oldest",
            "switch": switch,
        }
        on = sims[name].machine.powered
        assert (pikvm["hid"]["keyboard"]["online"], pikvm["hid"]["mouse"]["outputs"]) == (on, ["usb", "usb_rel"])
        newest = name in ("newest", "without_a_switch")
        assert isinstance(pikvm["hid"]["inactivity"], float if newest else type(None))
        assert pikvm["streamer"]["limits"]["desired_fps"] == {"min": 0, "max": 70}
        assert pikvm["streamer"]["saved"] is None
        assert pikvm["metrics"]["pikvm_atx_power"] == float(on)
        assert all(isinstance(number, float) for number in pikvm["metrics"].values())
        assert pikvm["streamer"]["running"] is (name != "without_a_switch")
        assert pikvm["streamer"]["online"] is (None if name == "without_a_switch" else on)
    assert [port["id"] for port in found["newest"]["switch"]["ports"]] == ["1", "2", "3", "4"]
    assert found["newest"]["switch"]["edids"] == {"default": "Default"}
    assert found["newest"]["switch"]["colors"]["active"] == "00FF00:80:0000"
    assert found["without_a_switch"]["switch"] == {
        "ports": [],
        "edids": {},
        "units": 0,
        "colors": {},
        "beacons": {"uplink": [], "downlink": []},
    }
    assert found["oldest"]["switch"] is found["before_there_were_switches"]["switch"] is None
    assert found["oldest"]["streamer"]["width"] == 1280
    assert found["oldest"]["streamer"]["ocr"] == {"enabled": False, "default": [], "available": []}


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
    sim.fault("msd_busy", path="/api/ws", seconds=20.0)
    (busy,) = ansible.run(sim, task(WAIT, msd="idle", stable_for=0, wait_timeout=10))
    sim.fault("restarting", path="/api/ws", seconds=20.0)
    (restarting,) = ansible.run(sim, task(WAIT, power="off", stable_for=0, wait_timeout=10))
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
