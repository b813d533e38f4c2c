# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HID organ: what is typed and pointed at the computer, kept as a list of events."""

from __future__ import annotations

from typing import Any

from .clock import Clock
from .dialect import Dialect
from .machine import Machine

_LETTERS = [f"Key{chr(code)}" for code in range(ord("A"), ord("Z") + 1)]
_NUMBERED = [f"{kind}{n}" for kind in ("Digit", "Numpad") for n in range(10)] + [f"F{n}" for n in range(1, 25)]
_SIDES = [f"{kind}{side}" for kind in ("Control", "Shift", "Alt", "Meta") for side in ("Left", "Right")]
_NAMED = """
    Enter Escape Backspace Tab Space Minus Equal BracketLeft BracketRight Backslash Semicolon Quote Backquote Comma
    Period Slash CapsLock PrintScreen ScrollLock Pause NumLock Insert Delete Home End PageUp PageDown ArrowRight
    ArrowLeft ArrowDown ArrowUp ContextMenu Power NumpadDivide NumpadMultiply NumpadSubtract NumpadAdd NumpadEnter
    NumpadDecimal IntlBackslash IntlYen IntlRo KanaMode Convert NonConvert AudioVolumeMute AudioVolumeUp
    AudioVolumeDown
""".split()  # noqa: SIM905 - a table reads better than fifty lines

KEYS = frozenset(_LETTERS + _NUMBERED + _SIDES + _NAMED)
STICKY = frozenset([*_SIDES, "PrintScreen"])
"""Keys that stay pressed when `send_key` comes without a state."""

BUTTONS = ("left", "right", "middle", "up", "down")
KEYMAPS = ("ar", "de", "en-gb", "en-us", "es", "fr", "it", "ru")
DEFAULT_KEYMAP = "en-us"
MOUSE_OUTPUTS = ("usb", "usb_rel")


class Hid:
    """Keyboard and mouse of an OTG device; every call succeeds whether or not a computer listens."""

    def __init__(self, clock: Clock, dialect: Dialect, machine: Machine) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.pressed: set[str] = set()
        self.mouse_output = "usb"
        self.jiggler = False
        self._clock = clock
        self._dialect = dialect
        self._machine = machine
        self._last_event = clock.now()

    def state(self) -> dict[str, Any]:
        """The answer to GET /api/hid."""
        listening = self._machine.powered
        state: dict[str, Any] = {
            "online": True,
            "busy": False,
            "connected": None,
            "keyboard": {
                "online": listening,
                "leds": {"caps": False, "scroll": False, "num": listening},
                "outputs": {"available": [], "active": ""},
            },
            "mouse": {
                "online": listening,
                "absolute": self.mouse_output == "usb",
                "outputs": {"available": list(MOUSE_OUTPUTS), "active": self.mouse_output},
            },
            "jiggler": {"enabled": True, "active": self.jiggler, "interval": 60},
        }
        if self._dialect.hid_enabled:
            state["enabled"] = True
        return state

    @property
    def inactivity(self) -> int:
        """Seconds since the last event."""
        return int(self._clock.now() - self._last_event)

    def set_params(self, mouse_output: str | None, jiggler: bool | None) -> None:
        """Set what is given; outputs the device lacks are ignored in silence."""
        if mouse_output in MOUSE_OUTPUTS:
            self.mouse_output = mouse_output
        if jiggler is not None:
            self.jiggler = jiggler

    def reset(self) -> None:
        """Release all that is pressed."""
        self.pressed.clear()
        self._note("reset")

    def type_text(self, text: str) -> None:
        """Type a text."""
        self._note("print", text)

    def key(self, key: str, state: bool | None, finish: bool) -> None:
        """Press, release, or (without a state) do both, which leaves modifiers pressed."""
        releases = key not in STICKY and (state is None or finish)
        if state is not False:
            self.pressed.add(key)
            self._note("key", key, True)
        if state is False or releases:
            self.pressed.discard(key)
            self._note("key", key, False)

    def shortcut(self, keys: list[str]) -> None:
        """Press in order, release in reverse."""
        for key in keys:
            self.key(key, True, False)
        for key in reversed(keys):
            self.key(key, False, False)

    def mouse(self, *event: Any) -> None:
        """A button, a move or a turn of the wheel."""
        self._note("mouse", *event)

    def _note(self, *event: Any) -> None:
        self._last_event = self._clock.now()
        self.events.append(event)
