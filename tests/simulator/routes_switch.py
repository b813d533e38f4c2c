# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PiKVM Switch."""

from __future__ import annotations

import re
from typing import Any

from . import switch, validators
from .atx import ACTIONS, CLICKS
from .dialect import Dialect
from .routes import Call, Route
from .validators import Arguments

COLOR = r"([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2}):([0-9a-fA-F]{2}):([0-9a-fA-F]{4})"
EDID = r"[0-9a-fA-F]{256}([0-9a-fA-F]{256})?"
LONGEST_NAME = 255


def port_number(arguments: Arguments, dialect: Dialect) -> int:
    """A 0-based number, or (4.72+) unit.channel, both from 1 and clamped to what a chain may have."""
    if not dialect.switch_ids:
        return arguments.integer("port", least=0)
    number = arguments.decimal("port", least=0)
    if number == int(number):
        return int(number)
    unit = min(max(int(number), 1), switch.UNITS)
    channel = min(max(round(number * 10) % 10, 1), switch.PORTS)
    return (unit - 1) * switch.PORTS + channel - 1


def _port(call: Call) -> int:
    return port_number(call.arguments, call.device.dialect)


async def state(call: Call) -> Any:
    """GET /switch."""
    return call.device.switch.state()


async def set_active(call: Call) -> Any:
    """POST /switch/set_active."""
    call.device.switch.set_active(_port(call))
    return {}


async def set_active_prev(call: Call) -> Any:
    """POST /switch/set_active_prev."""
    call.device.switch.step(-1)
    return {}


async def set_active_next(call: Call) -> Any:
    """POST /switch/set_active_next."""
    call.device.switch.step(1)
    return {}


async def set_beacon(call: Call) -> Any:
    """POST /switch/set_beacon: of a port, or of a unit's uplink or downlink."""
    lit = call.arguments.flag("state")
    if call.arguments.optional("port") is not None:
        call.device.switch.set_port_beacon(_port(call), lit)
        return {}
    for link in ("uplink", "downlink"):
        if call.arguments.optional(link) is not None:
            call.device.switch.set_link_beacon(link, call.arguments.integer(link, least=0), lit)
            break
    return {}


async def set_port_params(call: Call) -> Any:
    """POST /switch/set_port_params."""
    arguments = call.arguments
    clicks = {
        button: arguments.decimal(f"atx_click_{button}_delay", least=0, most=switch.LONGEST_CLICK)
        for button in CLICKS
        if arguments.optional(f"atx_click_{button}_delay") is not None
    }
    dummy = arguments.optional_flag("dummy") if call.device.dialect.switch_ids else None
    port, edid = _port(call), arguments.optional("edid_id")
    call.device.switch.set_port_params(port, _name(arguments), edid, dummy, clicks)
    return {}


async def set_colors(call: Call) -> Any:
    """POST /switch/set_colors."""
    given = {role: call.arguments.text(role) for role in switch.COLORS if call.arguments.text(role)}
    colors = {role: _color(role, text) for role, text in given.items()}
    call.device.switch.colors.update(colors)
    return {}


async def reset(call: Call) -> Any:
    """POST /switch/reset."""
    unit = call.arguments.integer("unit", least=0)
    mode = "bootloader" if call.arguments.flag("bootloader", default=False) else "firmware"
    call.device.log.write("switch", f"Reset unit {unit} to {mode}")
    return {}


async def create_edid(call: Call) -> Any:
    """POST /switch/edids/create."""
    name = _name(call.arguments)
    if not name:
        validators.refuse(call.arguments.optional("name"), "EDID name")
    return {"id": call.device.switch.create_edid(name, call.arguments.match("data", "EDID data", EDID))}


async def change_edid(call: Call) -> Any:
    """POST /switch/edids/change."""
    data = call.arguments.optional("data")
    if data is not None:
        data = call.arguments.match("data", "EDID data", EDID)
    call.device.switch.change_edid(call.arguments.text("id"), _name(call.arguments), data)
    return {}


async def remove_edid(call: Call) -> Any:
    """POST /switch/edids/remove."""
    call.device.switch.remove_edid(call.arguments.text("id"))
    return {}


async def atx_power(call: Call) -> Any:
    """POST /switch/atx/power: no word of what became of it."""
    action = call.arguments.choice("action", "ATX power action", ACTIONS)
    call.device.switch.power(_port(call), action)
    return {}


async def atx_click(call: Call) -> Any:
    """POST /switch/atx/click: likewise."""
    button = call.arguments.choice("button", "ATX button", CLICKS)
    call.device.switch.click(_port(call), button)
    return {}


def _name(arguments: Arguments) -> str | None:
    name = arguments.optional("name")
    if name is None:
        return None
    return "".join(char if char.isprintable() else "_" for char in name.strip())[:LONGEST_NAME]


def _color(role: str, text: str) -> tuple[int, int, int, int, int]:
    if text == "default":
        return switch.COLORS[role]
    parts = re.fullmatch(COLOR, text)
    if parts is None:
        validators.refuse(text, "switch color")
    red, green, blue, brightness, blink = (int(part, 16) for part in parts.groups())
    return red, green, blue, brightness, blink


def _known(dialect: Dialect) -> bool:
    return dialect.switch


def _steps(dialect: Dialect) -> bool:
    return dialect.switch_ids


ROUTES = [
    Route("GET", "/switch", state, exists=_known),
    Route("POST", "/switch/set_active", set_active, exists=_known),
    Route("POST", "/switch/set_active_prev", set_active_prev, exists=_steps),
    Route("POST", "/switch/set_active_next", set_active_next, exists=_steps),
    Route("POST", "/switch/set_beacon", set_beacon, exists=_known),
    Route("POST", "/switch/set_port_params", set_port_params, exists=_known),
    Route("POST", "/switch/set_colors", set_colors, exists=_known),
    Route("POST", "/switch/reset", reset, exists=_known),
    Route("POST", "/switch/edids/create", create_edid, exists=_known),
    Route("POST", "/switch/edids/change", change_edid, exists=_known),
    Route("POST", "/switch/edids/remove", remove_edid, exists=_known),
    Route("POST", "/switch/atx/power", atx_power, exists=_known),
    Route("POST", "/switch/atx/click", atx_click, exists=_known),
]
