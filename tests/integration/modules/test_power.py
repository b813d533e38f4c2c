# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switching servers on and off."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import switch_on
from tests.support.expect import Refusal, Start, check_refusals, portions

POWER = "pikvm_atx_power"
CLICK = "pikvm_atx_click"
QUICK = {"stable_for": 0.1, "wait_timeout": 4.0, "graceful_timeout": 4.0}


def power(**options: Any) -> dict[str, Any]:
    return task(POWER, **{**QUICK, **options})


def foretell(**options: Any) -> dict[str, Any]:
    return check(POWER, **{**QUICK, **options})


@pytest.mark.parametrize("kvmd", ["4.197", "3.334"])
def test_on_and_off(ansible: Ansible, simulator: Start, subtests: pytest.Subtests, kvmd: str) -> None:
    rows = [
        (foretell(state="on"), True, ["power"], "off", []),
        (power(state=True), True, ["power"], "on", ["atx/power"]),
        (power(state="on"), False, [], "on", []),
        (foretell(state="off", mode="hard"), True, ["power_long"], "on", []),
        (power(state=False, mode="hard"), True, ["power_long"], "off", ["atx/power"]),
        (power(state="off"), False, [], "off", []),
    ]
    host = Host(simulator(kvmd=kvmd), [row[0] for row in rows])
    outcomes = ansible.play({"server": host}, ("--diff",)).hosts["server"]
    other = {"on": "off", "off": "on"}
    for index, (outcome, (_task, changed, actions, led, writes)) in enumerate(zip(outcomes, rows, strict=True)):
        with subtests.test(msg=f"task {index}"):
            assert outcome.ok, outcome.msg
            assert (outcome.changed, outcome["actions"], outcome["power"]) == (changed, actions, led)
            assert outcome.writes == writes
            before = other[led] if writes else led
            after = other[before] if changed else before
            assert outcome["diff"] == {"before": {"power": before}, "after": {"power": after}}


def test_restart_and_reset(ansible: Ansible, sim: Simulator) -> None:
    switch_on(sim)
    outcomes = ansible.run(
        sim,
        power(state="restarted"),
        power(state="restarted", mode="hard"),
        foretell(state="restarted", mode="hard"),
        power(state="reset"),
        power(state="off", mode="graceful"),
        power(state="restarted"),
    )
    assert [outcome["actions"] for outcome in outcomes] == [
        ["power", "power"],
        ["power_long", "power"],
        ["power_long", "power"],
        ["reset"],
        ["power"],
        ["power"],
    ]
    assert [outcome["power"] for outcome in outcomes] == ["on", "on", "on", "on", "off", "on"]
    assert all(outcome.changed for outcome in outcomes)
    assert outcomes[2].writes == []
    assert [press["button"] for press in sim.machine.presses] == ["power"] * 5 + ["reset"] + ["power"] * 2


