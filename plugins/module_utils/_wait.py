# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for something to become true, and to stay so."""

from __future__ import annotations

import time
from typing import Any, Callable, Generic, NamedTuple, TypeVar

from ._client.errors import (
    AnswerError,
    BusyError,
    PikvmError,
    ServerFault,
    UnreachableError,
    UntrustedCertificateError,
)

S = TypeVar("S")

PAUSE = 0.3
"""Seconds between two looks. No divisor of a second, so that a blinking LED is not met in the same phase each time."""

LOOKS = 4
"""How often a state has to be seen at least before it is called steady: a controller or a network that is slow would
otherwise meet a blinking LED twice in the same phase."""

PASSING = (AnswerError, BusyError, UnreachableError, ServerFault)
"""Failures of a look that a rebooting PiKVM explains, or one that is at something else."""


class Waited(NamedTuple):
    """How a wait ended: whether in time, what was seen last, after how many seconds."""

    ok: bool
    last: Any
    elapsed: float


class Steady(Generic[S]):
    """A predicate that holds once a value has not changed for a number of seconds."""

    def __init__(self, value: Callable[[S], Any], seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._value = value
        self._seconds = seconds
        self._clock = clock
        self._since: float | None = None
        self._last: Any = None
        self._looks = 0

    def __call__(self, state: S) -> bool:
        value = self._value(state)
        if self._since is None or value != self._last:
            self._since, self._last, self._looks = self._clock(), value, 0
        self._looks += 1
        return self._looks >= LOOKS and self._clock() - self._since >= self._seconds


def wait_until(
    poll: Callable[[], S],
    predicate: Callable[[S], bool],
    timeout: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    stable_for: float = 0.0,
    pause: float = PAUSE,
) -> Waited:
    """Look until the predicate holds, at least once.

    A look that fails as it does while a PiKVM restarts is repeated until the time is up.

    Args:
        timeout: seconds until the predicate has to hold.
        stable_for: seconds that it has to hold then, without a break.
        pause: seconds between two looks.

    Raises:
        PikvmError: the last look failed.
    """
    start = clock()
    since: float | None = None
    while True:
        last: Any = None
        failure: PikvmError | None = None
        try:
            last = poll()
        except UntrustedCertificateError:
            raise
        except PASSING as exc:
            failure = exc
        now = clock()
        if failure or not predicate(last):
            since = None
        elif since is None:
            since = now
        if since is not None and now - since >= stable_for:
            return Waited(True, last, now - start)
        if now - start >= timeout and since is None:
            if failure:
                raise failure
            return Waited(False, last, now - start)
        sleep(max(0.01, min(pause, start + timeout - now) if since is None else min(pause, since + stable_for - now)))
