# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PiKVM is wired to: the front panel, the sockets and the screen of a computer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from . import picture
from .clock import Clock
from .hardware import Media


class FrontPanel(Protocol):
    """What an ATX board is wired to."""

    @property
    def power_led(self) -> bool:
        """Whether it is lit."""

    @property
    def hdd_led(self) -> bool:
        """Whether it is lit."""

    def button_down(self, button: str) -> None:
        """Press `power` or `reset`."""

    def button_up(self, button: str) -> None:
        """Let go of it."""


async def press(panel: FrontPanel, button: str, seconds: float, clock: Clock) -> None:
    """Hold a button for so many device seconds, no longer where this process has to wait: timers keep their order."""
    released = asyncio.get_running_loop().create_future()

    def let_go() -> None:
        panel.button_up(button)
        released.set_result(None)

    panel.button_down(button)
    timer = clock.after(seconds, let_go)
    try:
        await asyncio.shield(released)
    finally:
        if not released.done():
            timer.cancel()
            let_go()


class Build(Protocol):
    """What a computer is made of, as far as it concerns others."""

    @property
    def hold_seconds(self) -> float:
        """How long the power button has to be held to switch off hard."""

    def change(self, **changes: Any) -> None:
        """Rebuild it, by the names of its options."""


class Machine(FrontPanel, Protocol):
    """The computer, as the device's organs are wired to it."""

    @property
    def options(self) -> Build:
        """What it is made of."""

    @property
    def powered(self) -> bool:
        """Whether it runs, whatever its LED says."""

    @property
    def signal(self) -> bool:
        """Whether there is a picture on the cable."""

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height of the picture, in pixels."""

    @property
    def ocr_languages(self) -> list[str]:
        """Those in which the screen can be read."""

    @property
    def keyboard_leds(self) -> set[str]:
        """Those that the computer has lit."""

    def key(self, key: str, pressed: bool) -> None:
        """A key goes down or up."""

    def point(self, kind: str, **what: Any) -> None:
        """The mouse does something."""

    def connect(self, media: Callable[[], Media | None]) -> None:
        """Plug in a drive."""

    def media_changed(self) -> None:
        """There is something else in the drive."""

    async def frame(self, quality: int) -> picture.Frame | None:
        """The picture as a JPEG; None where there is none."""

    async def stop(self) -> None:
        """Pull the plug, for good."""

    def describe(self) -> dict[str, Any]:
        """What tests and the control panel may know of it."""


class Unwired:
    """A front panel whose wires end nowhere."""

    power_led = False
    hdd_led = False

    def button_down(self, button: str) -> None:
        """Nobody feels it."""

    def button_up(self, button: str) -> None:
        """Nobody feels it."""
