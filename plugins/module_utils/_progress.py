# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a transfer has come, in a line every few seconds."""

from __future__ import annotations

import time
from typing import Callable

from ._words import duration, size

EVERY = 5.0
"""Seconds between two lines, and before the first one."""


def line(name: str, done: int, total: int, rate: float) -> str:
    """Such as a.iso: 1.2 GiB of 3.9 GiB (31 %), 48.1 MiB/s, 57 s left.

    Args:
        total: bytes, or 0 where nobody knows.
        rate: bytes per second; with 0 nobody knows what is left.
    """
    words = f"{name}: {size(done)}"
    if total:
        words += f" of {size(total)} ({100 * done // total} %)"
    words += f", {size(rate)}/s"
    if total and rate:
        seconds = (total - done) / rate
        words += f", {f'{seconds:.0f} s' if seconds < 59.5 else duration(seconds)} left"
    return words


class Progress:
    """Says now and then how far one transfer has come. The rate is that since the line before.

    Args:
        name: of the image.
        say: takes a line.
    """

    def __init__(self, name: str, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._say = say
        self._clock = clock
        self._since = clock()
        self._done = 0

    def __call__(self, done: int, total: int) -> None:
        """So many bytes are done; says nothing where the last line is not old enough."""
        now = self._clock()
        if now - self._since < EVERY:
            return
        rate = max(0, done - self._done) / (now - self._since)  # a transfer that began anew is none that runs back
        self._since, self._done = now, done
        self._say(line(self._name, done, total, rate))
