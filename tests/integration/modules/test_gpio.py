# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switching and pulsing GPIO channels."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.expect import Refusal, Start, check_refusals, fault, portions

MODULE = "pikvm_gpio_channel"
HIDDEN = "__v3_usb_breaker__"


def gpio(channel: str, state: Any, **options: Any) -> dict[str, Any]:
    return task(MODULE, channel=channel, state=state, **options)


def test_switching_and_pulsing(ansible: Ansible, sim: Simulator, subtests: pytest.Subtests) -> None:
    rows = [
        (check(MODULE, channel="relay1", state="on"), True, "off", "on", []),
        (gpio("relay1", True), True, "off", "on", ["gpio/switch"]),
        (gpio("relay1", "on"), False, "on", "on", []),
        (gpio(HIDDEN, False), True, "on", "off", ["gpio/switch"]),
        (gpio("relay1", "pulsed", delay=0.5), True, "on", "off", ["gpio/pulse"]),
        (check(MODULE, channel="button1", state="pulsed"), True, "off", "off", []),
    ]
    outcomes = ansible.play({"server": Host(sim, [row[0] for row in rows])}, ("--diff",)).hosts["server"]
    for index, (outcome, (_task, changed, before, after, writes)) in enumerate(zip(outcomes, rows, strict=True)):
        with subtests.test(msg=f"task {index}"):
            assert outcome.ok, outcome.msg
            assert (outcome.changed, outcome["channel_state"], outcome.writes) == (changed, after, writes)
            assert (outcome["diff"]["before"]["state"], outcome["diff"]["after"]["state"]) == (before, after)
    outputs = sim.device.gpio.outputs
    assert (outputs["relay1"].state, outputs[HIDDEN].state) == (False, False)


def test_without_wait_the_channel_is_not_read_back(ansible: Ansible, sim: Simulator) -> None:
    (outcome,) = ansible.run(sim, gpio("relay1", "on", wait=False))
    assert (outcome.changed, outcome["channel_state"]) == (True, None)
    assert outcome.writes == ["gpio/switch"]


def test_busy_channel_is_waited_for(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(speed=1.0)
    pulse, switch = ansible.run(
        sim, gpio("relay1", "pulsed", delay=3.0, wait=False), gpio("relay1", "on", wait_timeout=10.0)
    )
    assert (pulse.changed, switch.changed, switch["channel_state"]) == (True, True, "on")


@pytest.mark.parametrize("when", ["before", "after"])
def test_lost_answer_of_a_switch_is_looked_for_and_the_switch_repeated_if_need_be(
    ansible: Ansible, sim: Simulator, when: str
) -> None:
    sim.fault("drop_request", writes=True, when=when, times=1)
    (outcome,) = ansible.run(sim, gpio("relay1", "on"))
    assert outcome.changed
    assert outcome["channel_state"] == "on"
    assert outcome.writes == ["gpio/switch"] * (2 if when == "before" else 1)


NOT_FOUND = "GPIO channel is not found"
REFUSALS = {
    "unknown channel": Refusal(
        gpio("nowhere", "on"),
        rf"was answered 400 GpioChannelNotFoundError: {NOT_FOUND}\. community\.pikvm\.pikvm_info with gather_subset",
        error=(400, "GpioChannelNotFoundError"),
    ),
    "unknown channel, foretold": Refusal(
        check(MODULE, channel="nowhere", state="on"),
        rf"^The PiKVM would refuse channel nowhere: {NOT_FOUND} \(the outputs are: __v3_usb_breaker__, ",
    ),
    "input": Refusal(gpio("led1", "on"), NOT_FOUND, error=(400, "GpioChannelNotFoundError")),
    "input, foretold": Refusal(check(MODULE, channel="led1", state="on"), rf"{NOT_FOUND} \(it is an input\)$"),
    "switch of a button": Refusal(
        gpio("button1", "on"),
        "400 GpioSwitchNotSupported: This GPIO channel does not support switching",
        error=(400, "GpioSwitchNotSupported"),
    ),
    "switch of a button to what it is": Refusal(
        gpio("button1", "off"), "does not support switching", error=(400, "GpioSwitchNotSupported")
    ),
    "pulse of a switch": Refusal(
        gpio(HIDDEN, "pulsed"),
        "400 GpioPulseNotSupported: This GPIO channel does not support pulsing",
        error=(400, "GpioPulseNotSupported"),
    ),
    "pulse of a switch, foretold": Refusal(
        check(MODULE, channel=HIDDEN, state="pulsed"), "would refuse .*This GPIO channel does not support pulsing$"
    ),
    "offline": Refusal(
        gpio("relay1", "on"),
        "400 GpioDriverOfflineError: GPIO driver __gpio__ is offline",
        fault("gpio_offline"),
        error=(400, "GpioDriverOfflineError"),
    ),
    "delay too long": Refusal(
        gpio("button1", "pulsed", delay=6), r"^delay: 6 s is outside what channel button1 allows: 0\.1 to 5 s$"
    ),
    "delay of a switch": Refusal(gpio("relay1", "on", delay=1), "^delay: is for state=pulsed only, not for state=on$"),
    "switch that is not carried out": Refusal(
        gpio("relay1", "on", wait_timeout=0.5),
        r"^Switching channel relay1 on was answered 200, but after 0\.5 s it is off$",
        fault("ignore_write"),
        changes=True,
    ),
    "pulse whose answer was lost": Refusal(
        gpio("button1", "pulsed"),
        "It may or may not have been carried out",
        fault("drop_request", writes=True),
        changes=True,
    ),
    "unknown state": Refusal(gpio("relay1", "up"), "value of state must be one of: on, off, pulsed, got: up"),
}


@portions(REFUSALS)
def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests, cases: dict[str, Refusal]) -> None:
    check_refusals(ansible, simulator, subtests, cases)
