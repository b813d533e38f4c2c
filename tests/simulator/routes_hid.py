# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HID: keyboard and mouse."""

from __future__ import annotations

from typing import Any

from . import hid, keyboard, validators
from .routes import Call, Route

DEFAULT_LIMIT = 1024
SLOW, LONGEST_DELAY = 0.02, 5.0
"""Seconds before each event of a printed text."""

OUTPUTS = {
    "keyboard_output": ("Keyboard output", frozenset({"usb", "ps2", "disabled"})),
    "mouse_output": ("Mouse output", frozenset({"usb", "usb_win98", "usb_rel", "ps2", "disabled"})),
}
"""The words kvmd knows; a device takes only some of them and ignores the others in silence."""


async def state(call: Call) -> Any:
    """GET /hid."""
    return call.device.hid.state()


async def keymaps(call: Call) -> Any:
    """GET /hid/keymaps."""
    return call.device.hid.keymaps()


async def inactivity(call: Call) -> Any:
    """GET /hid/inactivity."""
    return {"inactivity": call.device.hid.inactivity}


async def set_params(call: Call) -> Any:
    """POST /hid/set_params."""
    given = {
        name: call.arguments.choice(name, what, allowed)
        for name, (what, allowed) in OUTPUTS.items()
        if call.arguments.text(name)
    }
    jiggler = call.arguments.optional_flag("jiggler")
    call.device.hid.set_params(given.get("keyboard_output"), given.get("mouse_output"), jiggler)
    return {}


async def set_connected(call: Call) -> Any:
    """POST /hid/set_connected: without effect on OTG."""
    call.device.hid.set_connected(call.arguments.flag("connected"))
    return {}


async def reset(call: Call) -> Any:
    """POST /hid/reset."""
    call.device.hid.reset()
    return {}


async def print_text(call: Call) -> Any:
    """POST /hid/print: the body is typed; what is beyond the limit is cut in silence."""
    text = await call.request.text()
    limit = call.arguments.integer("limit", least=0, default=DEFAULT_LIMIT)
    keymap = call.arguments.text("keymap") or keyboard.DEFAULT_KEYMAP
    if keymap not in keyboard.KEYMAPS:
        validators.refuse(keymap, "keymap")
    await call.device.hid.type_text(text[:limit] if limit else text, keymap, _print_delay(call))
    return {}


def _print_delay(call: Call) -> float:
    """Seconds before each event; parameters that the version does not know are not looked at."""
    dialect = call.device.dialect
    delay = SLOW if dialect.print_slow and call.arguments.flag("slow", default=False) else 0.0
    if dialect.print_delay:
        delay = max(delay, call.arguments.decimal("delay", least=0, default=0.0, most=LONGEST_DELAY))
    return delay


async def send_key(call: Call) -> Any:
    """POST /hid/events/send_key."""
    key = validators.key(call.arguments.optional("key"))
    pressed = call.arguments.optional_flag("state")
    finish = call.device.dialect.key_finish and call.arguments.flag("finish", default=False)
    call.device.hid.key(key, pressed, finish)
    return {}


async def send_shortcut(call: Call) -> Any:
    """POST /hid/events/send_shortcut."""
    keys = [validators.key(name) for name in call.arguments.text("keys").split(",") if name.strip()]
    await call.device.hid.shortcut(keys)
    return {}


async def send_button(call: Call) -> Any:
    """POST /hid/events/send_mouse_button."""
    button = call.arguments.choice("button", "Mouse button", keyboard.BUTTONS)
    call.device.hid.button(button, call.arguments.optional_flag("state"))
    return {}


async def send_move(call: Call) -> Any:
    """POST /hid/events/send_mouse_move: clamped to 16 bits."""
    to_x, to_y = (call.arguments.integer(name, least=-(2**63)) for name in ("to_x", "to_y"))
    call.device.hid.move(to_x, to_y)
    return {}


async def send_relative(call: Call) -> Any:
    """POST /hid/events/send_mouse_relative: clamped to a signed byte."""
    call.device.hid.delta(hid.RELATIVE, [_delta(call)])
    return {}


async def send_wheel(call: Call) -> Any:
    """POST /hid/events/send_mouse_wheel: clamped likewise."""
    call.device.hid.delta(hid.WHEEL, [_delta(call)])
    return {}


def _delta(call: Call) -> tuple[int, int]:
    delta_x, delta_y = (call.arguments.integer(name, least=-(2**63)) for name in ("delta_x", "delta_y"))
    return delta_x, delta_y


ROUTES = [
    Route("GET", "/hid", state),
    Route("GET", "/hid/keymaps", keymaps),
    Route("GET", "/hid/inactivity", inactivity, exists=lambda dialect: dialect.inactivity),
    Route("POST", "/hid/set_params", set_params),
    Route("POST", "/hid/set_connected", set_connected),
    Route("POST", "/hid/reset", reset),
    Route("POST", "/hid/print", print_text),
    Route("POST", "/hid/events/send_key", send_key),
    Route("POST", "/hid/events/send_shortcut", send_shortcut, exists=lambda dialect: dialect.shortcuts),
    Route("POST", "/hid/events/send_mouse_button", send_button),
    Route("POST", "/hid/events/send_mouse_move", send_move),
    Route("POST", "/hid/events/send_mouse_relative", send_relative),
    Route("POST", "/hid/events/send_mouse_wheel", send_wheel),
]
