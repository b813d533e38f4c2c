# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the device did, as its journal tells it."""

from __future__ import annotations

import time

from .clock import Clock


class Log:
    """The lines of GET /api/log."""

    def __init__(self, clock: Clock) -> None:
        self.readable = True
        self._clock = clock
        self._entries: list[tuple[float, str, str]] = []

    def write(self, organ: str, message: str) -> None:
        """Add a line with the device's present time."""
        self._entries.append((self._clock.wall(), organ, message))

    def lines(self, seek: float, skip: int = 0) -> list[str]:
        """Lines of the last `seek` seconds (0: all), leaving out the first `skip` of all."""
        start = self._clock.wall() - seek if seek else 0.0
        return [self._format(entry) for entry in self._entries[skip:] if entry[0] >= start]

    def __len__(self) -> int:
        return len(self._entries)

    @staticmethod
    def _format(entry: tuple[float, str, str]) -> str:
        at, organ, message = entry
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        return f"[{stamp} kvmd.service] --- {organ:>10} INFO --- {message}\r\n"
