# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HID organ: what is typed and pointed reaches the computer, and is kept as a list of events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from .clock import Background, Clock
from .dialect import Dialect
from .keyboard import DEFAULT_KEYMAP, KEYMAPS, MODIFIERS, Layout
from .wiring import Machine

STICKY = MODIFIERS | {"PrintScreen"}
"""Keys that stay pressed when `send_key` comes without a state, and that no `finish` releases."""

RELATIVE, WHEEL = "relative", "wheel"
MOUSE_OUTPUTS = ("usb", "usb_rel")
KINDS = ("otg", "serial")
"""How the PiKVM is wired to the computer: by its own USB, or over a board that can be told to be a PS/2 keyboard."""

SERIAL_KEYBOARDS = ("usb", "ps2", "disabled")
SERIAL_MICE = ("usb", "usb_rel", "ps2", "disabled")
SHORTCUT_STEP = 0.05
UNTOUCHED = 3600.0
"""Seconds for which nobody had typed when the device was switched on: its kvmd has run for a while."""

FURTHEST, LARGEST_STEP = 32768, 127


class Hid:
    """Keyboard and mouse; every call succeeds whether or not a computer listens."""

    def __init__(
        self,
        clock: Clock,
        background: Background,
        dialect: Dialect,
        target: Callable[[], Machine],
        kind: str = "otg",
    ) -> None:
        self.events: list[dict[str, Any]] = []
        """What was done, in order; `at` is a Unix time of the device."""
        self.pressed: set[str] = set()
        self.buttons: set[str] = set()
        serial = kind == "serial"
        self.connected: bool | None = True if serial else None
        """Null where it means nothing."""
        self.keyboard_outputs = SERIAL_KEYBOARDS if serial else ()
        self.mouse_outputs = SERIAL_MICE if serial else MOUSE_OUTPUTS
        self.keyboard_output = "usb" if serial else ""
        self.mouse_output = "usb"
        self.jiggler = False
        self._clock = clock
        self._background = background
        self._dialect = dialect
        self._target = target
        self._typing = asyncio.Lock()
        self._last_event = clock.now() - UNTOUCHED

    def state(self) -> dict[str, Any]:
        """The answer to GET /api/hid."""
        machine = self._target()
        listening = machine.powered and self.connected is not False
        leds = machine.keyboard_leds if listening else set()
        state: dict[str, Any] = {
            "online": True,
            "busy": False,
            "connected": self.connected,
            "keyboard": {
                "online": listening,
                "leds": {name: name in leds for name in ("caps", "scroll", "num")},
                "outputs": {"available": list(self.keyboard_outputs), "active": self.keyboard_output},
            },
            "mouse": {
                "online": listening,
                "absolute": self.mouse_output == "usb",
                "outputs": {"available": list(self.mouse_outputs), "active": self.mouse_output},
            },
            "jiggler": {"enabled": True, "active": self.jiggler, "interval": 60},
        }
        if self._dialect.hid_enabled:
            state["enabled"] = True
        return state

    @staticmethod
    def keymaps() -> dict[str, Any]:
        """The answer to GET /api/hid/keymaps."""
        return {"keymaps": {"default": DEFAULT_KEYMAP, "available": list(KEYMAPS)}}

    @property
    def inactivity(self) -> int:
        """Seconds since the last event."""
        return int(self._clock.now() - self._last_event)

    def set_params(self, keyboard_output: str | None, mouse_output: str | None, jiggler: bool | None) -> None:
        """Set what is given; outputs the device lacks are ignored in silence."""
        if keyboard_output in self.keyboard_outputs and keyboard_output != self.keyboard_output:
            self.release_all()
            self.keyboard_output = str(keyboard_output)
        if mouse_output in self.mouse_outputs and mouse_output != self.mouse_output:
            self.release_all()
            self.mouse_output = str(mouse_output)
        if jiggler is not None:
            self.jiggler = jiggler

    def set_connected(self, connected: bool) -> None:
        """Plug the board in or out; without effect on OTG."""
        if self.connected is not None:
            self.release_all()
            self.connected = connected

    def reset(self) -> None:
        """Release all that is pressed."""
        self.release_all()
        self._note("reset")

    def release_all(self) -> None:
        """Let go of every key and button."""
        for key in sorted(self.pressed):
            self._press(key, False)
        for button in sorted(self.buttons):
            self.button(button, False)

    def key(self, key: str, state: bool | None, finish: bool) -> None:
        """Press, release, or (without a state) do both, which leaves modifiers pressed."""
        releases = key not in STICKY and (state is None or finish)
        if state is not False:
            self._press(key, True)
        if state is False or releases:
            self._press(key, False)

    async def shortcut(self, keys: list[str]) -> None:
        """Press in order, release in reverse; 0.05 s for each."""
        for pressed, ordered in ((True, keys), (False, keys[::-1])):
            for key in ordered:
                self._press(key, pressed)
                await self._clock.sleep(SHORTCUT_STEP)

    async def type_text(self, text: str, keymap: str, delay: float) -> None:
        """Type what the keymap can make; with a delay (seconds before each event) it is typed before this returns."""
        self._note("print", text=text)
        typing = self._background.spawn(self._type(text, Layout.of(keymap), delay))
        if delay:
            await asyncio.shield(typing)

    def button(self, button: str, state: bool | None) -> None:
        """Press, release, or (without a state) click."""
        for pressed in (True, False):
            if state in (None, pressed):
                (self.buttons.add if pressed else self.buttons.discard)(button)
                self._point("mouse_button", button=button, state=pressed)

    def move(self, to_x: int, to_y: int) -> None:
        """Put the pointer somewhere; without effect in relative mode."""
        if self.mouse_output == "usb":
            x, y = (max(-FURTHEST, min(FURTHEST - 1, value)) for value in (to_x, to_y))
            self._point("mouse_move", x=x, y=y)

    def delta(self, kind: str, deltas: Sequence[tuple[int, int]], squash: bool = False) -> None:
        """Push the pointer (in relative mode) or turn the wheel; squashed steps are added up."""
        if kind == RELATIVE and self.mouse_output == "usb":
            return
        if squash:
            deltas = [(sum(delta[0] for delta in deltas), sum(delta[1] for delta in deltas))]
        for delta in deltas:
            x, y = (max(-LARGEST_STEP, min(LARGEST_STEP, value)) for value in delta)
            self._point(f"mouse_{kind}", x=x, y=y)

    async def _type(self, text: str, layout: Layout, delay: float) -> None:
        async with self._typing:
            for character in text.replace("\r\n", "\n"):
                strokes = layout.strokes(character)
                if strokes is not None:
                    await self._stroke(*strokes, delay)

    async def _stroke(self, key: str, modifier: str, delay: float) -> None:
        if modifier:
            self._press(modifier, True)
        for pressed in (True, False):
            if delay:
                await self._clock.sleep(delay)
            self._press(key, pressed)
        if modifier:
            self._press(modifier, False)

    def _press(self, key: str, pressed: bool) -> None:
        (self.pressed.add if pressed else self.pressed.discard)(key)
        self._note("key", key=key, state=pressed)
        self._target().key(key, pressed)

    def _point(self, kind: str, **what: Any) -> None:
        self._note(kind, **what)
        self._target().point(kind, **what)

    def _note(self, kind: str, **what: Any) -> None:
        self._last_event = self._clock.now()
        self.events.append({"at": self._clock.wall(), "kind": kind, **what})
