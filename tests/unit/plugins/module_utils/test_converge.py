# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking the steps of a plan, and believing none of them before the state shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import (
    BusyError,
    LostAnswerError,
    PikvmError,
    StateError,
)
from ansible_collections.community.pikvm.plugins.module_utils._plan import Plan, Run, Step, result_of

BUSY = BusyError(409, "AtxIsBusyError", "", "POST /x")
LOST = LostAnswerError("POST /x: the connection broke")


class Thing:
    """Something whose one value is to become 1; each write fails as told first."""

    def __init__(self, clock: Any, *failures: Exception | None, performs: bool = True, **step: Any) -> None:
        self.clock = clock
        self.failures = list(failures)
        self.performs = performs
        self.step = step
        self.value = 0
        self.sent = 0
        self.observed = 0
        self.run = Run(wait_timeout=20.0, clock=clock, sleep=clock.sleep)

    def send(self) -> None:
        self.sent += 1
        failure = self.failures.pop(0) if self.failures else None
        if failure is None:
            self.value = int(self.performs)
        else:
            raise failure

    def observe(self) -> int:
        self.observed += 1
        return self.value

    def plan(self, value: int) -> Plan[int]:
        values = {"done": bool, "timeout": 5.0, **self.step}
        step: Step[int] = Step("set", "Setting it", self.send, **values)
        return Plan({"value": value}, {"value": 1}, () if value else (step,))

    def converge(self, check_mode: bool = False) -> Plan[int]:
        self.run.check_mode = check_mode
        return self.run.converge(self.observe, lambda: self.value, self.plan)


def test_step_is_taken_and_confirmed(clock: Any) -> None:
    thing = Thing(clock)
    plan = thing.converge()
    assert (thing.sent, thing.run.taken, thing.run.seen) == (1, ["set"], 1)
    assert result_of(plan, thing.run) == {"changed": True, "diff": {"before": {"value": 0}, "after": {"value": 1}}}


def test_nothing_is_done_where_all_is_as_wished(clock: Any) -> None:
    thing = Thing(clock)
    thing.value = 1
    assert result_of(thing.converge(), thing.run)["changed"] is False
    assert (thing.sent, thing.observed) == (0, 1)


def test_check_mode_sends_nothing_and_foretells(clock: Any) -> None:
    thing = Thing(clock)
    assert result_of(thing.converge(check_mode=True), thing.run) == {
        "changed": True,
        "diff": {"before": {"value": 0}, "after": {"value": 1}},
    }
    assert (thing.sent, thing.run.taken) == (0, [])


def test_effect_that_does_not_show_is_a_failure_in_words(clock: Any) -> None:
    thing = Thing(clock, performs=False, missed=lambda value: f"it is {value}")
    with pytest.raises(StateError, match=r"^Setting it was answered 200, but after 5 s it is 0$"):
        thing.converge()
    assert (thing.sent, clock.now) == (1, pytest.approx(5.0))


def test_busy_device_is_observed_and_planned_again(clock: Any) -> None:
    thing = Thing(clock, BUSY, BUSY)
    thing.converge()
    assert (thing.sent, thing.observed, thing.run.taken) == (3, 3, ["set"])


def test_busy_device_that_meanwhile_did_it_is_left_alone(clock: Any) -> None:
    thing = Thing(clock, BUSY)
    original = thing.observe

    def observe() -> int:
        thing.value = int(thing.sent > 0)
        return original()

    plan = thing.run.converge(observe, lambda: thing.value, thing.plan)
    assert (thing.sent, thing.run.taken) == (1, [])
    assert plan.before == {"value": 0}


def test_busy_for_too_long_is_told(clock: Any) -> None:
    thing = Thing(clock, *[BUSY] * 100)
    original = thing.observe

    def observe() -> int:
        clock.sleep(1.0)
        return original()

    with pytest.raises(BusyError, match="try again later or raise wait_timeout"):
        thing.run.converge(observe, lambda: thing.value, thing.plan)
    assert 20.0 < clock.now < 25.0


def test_lost_answer_of_a_done_write_is_no_failure(clock: Any) -> None:
    thing = Thing(clock, LOST)
    observe = thing.observe

    def send_and_lose() -> None:
        thing.value = 1
        raise LOST

    plan: Plan[int] = Plan({}, {}, (Step("set", "Setting it", send_and_lose, done=bool),))
    thing.run.converge(observe, lambda: thing.value, lambda _: plan)
    assert thing.run.taken == ["set"]


def test_lost_write_is_never_repeated_blindly(clock: Any) -> None:
    thing = Thing(clock, LOST, missed=lambda value: f"it is {value}")
    with pytest.raises(LostAnswerError) as caught:
        thing.converge()
    assert (thing.sent, thing.run.taken) == (1, [])
    assert caught.value.notes == ["Looked at afterwards: it is 0"]


