# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Device time: a clock that can run faster than the wall, and the tasks that live by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any


class Clock:
    """Time as the device sees it; one device second lasts ``1 / speed`` real seconds."""

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError("speed must be above 0")
        self.speed = speed
        self.skew = 0.0
        self._start = time.monotonic()

    def now(self) -> float:
        """Device seconds since the start; never goes back."""
        return (time.monotonic() - self._start) * self.speed

    def wall(self) -> float:
        """The device's date as a Unix time; follows the real one, off by `skew` seconds."""
        return time.time() + self.skew

    async def sleep(self, seconds: float) -> None:
        """Wait for so many device seconds."""
        await asyncio.sleep(seconds / self.speed)

    def after(self, seconds: float, function: Callable[[], None]) -> asyncio.TimerHandle:
        """Call a function when so many device seconds have passed."""
        return asyncio.get_running_loop().call_later(seconds / self.speed, function)


class Background:
    """Work that goes on when the request that began it is answered or gone."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a coroutine and keep it alive until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """Cancel all that still runs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
