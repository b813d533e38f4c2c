# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is pressed, from each state of the LED to each wish."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._atx import (
    Observed,
    PowerWish,
    observe,
    plan_power,
    require_enabled,
)
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import PikvmError, StateError
from ansible_collections.community.pikvm.plugins.module_utils._client.models import Atx
from ansible_collections.community.pikvm.plugins.module_utils._plan import Plan, Run


class Pressed:
    """Takes down what is asked of a PiKVM."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def atx_power(self, action: str) -> None:
        self.asked.append(f"power {action}")

    def atx_click(self, button: str) -> None:
        self.asked.append(f"click {button}")


def atx(power: bool) -> Atx:
    return Atx(enabled=True, busy=False, power=power, hdd=False, acts=None)


def plan(client: Any, power: str, state: str, mode: str = "graceful_then_hard", wait: bool = True) -> Plan[Atx]:
    wish = PowerWish(state, mode, graceful_timeout=180, wait_timeout=60, stable_for=2, wait=wait)
    return plan_power(client, Observed(atx(power == "on"), power), wish)


@pytest.mark.parametrize(
    ("power", "state", "mode", "asked"),
    [
        ("on", "on", "hard", []),
        ("off", "on", "hard", ["power on"]),
        ("unknown", "on", "hard", ["click power"]),
        ("off", "off", "graceful", []),
        ("off", "off", "hard", []),
        ("on", "off", "graceful", ["power off"]),
        ("on", "off", "graceful_then_hard", ["power off"]),
        ("on", "off", "hard", ["power off_hard"]),
        ("unknown", "off", "graceful_then_hard", ["click power_long"]),
        ("unknown", "off", "hard", ["click power_long"]),
        ("on", "restarted", "graceful", ["power off", "power on"]),
        ("on", "restarted", "hard", ["power off_hard", "power on"]),
        ("off", "restarted", "graceful", ["power on"]),
        ("unknown", "restarted", "hard", ["click power_long", "power on"]),
        ("on", "reset", "hard", ["power reset_hard"]),
    ],
)
def test_what_is_pressed(power: str, state: str, mode: str, asked: list[str]) -> None:
    client = Pressed()
    found = plan(client, power, state, mode)
    for step in found.steps:
        step.send()
    assert client.asked == asked
    assert found.before == {"power": power}
    assert found.after == {"power": "off" if state == "off" else "on"}


@pytest.mark.parametrize(
    ("power", "state", "mode", "message"),
    [
        ("unknown", "off", "graceful", "Cannot shut down gracefully: the power LED does not hold still"),
        ("unknown", "restarted", "graceful", "Cannot shut down gracefully: the power LED does not hold still"),
        ("off", "reset", "hard", "The server is off: a press of the reset button has no effect. Use state=on"),
        ("unknown", "reset", "hard", "the power LED does not hold still: the server may be asleep"),
    ],
)
def test_press_without_effect_is_not_tried(power: str, state: str, mode: str, message: str) -> None:
    with pytest.raises(StateError) as caught:
        plan(Pressed(), power, state, mode)
    assert str(caught.value).startswith(message)
    assert "community.pikvm.pikvm_atx_click" in str(caught.value)


def test_hard_way_waits_behind_the_graceful_one_only_where_wished() -> None:
    client = Pressed()
    (soft,) = plan(client, "on", "off", "graceful_then_hard").steps
    assert (soft.timeout, soft.stable_for) == (180, 2)
    assert soft.otherwise is not None
    soft.otherwise.send()
    assert client.asked == ["power off_hard"]
    assert soft.otherwise.timeout == 60
    assert plan(client, "on", "off", "graceful").steps[0].otherwise is None


@pytest.mark.parametrize(("power", "state"), [("on", "off"), ("off", "on"), ("on", "reset"), ("on", "restarted")])
def test_no_button_is_ever_pressed_again_blindly(power: str, state: str) -> None:
    steps = plan(Pressed(), power, state).steps
    assert [step.repeatable for step in steps] == [False] * len(steps)


def test_an_led_that_is_lit_does_not_prove_a_reset() -> None:
    assert [step.telling for step in plan(Pressed(), "on", "reset").steps] == [False]
    assert [step.telling for step in plan(Pressed(), "on", "restarted").steps] == [True, True]


def test_without_wait_no_end_state_is_awaited_but_darkness_before_a_restart_is() -> None:
    assert [step.done is None for step in plan(Pressed(), "on", "off", wait=False).steps] == [True]
    assert [step.done is None for step in plan(Pressed(), "on", "restarted", wait=False).steps] == [False, True]


class Panel:
    """An LED that shows what it is told for each moment."""

    def __init__(self, clock: Any, led: Any, busy_until: float = 0.0) -> None:
        self.clock, self.led, self.busy_until = clock, led, busy_until

    def atx(self) -> Atx:
        busy = self.clock.now < self.busy_until
        return Atx(enabled=True, busy=busy, power=self.led(self.clock.now), hdd=False, acts=None)


@pytest.mark.parametrize(
    ("led", "power", "soonest", "latest"),
    [
        (lambda _: True, "on", 2.0, 2.4),
        (lambda _: False, "off", 2.0, 2.4),
        (lambda now: now > 1.0, "on", 3.0, 3.7),
        (lambda now: int(now / 0.5) % 2 == 0, "unknown", 10.0, 12.4),
        (lambda now: int(now) % 2 == 0, "unknown", 10.0, 12.4),
    ],
    ids=["on", "off", "just switched on", "blinking fast", "blinking slowly"],
)
def test_led_is_believed_once_it_holds_still(clock: Any, led: Any, power: str, soonest: float, latest: float) -> None:
    client: Any = Panel(clock, led)
    observed = observe(client, Run(clock=clock, sleep=clock.sleep), 2.0)
    assert observed.power == power
    assert soonest <= clock.now <= latest


def test_one_look_is_enough_where_nothing_has_to_hold(clock: Any) -> None:
    client: Any = Panel(clock, lambda _: True)
    assert observe(client, Run(clock=clock, sleep=clock.sleep), 0.0).power == "on"
    assert clock.now == 0.0


def test_another_press_is_waited_for(clock: Any) -> None:
    client: Any = Panel(clock, lambda _: True, busy_until=5.0)
    observe(client, Run(clock=clock, sleep=clock.sleep), 1.0)
    assert 6.0 <= clock.now <= 7.0


def test_disabled_atx_is_told_in_words() -> None:
    with pytest.raises(PikvmError, match=r"^ATX is disabled on this PiKVM: there is no button to press\."):
        require_enabled(Atx.parse({"enabled": False}))