def test_lost_write_that_may_be_repeated_is_so_once(clock: Any) -> None:
    thing = Thing(clock, LOST, repeatable=True)
    thing.converge()
    assert (thing.sent, thing.observed, thing.run.taken) == (2, 2, ["set"])
    twice = Thing(clock, LOST, LOST, repeatable=True)
    with pytest.raises(LostAnswerError):
        twice.converge()
    assert twice.sent == 2


def test_lost_write_is_looked_for_as_long_as_the_step_says(clock: Any) -> None:
    thing = Thing(clock, LOST, after_loss=17.0)
    with pytest.raises(LostAnswerError):
        thing.converge()
    assert clock.now == pytest.approx(17.0)


def test_lost_write_without_an_effect_to_look_for_is_a_failure(clock: Any) -> None:
    thing = Thing(clock, LOST, done=None)
    with pytest.raises(LostAnswerError):
        thing.converge()
    assert (thing.sent, thing.run.taken) == (1, [])


def test_lost_write_whose_effect_tells_nothing_is_a_failure(clock: Any) -> None:
    thing = Thing(clock, LOST, done=lambda _: True, telling=False)
    with pytest.raises(LostAnswerError):
        thing.converge()
    assert (thing.sent, thing.run.taken, clock.now) == (1, [], 0.0)


def test_otherwise_is_taken_when_the_effect_does_not_show(clock: Any) -> None:
    pressed: list[str] = []
    hard: Step[int] = Step("hard", "A long press", lambda: pressed.append("hard"), done=lambda _: bool(pressed[1:]))
    thing = Thing(clock, performs=False, otherwise=hard)
    send = thing.send

    def press() -> None:
        send()
        pressed.append("soft")

    thing.send = press  # type: ignore[method-assign]
    thing.converge()
    assert thing.run.taken == ["set", "hard"]
    assert clock.now == pytest.approx(5.0)


def test_otherwise_is_not_taken_when_the_effect_shows(clock: Any) -> None:
    never: Step[int] = Step("hard", "A long press", lambda: pytest.fail("pressed"))
    thing = Thing(clock, otherwise=never)
    thing.converge()
    assert thing.run.taken == ["set"]


def failing(error: PikvmError, calls: list[str]) -> Callable[[PikvmError], None]:
    def clean_up(first: PikvmError) -> None:
        calls.append(str(first))
        raise error

    return clean_up


def test_cleaning_up_never_hides_the_first_failure(clock: Any) -> None:
    calls: list[str] = []
    thing = Thing(clock, StateError("first"), clean_up=failing(StateError("second"), calls))
    with pytest.raises(StateError, match=r"^first$") as caught:
        thing.converge()
    assert calls == ["first"]
    assert caught.value.notes == ["Cleaning up failed too: second"]


def test_nothing_is_cleaned_up_after_a_success(clock: Any) -> None:
    thing = Thing(clock, clean_up=lambda _: pytest.fail("cleaned up"))
    thing.converge()
    assert thing.run.taken == ["set"]


def test_steps_after_a_failed_one_are_not_taken(clock: Any) -> None:
    run = Run(clock=clock, sleep=clock.sleep)
    first: Step[int] = Step("first", "The first", lambda: None, done=lambda _: False, timeout=1.0)
    second: Step[int] = Step("second", "The second", lambda: pytest.fail("taken"))
    with pytest.raises(StateError, match="The first was answered 200, but after 1 s the state does not show it"):
        run.converge(lambda: 0, lambda: 0, lambda _: Plan({}, {}, (first, second)))
    assert run.taken == ["first"]


def test_what_stays_busy_is_not_touched(clock: Any) -> None:
    run = Run(wait_timeout=7.0, clock=clock, sleep=clock.sleep)
    with pytest.raises(StateError, match=r"^At an upload, still after 7 s \(wait_timeout\): nothing was changed$"):
        run.idle(lambda: 0, lambda _: "At an upload")
    assert clock.now == pytest.approx(7.0)


def test_look_that_is_refused_does_not_take_a_step_again(clock: Any) -> None:
    thing = Thing(clock)
    looks = [BUSY, BUSY]

    def read() -> int:
        if looks:
            raise looks.pop()
        return thing.value

    thing.run.converge(thing.observe, read, thing.plan)
    assert (thing.sent, thing.run.seen) == (1, 1)


def test_step_whose_effect_cannot_be_seen_is_not_taken_again(clock: Any) -> None:
    thing = Thing(clock)

    def read() -> int:
        raise BUSY

    with pytest.raises(StateError, match="Setting it was answered 200, but its effect could not be seen: POST /x was"):
        thing.run.converge(thing.observe, read, thing.plan)
    assert thing.sent == 1