def test_system_that_ignores_the_button_is_switched_off_all_the_same(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(machine={"os": "ignores"})
    switch_on(sim)
    (outcome,) = ansible.run(sim, power(state="off", graceful_timeout=0.5))
    assert outcome.ok
    assert (outcome["actions"], outcome["power"]) == (["power", "power_long"], "off")
    assert not sim.machine.powered


def test_press_is_not_waited_for_where_so_told(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(machine={"led_on_delay": 1000.0})
    (outcome,) = ansible.run(sim, power(state="on", wait=False))
    assert (outcome.changed, outcome["actions"], outcome["power"]) == (True, ["power"], "off")


def test_led_has_to_hold_still(ansible: Ansible, sim: Simulator) -> None:
    switch_on(sim)
    short, long = ansible.run(sim, power(state="on", stable_for=0), power(state="on", stable_for=1.5))
    assert short["elapsed"] < 1.5
    assert 1.5 <= long["elapsed"] < 6.0
    assert len(short.requests) <= 2 < len(long.requests)


def test_sleeping_server_is_neither_on_nor_off(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(speed=1.0, machine={"led": "blink", "boot_seconds": 0.1, "led_on_delay": 0.0})
    switch_on(sim)
    on, soft, hard = ansible.run(
        sim,
        foretell(state="on", stable_for=1.1),
        power(state="off", mode="graceful", stable_for=1.1),
        power(state="off", stable_for=1.1, wait_timeout=10.0),
    )
    assert (on["power"], on["actions"]) == ("unknown", ["power"])
    assert soft.msg.startswith("Cannot shut down gracefully: the power LED does not hold still")
    assert soft.writes == []
    assert (hard["actions"], hard["power"]) == (["power_long"], "off")


def test_busy_buttons_are_waited_for(ansible: Ansible, sim: Simulator) -> None:
    sim.fault("atx_busy", path="/api/atx", seconds=20.0)
    click, switch = ansible.run(sim, task(CLICK, button="power", wait_timeout=5.0), power(state="on"))
    assert click.changed
    assert click["power"] in {"on", "off"}
    assert switch.ok
    assert len(sim.machine.presses) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_press_whose_answer_was_lost_is_looked_for_and_never_repeated(
    ansible: Ansible, sim: Simulator, when: str
) -> None:
    sim.fault("drop_request", writes=True, when=when)
    (outcome,) = ansible.run(sim, power(state="on", wait_timeout=1.0 if when == "before" else 30.0))
    assert outcome.writes == ["atx/power"]
    assert outcome.ok is (when == "after")
    if when == "after":
        assert (outcome.changed, outcome["actions"], outcome["power"]) == (True, ["power"], "on")
    else:
        assert "It may or may not have been carried out. Looked at afterwards: the power LED is off" in outcome.msg
        assert outcome.changed is False
    assert sim.machine.powered is outcome.ok


def test_lost_answer_of_a_restart_loses_no_press(ansible: Ansible, sim: Simulator) -> None:
    switch_on(sim)
    sim.fault("drop_request", writes=True, when="after")
    (outcome,) = ansible.run(sim, power(state="restarted", mode="hard"))
    assert (outcome["actions"], outcome["power"]) == (["power_long", "power"], "on")
    assert outcome.writes == ["atx/power", "atx/power"]


def test_click_presses_each_time(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(machine={"led_wired": False})
    rows = [
        check(CLICK, button="power"),
        task(CLICK, button="power"),
        task(CLICK, button="reset"),
        task(CLICK, button="power_long", wait=False),
    ]
    outcomes = ansible.run(sim, *rows)
    assert [outcome.changed for outcome in outcomes] == [True] * 4
    assert [outcome.writes for outcome in outcomes] == [[], ["atx/click"], ["atx/click"], ["atx/click"]]
    assert {outcome["power"] for outcome in outcomes} == {"off"}
    assert [press["button"] for press in sim.machine.presses[:2]] == ["power", "reset"]


def disabled(sim: Simulator) -> None:
    sim.fault("atx_disabled")


def busy(sim: Simulator) -> None:
    sim.fault("atx_busy", seconds=1e6)


def deaf(sim: Simulator) -> None:
    sim.fault("ignore_write")


def on_and_deaf(sim: Simulator) -> None:
    switch_on(sim)
    deaf(sim)


DISABLED = r"^ATX is disabled on this PiKVM: there is no button to press\. Its owner can enable it in"
BUSY = r"^The PiKVM is still at another press of a button, still after 0\.5 s \(wait_timeout\): nothing was changed$"

REFUSALS: dict[str, Refusal] = {
    "disabled, switching": Refusal(power(state="on"), DISABLED, disabled),
    "disabled, clicking": Refusal(task(CLICK, button="power"), DISABLED, disabled),
    "disabled, foretelling": Refusal(foretell(state="on"), DISABLED, disabled),
    "busy, switching": Refusal(power(state="on", wait_timeout=0.5), BUSY, busy),
    "busy, clicking": Refusal(task(CLICK, button="power", wait_timeout=0.5), BUSY, busy),
    "reset of a server that is off": Refusal(
        power(state="reset"), r"^The server is off: a press of the reset button has"
    ),
    "system that ignores the button": Refusal(
        power(state="off", mode="graceful", graceful_timeout=0.5),
        r"^A short press of the power button was answered 200, but after 0\.5 s the power LED is still on "
        r"\(graceful_timeout\): the operating system did not shut down\. mode=graceful_then_hard would",
        switch_on,
        {"machine": {"os": "ignores"}},
        changes=True,
    ),
    "LED that is not wired": Refusal(
        power(state="on", wait_timeout=0.5),
        r"^A press of the power button was answered 200, but after 0\.5 s the power LED is off, not steadily on\. "
        r"The press had no effect\. If the power LED is not wired to the PiKVM, use community\.pikvm\.pikvm_atx_click",
        device={"machine": {"led_wired": False}},
        changes=True,
    ),
    "press that is not carried out": Refusal(
        power(state="on", wait_timeout=0.5), r"The press had no effect", deaf, changes=True
    ),
    "long press that is not carried out": Refusal(
        power(state="off", mode="hard", wait_timeout=0.5),
        r"the power LED is on, not steadily off\. The press had no effect: is the button wired\?$",
        on_and_deaf,
        changes=True,
    ),
    "unknown state": Refusal(
        power(state="sideways"), r"value of state must be one of: on, off, restarted, reset, got: side"
    ),
    "unknown button": Refusal(
        task(CLICK, button="nose"), r"value of button must be one of: power, power_long, reset, got"
    ),
    "negative seconds": Refusal(
        power(state="on", stable_for=-1), r"^stable_for: must be between 0 seconds and a week, not"
    ),
    "endless seconds": Refusal(
        power(state="on", wait_timeout="inf"), r"^wait_timeout: must be between 0 seconds and a week"
    ),
}


@portions(REFUSALS)
def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests, cases: dict[str, Refusal]) -> None:
    check_refusals(ansible, simulator, subtests, cases)
