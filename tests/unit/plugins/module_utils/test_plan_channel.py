# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switching and pulsing a GPIO channel."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError, StateError
from ansible_collections.community.pikvm.plugins.module_utils._client.models import Channel, Gpio
from ansible_collections.community.pikvm.plugins.module_utils._gpio import ChannelWish, busy, plan_channel
from ansible_collections.community.pikvm.plugins.module_utils._plan import Plan


class Asked:
    """Takes down what is asked of a PiKVM."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def gpio_switch(self, channel: str, state: bool, wait: bool) -> None:
        self.asked.append((channel, state, wait))

    def gpio_pulse(self, channel: str, delay: Any, wait: bool) -> None:
        self.asked.append((channel, "pulse", delay, wait))


def output(name: str, state: bool = False, switch: bool = True, pulse: bool = True, **values: Any) -> Channel:
    limits = {"pulse_delay": 0.1, "pulse_min": 0.1, "pulse_max": 5.0} if pulse else {}
    return Channel(name, True, values.pop("online", True), state, switch=switch, **limits, **values)


OUTPUTS = [
    output("dark"),
    output("lit", state=True),
    output("button", switch=False),
    output("latch", pulse=False),
    output("dead", online=False),
    output("working", busy=True),
]
GPIO = Gpio({"led": Channel("led", False, True, True)}, {channel.name: channel for channel in OUTPUTS})


def plan(
    client: Any, channel: str, state: str, delay: float | None = None, wait: bool = True, check: bool = False
) -> Plan[Gpio]:
    return plan_channel(client, GPIO, ChannelWish(channel, state, delay, wait, wait_timeout=60.0), check)


@pytest.mark.parametrize(
    ("channel", "state", "delay", "asked"),
    [
        ("dark", "off", None, []),
        ("dark", "on", None, [("dark", True, True)]),
        ("lit", "on", None, []),
        ("lit", "off", None, [("lit", False, True)]),
        ("dark", "pulsed", None, [("dark", "pulse", None, True)]),
        ("dark", "pulsed", 0.5, [("dark", "pulse", 0.5, True)]),
        ("lit", "pulsed", None, [("lit", "pulse", None, True)]),
        ("button", "on", None, [("button", True, True)]),
        ("button", "off", None, [("button", False, True)]),
        ("latch", "pulsed", None, [("latch", "pulse", None, True)]),
        ("dead", "off", None, [("dead", False, True)]),
        ("nowhere", "on", None, [("nowhere", True, True)]),
        ("led", "on", None, [("led", True, True)]),
    ],
)
def test_what_is_asked(channel: str, state: str, delay: float | None, asked: list[Any]) -> None:
    client = Asked()
    for step in plan(client, channel, state, delay).steps:
        step.send()
    assert client.asked == asked


@pytest.mark.parametrize(
    ("channel", "state", "words"),
    [
        ("nowhere", "on", "GPIO channel is not found (the outputs are: button, dark, dead, latch, lit, working)"),
        ("led", "on", "GPIO channel is not found (it is an input)"),
        ("button", "on", "This GPIO channel does not support switching"),
        ("button", "off", "This GPIO channel does not support switching"),
        ("latch", "pulsed", "This GPIO channel does not support pulsing"),
        ("dead", "on", "GPIO driver is offline"),
    ],
)
def test_check_mode_foretells_the_devices_refusal(channel: str, state: str, words: str) -> None:
    with pytest.raises(StateError) as caught:
        plan(Asked(), channel, state, check=True)
    assert str(caught.value) == f"The PiKVM would refuse channel {channel}: {words}"


@pytest.mark.parametrize("delay", [0.05, 5.1, 1000.0])
def test_delay_the_device_would_clamp_is_refused(delay: float) -> None:
    with pytest.raises(OptionError, match=rf"^delay: {delay:g} s is outside what channel dark allows: 0.1 to 5 s$"):
        plan(Asked(), "dark", "pulsed", delay)


def test_a_pulse_is_never_repeated_blindly_and_a_switch_may_be() -> None:
    assert [step.repeatable for step in plan(Asked(), "dark", "pulsed").steps] == [False]
    assert [step.repeatable for step in plan(Asked(), "dark", "on").steps] == [True]


def test_a_channel_that_is_off_does_not_prove_a_pulse() -> None:
    assert [step.telling for step in plan(Asked(), "dark", "pulsed").steps] == [False]
    assert [step.telling for step in plan(Asked(), "dark", "on").steps] == [True]


def test_without_wait_nothing_is_read_back() -> None:
    (step,) = plan(Asked(), "dark", "on", wait=False).steps
    assert step.done is None


def test_switch_is_over_when_the_channel_is_no_longer_busy() -> None:
    (step,) = plan(Asked(), "dark", "on").steps
    assert step.done is not None
    shown = [output("dark", state=True, busy=True), output("dark"), output("dark", state=True)]
    assert [step.done(Gpio({}, {"dark": channel})) for channel in shown] == [False, False, True]
    assert step.done(Gpio({}, {})) is False


def test_busy_channel_is_named() -> None:
    assert busy("working", GPIO) == "The channel working is busy with another operation"
    assert busy("dark", GPIO) == ""
    assert busy("nowhere", GPIO) == ""
