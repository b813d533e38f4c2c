# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of a PiKVM Switch, and the servers behind them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import NEWEST, insert, press_power, when_asked
from tests.support.expect import Refusal, Start, check_refusals, fault

PORT, POWER, CLICK = "pikvm_switch_port", "pikvm_atx_power", "pikvm_atx_click"
QUICK = {"stable_for": 0.1, "wait_timeout": 4.0, "graceful_timeout": 4.0}
WITH, WITHOUT = {"switch": True}, {"kvmd": NEWEST}


def port(port: Any, **options: Any) -> dict[str, Any]:
    return task(PORT, port=port, **options)


def test_port_is_set_up_once_and_read_back(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    settings = {"name": "server 2", "edid": "Default", "beacon": True, "power_delay": 1.5}
    rows = [
        (check(PORT, port="1.2", active=True, **settings), True, []),
        (
            port("1.2", active=True, **settings),
            True,
            ["switch/set_port_params", "switch/set_beacon", "switch/set_active"],
        ),
        (port(1, active=True, **settings), False, []),
        (port(1.2, beacon=False), True, ["switch/set_beacon"]),
        (port("2"), False, []),
    ]
    hosts = {
        f"kvmd_{kvmd}": Host(simulator(kvmd=kvmd, switch=True), [row[0] for row in rows]) for kvmd in ("4.197", "4.50")
    }
    for name, outcomes in ansible.play(hosts, ("--diff",)).hosts.items():
        for index, (outcome, (_task, changed, writes)) in enumerate(zip(outcomes, rows, strict=True)):
            with subtests.test(msg=f"{name} task {index}"):
                assert outcome.ok, outcome.msg
                assert (outcome.changed, outcome.writes) == (changed, writes)
                before, after = outcome["diff"]["before"]["port"], outcome["diff"]["after"]["port"]
                assert (before != after) is changed
        for outcome in outcomes[:3]:
            found = outcome["port"]
            assert (found["index"], found["id"], found["active"], found["name"]) == (1, "2", True, "server 2")
            assert (found["beacon"], found["edid"], found["click_delays"]["power"]) == (True, "default", 1.5)
            assert found["dummy"] is (None if "4.50" in name else True)
        switch = hosts[name].sim.device.switch
        assert (switch.active, switch.ports[1].name, switch.ports[1].beacon) == (1, "server 2", False)
        assert [other.name for other in switch.ports[2:]] == ["", ""]


def test_servers_behind_ports_are_switched_on_and_off(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(switch=True)
    foretold, on, again, off, clicked, elsewhere = ansible.run(
        sim,
        task(POWER, {"check_mode": True}, state="on", port="1.3", **QUICK),
        task(POWER, state="on", port="1.3", **QUICK),
        task(POWER, state="on", port=2, **QUICK),
        task(POWER, state="off", mode="hard", port="2", **QUICK),
        task(CLICK, button="power", port="1.4"),
        task(POWER, state="off", port="0", **QUICK),
    )
    assert [outcome.msg for outcome in (foretold, on, again, off, clicked, elsewhere) if not outcome.ok] == []
    assert (foretold.changed, foretold.writes, foretold["actions"]) == (True, [], ["power"])
    assert (on.changed, on.writes, on["power"]) == (True, ["switch/atx/power"], "on")
    assert (again.changed, again.writes, again["power"]) == (False, [], "on")
    assert (off.changed, off["actions"], off["power"]) == (True, ["power_long"], "off")
    assert (clicked.changed, clicked.writes) == (True, ["switch/atx/click"])
    assert (elsewhere.changed, elsewhere.writes) == (False, [])
    presses = [[press["button"] for press in machine.presses] for machine in sim.device.machines]
    assert presses == [[], [], ["power", "power"], ["power"]]


def test_leds_of_a_port_are_waited_for(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(switch=True)
    somebody = when_asked(sim, "/api/ws", lambda: press_power(sim, 1))
    waited, other = ansible.run(
        sim,
        task("pikvm_wait_for", port="1.2", power="on", stable_for=0, wait_timeout=10),
        task("pikvm_wait_for", port="0", power="off", hdd="idle", stable_for=0, wait_timeout=2),
    )
    somebody.join()
    assert (waited.ok, waited["used"], waited["observed"]) == (True, "events", {"power": "on"}), waited.msg
    assert (other.ok, other["observed"]) == (True, {"power": "off", "hdd": "idle"}), other.msg


def test_port_of_the_host_is_taken_from_its_variable(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(switch=True, speed=5.0)
    host = Host(sim, [task(POWER, state="on", **QUICK)], variables={"pikvm_port": "1.4"})
    (outcome,) = ansible.play({"one": host}).hosts["one"]
    assert (outcome.changed, outcome.writes) == (True, ["switch/atx/power"]), outcome.msg
    assert [machine.powered for machine in sim.device.machines] == [False, False, False, True]


def test_connected_drive_goes_along_only_where_so_told(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(switch=True)
    insert(sim, "a.iso")
    refused, foretold, forced = ansible.run(
        sim,
        port("1.2", active=True),
        check(PORT, port="1.2", active=True),
        port("1.2", active=True, force=True),
    )
    for outcome in (refused, foretold):
        assert outcome.outcome == "failed"
        assert outcome.msg.startswith("The drive is connected with 'a.iso': switching would take it from one server")
        assert outcome.writes == []
    assert (forced.changed, sim.device.switch.active) == (True, 1)


def busy(sim: Simulator) -> None:
    sim.device.switch.ports[0].busy = True


NO_PORT = r"^port: the PiKVM Switch has no port {}; there are: 0 \(1\.1\), 1 \(1\.2\), 2 \(1\.3\), 3 \(1\.4\)$"
REFUSALS = {
    "index out of range": Refusal(port("4", active=True), NO_PORT.format("4"), device=WITH),
    "channel out of range": Refusal(port("1.5", active=True), NO_PORT.format(r"1\.5"), device=WITH),
    "unit out of range": Refusal(check(PORT, port="2.1", active=True), NO_PORT.format(r"2\.1"), device=WITH),
    "trap of the second port": Refusal(port("1.0", active=True), NO_PORT.format(r"1\.0"), device=WITH),
    "list as in the manual": Refusal(
        port("2,2", active=True), "^port: '2,2' is neither an index nor unit.channel; there are: 0", device=WITH
    ),
    "port of no switch": Refusal(
        port("0", name="x"), "^port: this PiKVM has no PiKVM Switch attached$", device=WITHOUT
    ),
    "before there were switches": Refusal(
        port("0", name="x"),
        "^GET /api/switch was answered 404 ",
        device={"kvmd": "4.20"},
        error=(404, "Not Found"),
    ),
    "not active": Refusal(port("0", active=False), "value of active must be one of: True, got: False", device=WITH),
    "unknown display data": Refusal(
        port("0", edid="x"),
        r"^edid: the PiKVM has no display data called 'x'; it has: Default \(default\)$",
        device=WITH,
    ),
    "delay of nothing": Refusal(
        port("0", reset_delay=0), "^reset_delay: must be more than 0 and at most 10 seconds, not 0$", device=WITH
    ),
    "dropped in silence": Refusal(
        port("0", beacon=True, wait_timeout=0.5),
        "^Setting beacon of port 0 was answered 200, but after 0.5 s the PiKVM shows .*'beacon': False",
        fault("ignore_write"),
        WITH,
        changes=True,
    ),
    "power at an unknown port": Refusal(task(POWER, state="on", port="7", **QUICK), NO_PORT.format("7"), device=WITH),
    "power without a switch": Refusal(
        task(POWER, state="on", port="0", **QUICK), "^port: this PiKVM has no PiKVM Switch attached$", device=WITHOUT
    ),
    "click that is dropped": Refusal(
        task(CLICK, button="power", port="0"),
        "^A press of power at port 0 was answered 200, but the PiKVM Switch shows no press",
        fault("ignore_write"),
        WITH,
    ),
    "ATX without a port": Refusal(
        task(POWER, state="on", **QUICK), "The press had no effect", device=WITH, changes=True
    ),
}


def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    check_refusals(ansible, simulator, subtests, REFUSALS)
