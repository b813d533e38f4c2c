# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys by the names browsers use: their evdev codes, and which of them make which characters."""

from __future__ import annotations

import functools
from dataclasses import dataclass

_NUMBERED = """
    Escape Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal Backspace Tab KeyQ KeyW
    KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Enter ControlLeft KeyA KeyS KeyD KeyF KeyG KeyH
    KeyJ KeyK KeyL Semicolon Quote Backquote ShiftLeft Backslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash
    ShiftRight NumpadMultiply AltLeft Space CapsLock F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NumLock ScrollLock Numpad7 Numpad8
    Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd Numpad1 Numpad2 Numpad3 Numpad0 NumpadDecimal
""".split()  # noqa: SIM905 - a table reads better than eighty lines

KEY_CODES: dict[int, str] = {
    **dict(enumerate(_NUMBERED, start=1)),
    86: "IntlBackslash",
    87: "F11",
    88: "F12",
    89: "IntlRo",
    92: "Convert",
    93: "KanaMode",
    94: "NonConvert",
    96: "NumpadEnter",
    97: "ControlRight",
    98: "NumpadDivide",
    99: "PrintScreen",
    100: "AltRight",
    102: "Home",
    103: "ArrowUp",
    104: "PageUp",
    105: "ArrowLeft",
    106: "ArrowRight",
    107: "End",
    108: "ArrowDown",
    109: "PageDown",
    110: "Insert",
    111: "Delete",
    113: "AudioVolumeMute",
    114: "AudioVolumeDown",
    115: "AudioVolumeUp",
    116: "Power",
    119: "Pause",
    124: "IntlYen",
    125: "MetaLeft",
    126: "MetaRight",
    127: "ContextMenu",
    **{170 + n: f"F{n}" for n in range(13, 25)},
}
"""Every key there is, by its Linux evdev code."""

KEYS = frozenset(KEY_CODES.values())

MODIFIERS = frozenset(f"{kind}{side}" for kind in ("Control", "Shift", "Alt", "Meta") for side in ("Left", "Right"))

BUTTON_CODES = {0x110: "left", 0x111: "right", 0x112: "middle", 0x116: "up", 0x115: "down"}
BUTTONS = tuple(BUTTON_CODES.values())

_ROWS = (
    "Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal",
    "KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight",
    "KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backslash",
    "IntlBackslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash",
)

_LAYOUTS = {
    "en-us": (
        ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'\\", "<zxcvbnm,./"),
        ("~!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"|', ">ZXCVBNM<>?"),
    ),
    "en-gb": (
        ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'#", "\\zxcvbnm,./"),
        ('¬!"£$%^&*()_+', "QWERTYUIOP{}", "ASDFGHJKL:@~", "|ZXCVBNM<>?"),
    ),
    "de": (
        ("\0001234567890ß\0", "qwertzuiopü+", "asdfghjklöä#", "<yxcvbnm,.-"),
        ('°!"§$%&/()=?\0', "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ'", ">YXCVBNM;:_"),
    ),
}
"""Plain and shifted characters of each row; NUL for a dead key."""

_THIRD_LEVEL = {
    "de": {"KeyQ": "@", "KeyE": "€", "Digit7": "{", "Digit8": "[", "Digit9": "]", "Digit0": "}", "Minus": "\\"}
    | {"IntlBackslash": "|", "BracketRight": "~"},
}

_EVERYWHERE = {"Enter": "\n", "Tab": "\t", "Space": " "}
_NUMPAD = {f"Numpad{n}": str(n) for n in range(10)} | {
    "NumpadDivide": "/",
    "NumpadMultiply": "*",
    "NumpadSubtract": "-",
    "NumpadAdd": "+",
    "NumpadDecimal": ".",
    "NumpadEnter": "\n",
}

LOCKS = {"CapsLock": "caps", "NumLock": "num", "ScrollLock": "scroll"}
KEYMAPS = tuple(sorted(_LAYOUTS))
DEFAULT_KEYMAP = "en-us"


@dataclass(frozen=True)
class Layout:
    """Which character a key makes, plain, with Shift, and with the right Alt."""

    plain: dict[str, str]
    shifted: dict[str, str]
    third: dict[str, str]

    @classmethod
    @functools.cache
    def of(cls, name: str) -> Layout:
        """The layout of a keymap."""
        plain: dict[str, str] = {}
        shifted: dict[str, str] = {}
        for level, rows in zip((plain, shifted), _LAYOUTS[name], strict=True):
            for keys, characters in zip(_ROWS, rows, strict=True):
                level.update({k: c for k, c in zip(keys.split(), characters, strict=True) if c != "\0"})
            level.update(_EVERYWHERE)
        return cls(plain, shifted, _THIRD_LEVEL.get(name, {}))

    def character(self, key: str, shift: bool, third: bool, caps: bool) -> str:
        """What a key makes; empty for none."""
        if key in _NUMPAD:
            return _NUMPAD[key]
        if third:
            return self.third.get(key, "")
        plain = self.plain.get(key, "")
        return (self.shifted if shift != (caps and plain.isalpha()) else self.plain).get(key, "")

    def strokes(self, character: str) -> tuple[str, str] | None:
        """The key for a character and the modifier it needs (may be empty); null where there is no way to type it."""
        for level, modifier in ((self.plain, ""), (self.shifted, "ShiftLeft"), (self.third, "AltRight")):
            for key, made in level.items():
                if made == character:
                    return key, modifier
        return None


class Keyboard:
    """A keyboard as the computer that it is plugged into sees it."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._locks = {"num"}

    @property
    def leds(self) -> set[str]:
        """Which of caps, num and scroll are on."""
        return set(self._locks)

    def reset(self) -> None:
        """The computer starts anew; fingers stay where they are."""
        self._locks = {"num"}

    def key(self, key: str, pressed: bool) -> None:
        """A key goes down or up."""
        (self._held.add if pressed else self._held.discard)(key)
        if pressed and key in LOCKS:
            self._locks ^= {LOCKS[key]}

    def holds(self, modifier: str) -> bool:
        """Whether one of a modifier's two keys is down."""
        return not self._held.isdisjoint({f"{modifier}Left", f"{modifier}Right"})

    def character(self, key: str, layout: str) -> str:
        """What the key makes now; empty for none."""
        if self.holds("Control") or self.holds("Meta") or "AltLeft" in self._held:
            return ""
        third = "AltRight" in self._held
        return Layout.of(layout).character(key, self.holds("Shift"), third, "caps" in self._locks)
