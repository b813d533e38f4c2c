# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is to what is wished: plan the steps, take them, and believe none of them before the state shows it.

This is the one place where steps are taken, and where `changed` and `diff` are decided.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Callable, Generic, TypeVar

from ._client.errors import BusyError, LostAnswerError, PikvmError, StateError
from ._wait import PAUSE, Waited, wait_until

Observed = TypeVar("Observed")
S = TypeVar("S")

AFTER_LOSS = 5.0
"""Seconds to look for the effect of a write whose answer was lost. Buttons get their whole time."""


@dataclass(frozen=True)
class Step(Generic[S]):
    """One write, and how its effect shows.

    Attributes:
        name: as it stands in a result.
        words: what it does, for a sentence such as "After <words> ...".
        send: makes the write.
        done: whether a state shows the effect; None where nothing is awaited.
        timeout: seconds until the effect has to show.
        stable_for: seconds that it has to stay.
        missed: what to tell if it does not show, given the last state.
        after_loss: seconds until the effect has to show where the answer was lost.
        telling: `done` cannot hold unless the write was carried out. It can for a pulse or a reset, which leave the
            state as it was; then a lost answer stays a failure.
        repeatable: it may be planned anew if its answer was lost and no effect shows. Never for a button.
        otherwise: the step to take if the effect does not show.
        clean_up: called with the failure; its own failure never hides the first one.
    """

    name: str
    words: str
    send: Callable[[], Any]
    done: Callable[[S], bool] | None = None
    timeout: float = 60.0
    stable_for: float = 0.0
    missed: Callable[[S], str] = lambda _: "the state does not show it"
    after_loss: float = AFTER_LOSS
    telling: bool = True
    repeatable: bool = False
    otherwise: Step[S] | None = None
    clean_up: Callable[[PikvmError], None] | None = None


@dataclass(frozen=True)
class Plan(Generic[S]):
    """The way from `before` to `after`. No steps: all is as wished."""

    before: dict[str, Any]
    after: dict[str, Any]
    steps: tuple[Step[S], ...] = ()

    @property
    def diff(self) -> dict[str, dict[str, Any]]:
        return {"before": self.before, "after": self.after}


@dataclass
class Run:
    """How steps are taken: for real or not, how patiently; which were taken, and the state that confirmed the last."""

    check_mode: bool = False
    wait_timeout: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    taken: list[str] = field(default_factory=list)
    seen: Any = None

    def wait(
        self,
        poll: Callable[[], S],
        predicate: Callable[[S], bool],
        timeout: float,
        stable_for: float = 0.0,
        pause: float = PAUSE,
    ) -> Waited:
        """Look until the predicate has held for `stable_for` seconds, which has to begin within `timeout`."""
        return wait_until(poll, predicate, timeout, self.clock, self.sleep, stable_for, pause)

    def idle(self, read: Callable[[], S], busy: Callable[[S], str]) -> S:
        """The first state in which the device is not at something else. `busy` says at what, or nothing."""
        waited = self.wait(read, lambda state: not busy(state), self.wait_timeout)
        if not waited.ok:
            raise StateError(
                f"{busy(waited.last)}, still after {self.wait_timeout:g} s (wait_timeout): nothing was changed"
            )
        found: S = waited.last
        return found

    def converge(
        self, observe: Callable[[], Observed], read: Callable[[], S], plan_for: Callable[[Observed], Plan[S]]
    ) -> Plan[S]:
        """Plan from an observed state and take the steps, confirming each by reading.

        A device that turns busy meanwhile has done nothing: the state is observed and planned again. So is it, once,
        after a lost answer to a step that may be repeated.

        Returns:
            The first plan: from what was found to what is wished.

        Raises:
            StateError: an effect did not show. PikvmError: as the writes and reads raise.
        """
        start = self.clock()
        first: Plan[S] | None = None
        lost = False
        while True:
            try:
                plan = plan_for(observe())
                first = first or plan
                if self.check_mode or not plan.steps:
                    return first
                for step in plan.steps:
                    self._take(step, read)
                return first
            except BusyError:
                if self.clock() - start > self.wait_timeout:
                    raise
            except LostAnswerError:
                if lost or not step.repeatable:
                    raise
                lost = True

    def _take(self, step: Step[S], read: Callable[[], S]) -> None:
        try:
            self._take_and_confirm(step, read)
        except PikvmError as exc:
            if step.clean_up:
                try:
                    step.clean_up(exc)
                except PikvmError as second:
                    exc.notes.append(f"Cleaning up failed too: {second}")
            raise

    def _take_and_confirm(self, step: Step[S], read: Callable[[], S]) -> None:
        loss: LostAnswerError | None = None
        try:
            step.send()
            self.taken.append(step.name)
        except LostAnswerError as exc:
            loss = exc
        if loss and not (step.done and step.telling):
            raise loss
        if step.done is None:
            return
        timeout = step.after_loss if loss else step.timeout
        try:
            waited = self.wait(read, step.done, timeout, step.stable_for)
        except BusyError as exc:  # of a look: the step has been taken, and must not be taken again
            raise StateError(f"{step.words} was answered 200, but its effect could not be seen: {exc}") from exc
        self.seen = waited.last
        if loss and waited.ok:
            self.taken.append(step.name)
        elif loss:
            loss.notes.append(f"Looked at afterwards: {step.missed(waited.last)}")
            raise loss
        elif not waited.ok and step.otherwise:
            self._take(step.otherwise, read)
        elif not waited.ok:
            raise StateError(f"{step.words} was answered 200, but after {timeout:g} s {step.missed(waited.last)}")


def result_of(plan: Plan[Any], run: Run) -> dict[str, Any]:
    """The part of a result that every module with state has."""
    return {"changed": bool(plan.steps) if run.check_mode else bool(run.taken), "diff": plan.diff}
