# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ATX organ: two buttons and two LEDs of the computer's front panel."""

from __future__ import annotations

import asyncio
from typing import Any

from .clock import Background, Clock
from .dialect import Dialect
from .errors import AtxDisabledError, AtxIsBusyError
from .log import Log
from .wiring import FrontPanel, press

SHORT_PRESS = 0.1
SETTLING = 1.0

CLICKS = {"power": ("power", False), "power_long": ("power", True), "reset": ("reset", False)}
ACTIONS = {"on": "power", "off": "power", "off_hard": "power_long", "reset_hard": "reset"}


class Atx:
    """Presses and LEDs; a press lasts 0.1 or `long_press` seconds and is followed by one second of settling."""

    def __init__(
        self, clock: Clock, background: Background, panel: FrontPanel, dialect: Dialect, log: Log, long_press: float
    ) -> None:
        self.enabled = True
        self._clock = clock
        self._background = background
        self._panel = panel
        self._dialect = dialect
        self._log = log
        self._long_press = long_press
        self._pressing: set[str] = set()
        self._occupied_until = 0.0

    def state(self) -> dict[str, Any]:
        """The answer to GET /api/atx."""
        state: dict[str, Any] = {
            "enabled": self.enabled,
            "busy": self.enabled and bool(self._busy),
            "leds": {
                "power": self.enabled and self._panel.power_led,
                "hdd": self.enabled and self._panel.hdd_led,
            },
        }
        if self._dialect.atx_acts:
            state["acts"] = {line: self.enabled and line in self._busy for line in ("power", "reset")}
        return state

    async def power(self, action: str, wait: bool) -> None:
        """Press what the action needs where the power LED calls for it, else do nothing."""
        self._check_enabled()
        if self._panel.power_led != (action == "on"):
            await self.click(ACTIONS[action], wait)

    async def click(self, button: str, wait: bool) -> None:
        """Press a button whatever the LED says; `AtxIsBusyError` while another press lasts."""
        self._check_enabled()
        line, is_long = CLICKS[button]
        if line in self._busy or (self._busy and not self._dialect.atx_acts):
            raise AtxIsBusyError
        self._pressing.add(line)
        self._log.write("atx", f"Clicked ATX button {button!r}")
        pressing = self._background.spawn(self._press(line, self._long_press if is_long else SHORT_PRESS))
        if wait:
            await asyncio.shield(pressing)

    def occupy(self, seconds: float) -> None:
        """Be busy for so many device seconds (0: no longer) without pressing anything."""
        self._occupied_until = self._clock.now() + seconds

    @property
    def _busy(self) -> set[str]:
        return {"power", "reset"} if self._clock.now() < self._occupied_until else self._pressing

    async def _press(self, line: str, seconds: float) -> None:
        try:
            await press(self._panel, line, seconds, self._clock)
            await self._clock.sleep(SETTLING)
        finally:
            self._pressing.discard(line)

    def _check_enabled(self) -> None:
        if not self.enabled:
            raise AtxDisabledError
