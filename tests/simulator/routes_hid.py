# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HID and the streamer."""

from __future__ import annotations

from typing import Any

from . import hid, streamer, validators
from .errors import UnavailableError
from .routes import Call, Route

DEFAULT_LIMIT = 1024

OUTPUTS = {
    "keyboard_output": ("Keyboard output", frozenset({"usb", "ps2", "disabled"})),
    "mouse_output": ("Mouse output", frozenset({"usb", "usb_win98", "usb_rel", "ps2", "disabled"})),
}
"""The words kvmd knows; a device takes only some of them and ignores the others in silence."""


async def state(call: Call) -> Any:
    """GET /hid."""
    return call.device.hid.state()


async def keymaps(_call: Call) -> Any:
    """GET /hid/keymaps."""
    return {"keymaps": {"default": hid.DEFAULT_KEYMAP, "available": list(hid.KEYMAPS)}}


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
    call.device.hid.set_params(given.get("mouse_output"), call.arguments.optional_flag("jiggler"))
    return {}


async def set_connected(call: Call) -> Any:
    """POST /hid/set_connected: without effect on OTG."""
    call.arguments.flag("connected")
    return {}


async def reset(call: Call) -> Any:
    """POST /hid/reset."""
    call.device.hid.reset()
    return {}


async def print_text(call: Call) -> Any:
    """POST /hid/print: the body is typed; what is beyond the limit is cut in silence."""
    text = await call.request.text()
    limit = call.arguments.integer("limit", least=0, default=DEFAULT_LIMIT)
    if call.arguments.text("keymap", hid.DEFAULT_KEYMAP) not in hid.KEYMAPS:
        validators.refuse(call.arguments.text("keymap"), "keymap")
    call.device.hid.type_text(text[:limit] if limit else text)
    return {}


def _key(name: str | None) -> str:
    if name is None or name.strip() not in hid.KEYS:
        validators.refuse(name, "Keyboard key")
    return name.strip()


async def send_key(call: Call) -> Any:
    """POST /hid/events/send_key."""
    key = _key(call.arguments.optional("key"))
    pressed = call.arguments.optional_flag("state")
    call.device.hid.key(key, pressed, call.arguments.flag("finish", default=False))
    return {}


async def send_shortcut(call: Call) -> Any:
    """POST /hid/events/send_shortcut."""
    call.device.hid.shortcut([_key(name) for name in call.arguments.text("keys").split(",") if name.strip()])
    return {}


async def send_button(call: Call) -> Any:
    """POST /hid/events/send_mouse_button."""
    button = call.arguments.choice("button", "Mouse button", hid.BUTTONS)
    call.device.hid.mouse("button", button, call.arguments.optional_flag("state"))
    return {}


async def send_move(call: Call) -> Any:
    """POST /hid/events/send_mouse_move: clamped to 16 bits."""
    position = [call.arguments.integer(name, least=-(2**63)) for name in ("to_x", "to_y")]
    call.device.hid.mouse("move", *(max(-32768, min(32767, value)) for value in position))
    return {}


async def send_delta(call: Call) -> Any:
    """POST /hid/events/send_mouse_relative and send_mouse_wheel: clamped to a signed byte."""
    kind = call.path.rpartition("_")[2]
    delta = [call.arguments.integer(name, least=-(2**63)) for name in ("delta_x", "delta_y")]
    call.device.hid.mouse(kind, *(max(-127, min(127, value)) for value in delta))
    return {}


async def streamer_state(call: Call) -> Any:
    """GET /streamer."""
    return call.device.streamer.state()


async def streamer_params(call: Call) -> Any:
    """POST /streamer/set_params."""
    given = {
        name: call.arguments.integer(name, least, most)
        for name, (least, most) in streamer.RANGES.items()
        if call.arguments.text(name)
    }
    call.device.streamer.set_params(given)
    return {}


async def streamer_reset(_call: Call) -> Any:
    """POST /streamer/reset."""
    return {}


async def take_snapshot(_call: Call) -> Any:
    """GET /streamer/snapshot: there is no picture."""
    raise UnavailableError


async def drop_snapshot(_call: Call) -> Any:
    """DELETE /streamer/snapshot."""
    return {}


async def ocr(_call: Call) -> Any:
    """GET /streamer/ocr: not installed."""
    return {"ocr": {"enabled": False, "langs": {"default": [], "available": []}}}


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
    Route("POST", "/hid/events/send_mouse_relative", send_delta),
    Route("POST", "/hid/events/send_mouse_wheel", send_delta),
    Route("GET", "/streamer", streamer_state),
    Route("POST", "/streamer/set_params", streamer_params),
    Route("POST", "/streamer/reset", streamer_reset),
    Route("GET", "/streamer/snapshot", take_snapshot),
    Route("DELETE", "/streamer/snapshot", drop_snapshot),
    Route("GET", "/streamer/ocr", ocr),
]
