# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PiKVM Switch as a whole: its colors, and the beacons and the reset of its units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ._client.api import Pikvm
from ._client.errors import OptionError, StateError
from ._client.switch import Switch
from ._plan import Plan, Step

DEFAULT = "default"
DEFAULTS = {
    "active": ("00FF00:80:0000",),
    "inactive": ("FF0000:40:0000",),
    "beacon": ("E42C9C:FF:00FA",),
    "bootloader": ("FFAA00:40:0000", "FFAA00:80:0000"),
    "flashing": ("00AAFF:40:0000", "00AAFF:80:0000"),
}
"""What kvmd takes for `default`, by role. It does not tell, and its versions differ."""

SHOWN_WITHIN = 10.0


@dataclass(frozen=True)
class ChainWish:
    """The wish of a task; None leaves as it is.

    Attributes:
        colors: `RRGGBB:BB:TTTT` or `default` by role.
        beacon: {unit, link, state}. Units count from 1.
    """

    colors: dict[str, str | None] | None
    beacon: dict[str, Any] | None
    wait_timeout: float


def require_attached(switch: Switch) -> Switch:
    """Raise StateError where there is nothing to set up: the device would answer 200 all the same."""
    if not switch.units:
        raise StateError("This PiKVM has no PiKVM Switch attached")
    return switch


def parse_colors(colors: dict[str, str | None] | None) -> dict[str, str | None] | None:
    """Colors as kvmd writes them. Raises OptionError for what is none."""
    return colors and {role: _parse_color(role, text) for role, text in colors.items()}


def plan_chain(client: Pikvm, switch: Switch, wish: ChainWish) -> Plan[Switch]:
    """Set colors and beacon where they differ. Raises OptionError where there is no such unit."""
    before = require_attached(switch).chain()
    after = dict(before)
    steps: list[Step[Switch]] = []
    colors = {
        role: color
        for role, color in (wish.colors or {}).items()
        if color is not None and switch.colors.get(role) not in _meant(role, color)
    }
    if colors:
        steps.append(_set_colors(client, switch, colors, wish))
        known = {role: DEFAULTS[role][0] if color == DEFAULT else color for role, color in colors.items()}
        after["colors"] = {**switch.colors, **known}
    if wish.beacon is not None:
        link, state = wish.beacon["link"], wish.beacon["state"]
        unit = find_unit(switch, wish.beacon["unit"], "beacon.unit")
        if switch.beacons[link][unit] != state:
            steps.append(_set_beacon(client, link, unit, state, wish))
            lights = [state if index == unit else lit for index, lit in enumerate(switch.beacons[link])]
            after["beacons"] = {**switch.beacons, link: lights}
    return Plan({"switch": before}, {"switch": after}, tuple(steps))


def plan_unit_reset(client: Pikvm, switch: Switch, unit: int, bootloader: bool, timeout: float) -> Plan[Switch]:
    """Let a unit begin anew, and see that it is there afterwards; one in its bootloader is gone for the time being.

    Raises:
        OptionError: there is no such unit.
    """
    index = find_unit(require_attached(switch), unit, "unit")
    step: Step[Switch] = Step(
        name="reset",
        words=f"Resetting unit {unit}",
        send=lambda: client.switch.reset(index, bootloader),
        done=None if bootloader else lambda found: found.units >= switch.units,
        timeout=timeout,
        missed=lambda found: f"the PiKVM Switch has {found.units} of {switch.units} units",
        telling=False,
    )
    return Plan({"switch": switch.chain()}, {"switch": switch.chain()}, (step,))


def find_unit(switch: Switch, unit: int, option: str) -> int:
    """The index of a unit that counts from 1. Raises OptionError where there is none."""
    if not 1 <= unit <= switch.units:
        units = "there is only unit 1" if switch.units == 1 else f"its units are 1 to {switch.units}"
        raise OptionError(option, f"the PiKVM Switch has no unit {unit}; {units}")
    return unit - 1


def _parse_color(role: str, text: str | None) -> str | None:
    if text is None or text == DEFAULT:
        return text
    if not re.fullmatch("[0-9A-Fa-f]{6}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{4}", text):
        raise OptionError(
            f"colors.{role}",
            f"{text!r} is not RRGGBB:BB:TTTT (color, brightness, blinking, in hexadecimal digits), nor default",
        )
    return text.upper()


def _meant(role: str, color: str) -> tuple[str, ...]:
    """How a color may be shown."""
    return DEFAULTS[role] if color == DEFAULT else (color,)


def _set_colors(client: Pikvm, before: Switch, colors: dict[str, str], wish: ChainWish) -> Step[Switch]:
    def shown(switch: Switch, role: str) -> bool:
        found = switch.colors.get(role)
        unknown_default = colors[role] == DEFAULT and found != before.colors.get(role)
        return unknown_default or found in _meant(role, colors[role])

    def told(switch: Switch) -> dict[str, str | None]:
        return {role: switch.colors.get(role) for role in colors}

    return Step(
        name="set_colors",
        words=f"Setting the color of {', '.join(colors)}",
        send=lambda: client.switch.set_colors(colors),
        done=lambda switch: all(shown(switch, role) for role in colors),
        timeout=min(wish.wait_timeout, SHOWN_WITHIN),
        missed=lambda switch: f"the PiKVM shows {told(switch)}",
        repeatable=True,
    )


def _set_beacon(client: Pikvm, link: str, unit: int, state: bool, wish: ChainWish) -> Step[Switch]:
    return Step(
        name="set_beacon",
        words=f"Setting the beacon at the {link} of unit {unit + 1}",
        send=lambda: client.switch.set_link_beacon(link, unit, state),
        done=lambda switch: switch.beacons[link][unit : unit + 1] == [state],
        timeout=min(wish.wait_timeout, SHOWN_WITHIN),
        missed=lambda switch: f"the PiKVM shows {switch.beacons[link]}",
        repeatable=True,
    )
