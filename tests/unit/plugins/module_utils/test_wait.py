# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for something to become true, and to stay so."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import (
    AnswerError,
    PikvmError,
    ServerFault,
    StateError,
    UnreachableError,
    UntrustedCertificateError,
)
from ansible_collections.community.pikvm.plugins.module_utils._wait import PAUSE, Steady, Waited, wait_until


def wait(clock: Any, poll: Any, timeout: float = 10.0, stable_for: float = 0.0) -> Waited:
    return wait_until(poll, bool, timeout, clock, clock.sleep, stable_for)


def test_what_is_true_already_is_not_waited_for(clock: Any) -> None:
    assert wait(clock, lambda: "yes") == Waited(True, "yes", 0.0)
    assert clock.sleeps == []


def test_becoming_true_ends_the_wait(clock: Any) -> None:
    waited = wait(clock, lambda: clock.now >= 4.0)
    assert waited.ok
    assert 4.0 <= waited.elapsed <= 4.0 + PAUSE


def test_waiting_ends_with_the_time_and_a_last_look(clock: Any) -> None:
    looks: list[float] = []
    waited = wait(clock, lambda: looks.append(clock.now), timeout=2.0)
    assert waited == Waited(False, None, pytest.approx(2.0))
    assert looks[-1] == pytest.approx(2.0)


def test_no_time_means_one_look(clock: Any) -> None:
    looks: list[float] = []
    assert not wait(clock, lambda: looks.append(clock.now), timeout=0.0).ok
    assert looks == [0.0]


def test_becoming_true_too_late_is_too_late(clock: Any) -> None:
    assert not wait(clock, lambda: clock.now > 2.0, timeout=2.0).ok


def test_has_to_hold_without_a_break(clock: Any) -> None:
    waited = wait(clock, lambda: not 1.0 <= clock.now < 3.0, stable_for=2.0)
    assert waited.ok
    assert 5.0 <= waited.elapsed <= 5.0 + 2 * PAUSE


def test_holding_may_end_after_the_time_if_it_began_within(clock: Any) -> None:
    waited = wait(clock, lambda: clock.now >= 9.0, timeout=10.0, stable_for=5.0)
    assert waited.ok
    assert waited.elapsed >= 14.0


def test_blinking_never_holds(clock: Any) -> None:
    assert not wait(clock, lambda: int(clock.now / 0.5) % 2 == 0, timeout=10.0, stable_for=2.0).ok


@pytest.mark.parametrize(
    "failure", [AnswerError("x"), UnreachableError("x"), ServerFault(502, "Bad Gateway", "", "GET /")]
)
def test_a_restarting_pikvm_is_outwaited(clock: Any, failure: PikvmError) -> None:
    def poll() -> bool:
        if clock.now < 3.0:
            raise failure
        return True

    assert wait(clock, poll).ok


def test_a_failed_look_breaks_the_holding(clock: Any) -> None:
    def poll() -> bool:
        if 1.0 <= clock.now < 1.5:
            raise AnswerError("gone for a moment")
        return True

    waited = wait(clock, poll, stable_for=2.0)
    assert waited.ok
    assert waited.elapsed >= 3.5


def test_looks_that_fail_until_the_end_are_a_failure(clock: Any) -> None:
    def poll() -> bool:
        raise UnreachableError("the cable is out")

    with pytest.raises(UnreachableError, match="the cable is out"):
        wait(clock, poll, timeout=3.0)
    assert clock.now == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize("failure", [StateError("MSD is disabled"), UntrustedCertificateError("not trusted")])
def test_what_waiting_cannot_mend_fails_at_once(clock: Any, failure: PikvmError) -> None:
    def poll() -> bool:
        raise failure

    with pytest.raises(type(failure)):
        wait(clock, poll)
    assert clock.now == 0.0


def test_steady_holds_once_the_value_has_stayed_and_was_seen_often_enough(clock: Any) -> None:
    steady: Steady[str] = Steady(lambda state: state, 2.0, clock)
    looks = [(0.0, "on"), (0.7, "on"), (1.4, "on"), (1.9, "on"), (2.0, "on"), (2.5, "off"), (3.4, "off"), (4.4, "off")]
    seen = []
    for now, value in [*looks, (4.6, "off")]:
        clock.now = now
        seen.append(steady(value))
    assert seen == [False, False, False, False, True, False, False, False, True]
    clock.now = 9.0
    assert not steady("on")
    clock.now = 12.0
    assert not steady("on"), "twice is not often enough for a blinking LED"
