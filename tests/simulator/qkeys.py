# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What QEMU calls the keys and the moves of a mouse."""

from __future__ import annotations

import string
from typing import Any

QEMU_KEYS: dict[str, str] = {
    **{f"Key{letter}": letter.lower() for letter in string.ascii_uppercase},
    **{f"Digit{digit}": digit for digit in string.digits},
    **{f"Numpad{digit}": f"kp_{digit}" for digit in string.digits},
    **{f"F{number}": f"f{number}" for number in range(1, 25)},
    **{f"Arrow{way}": way.lower() for way in ("Up", "Down", "Left", "Right")},
    **{name: name.lower() for name in ("Tab", "Minus", "Equal", "Semicolon", "Comma", "Slash", "Backslash", "Pause")},
    **{name: name.lower() for name in ("Home", "End", "Insert", "Delete", "Backspace")},
    "Escape": "esc",
    "Enter": "ret",
    "Space": "spc",
    "BracketLeft": "bracket_left",
    "BracketRight": "bracket_right",
    "Quote": "apostrophe",
    "Backquote": "grave_accent",
    "Period": "dot",
    "CapsLock": "caps_lock",
    "NumLock": "num_lock",
    "ScrollLock": "scroll_lock",
    "PrintScreen": "print",
    "PageUp": "pgup",
    "PageDown": "pgdn",
    "ContextMenu": "menu",
    "Power": "power",
    "ControlLeft": "ctrl",
    "ControlRight": "ctrl_r",
    "ShiftLeft": "shift",
    "ShiftRight": "shift_r",
    "AltLeft": "alt",
    "AltRight": "alt_r",
    "MetaLeft": "meta_l",
    "MetaRight": "meta_r",
    "NumpadDivide": "kp_divide",
    "NumpadMultiply": "kp_multiply",
    "NumpadSubtract": "kp_subtract",
    "NumpadAdd": "kp_add",
    "NumpadEnter": "kp_enter",
    "NumpadDecimal": "kp_decimal",
    "IntlBackslash": "less",
    "IntlYen": "yen",
    "IntlRo": "ro",
    "KanaMode": "katakanahiragana",
    "Convert": "henkan",
    "NonConvert": "muhenkan",
    "AudioVolumeMute": "audiomute",
    "AudioVolumeUp": "volumeup",
    "AudioVolumeDown": "volumedown",
}

CENTRE = 32768
FURTHEST = 32767
"""QEMU counts from the corner to 32767, a PiKVM from the centre to 32768."""

BUTTONS = {"up": "side", "down": "extra"}


def pointed(kind: str, what: dict[str, Any]) -> list[dict[str, Any]]:
    """What the mouse did, as QEMU wants it."""
    if kind == "mouse_button":
        return [_button(BUTTONS.get(what["button"], what["button"]), what["state"])]
    if kind == "mouse_move":
        places = {axis: (what[axis] + CENTRE) * FURTHEST // (2 * CENTRE - 1) for axis in ("x", "y")}
        return [{"type": "abs", "data": {"axis": axis, "value": place}} for axis, place in places.items()]
    if kind == "mouse_wheel":
        turn = "wheel-up" if what["y"] > 0 else "wheel-down"
        return [_button(turn, down) for _step in range(abs(what["y"])) for down in (True, False)]
    return [{"type": "rel", "data": {"axis": axis, "value": what[axis]}} for axis in ("x", "y")]


def _button(name: str, down: bool) -> dict[str, Any]:
    return {"type": "btn", "data": {"button": name, "down": down}}
