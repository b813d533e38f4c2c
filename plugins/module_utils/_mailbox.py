# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes on their way from threads that see them to a coroutine that takes them, however slowly."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from ._changes import Change


class Mailbox:
    """Holds one change for each device and kind. While it waits to be taken, what follows is merged into it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._alone = threading.Lock()
        self._waiting: dict[tuple[str, str], Change] = {}

    def put(self, device: str, change: Change) -> None:
        """From any thread. Never waits."""
        place = (device, change.kind)
        with self._alone:
            first = not self._waiting
            earlier = self._waiting.get(place)
            self._waiting[place] = earlier.followed_by(change) if earlier else change
        if first:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody will take anything any more
                self._loop.call_soon_threadsafe(self._filled.set)

    async def take(self) -> tuple[str, Change]:
        """The device and the change that has waited longest."""
        while True:
            with self._alone:
                for place in self._waiting:
                    return place[0], self._waiting.pop(place)
                self._filled.clear()
            await self._filled.wait()
