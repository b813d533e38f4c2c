# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PiKVM Switch: one unit with four ports, and a computer behind each; or none at all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .atx import ACTIONS, CLICKS
from .clock import Background, Clock
from .dialect import Dialect
from .edid import FACTORY, parse
from .errors import SwitchUnknownEdidError
from .log import Log
from .wiring import Machine, press

PORTS = 4
"""Of one unit."""

UNITS = 5
"""As many can be chained."""

SHORT_CLICK = 0.5
LONGEST_CLICK = 10.0
SYNC_SECONDS = 0.3
FIRMWARE = 9
DEFAULT_EDID = "default"

COLORS = {
    "inactive": (255, 0, 0, 64, 0),
    "active": (0, 255, 0, 128, 0),
    "flashing": (0, 170, 255, 64, 0),
    "beacon": (228, 44, 156, 255, 250),
    "bootloader": (255, 170, 0, 64, 0),
}
COLOR_PARTS = ("red", "green", "blue", "brightness", "blink_ms")


@dataclass
class Port:
    """One port and the computer behind it."""

    machine: Machine
    name: str = ""
    edid: str = DEFAULT_EDID
    dummy: bool = True
    clicks: dict[str, float] = field(default_factory=dict)
    """Seconds of each click, where they are not the default ones."""
    busy: bool = False
    beacon: bool = False


class Switch:
    """Which port is active, what each port is set to, and the ATX lines of each."""

    def __init__(
        self,
        clock: Clock,
        background: Background,
        dialect: Dialect,
        log: Log,
        machines: Sequence[Machine],
        long_click: float,
    ) -> None:
        self.ports = [Port(machine) for machine in machines]
        self.active = 0 if machines else -1
        self.switching: Callable[[], None] = lambda: None
        self.switched: Callable[[], None] = lambda: None
        self.colors = dict(COLORS)
        self.edids: dict[str, tuple[str, str]] = {DEFAULT_EDID: ("Default", FACTORY)}
        """Name and data by id."""
        self._uplinks = [False] * bool(machines)
        self._downlinks = [False] * bool(machines)
        self._defaults = {"power": SHORT_CLICK, "power_long": long_click, "reset": SHORT_CLICK}
        self._clock = clock
        self._background = background
        self._dialect = dialect
        self._log = log
        self._synced_at = 0.0

    def state(self) -> dict[str, Any]:
        """The answer to GET /api/switch."""
        leds = {name: [getattr(port.machine, f"{name}_led") for port in self.ports] for name in ("power", "hdd")}
        links = [port.machine.powered for port in self.ports]
        return {
            "model": self._model(),
            "summary": self._summary(),
            "edids": self._edids(),
            "colors": {role: dict(zip(COLOR_PARTS, color, strict=True)) for role, color in self.colors.items()}
            if self.ports
            else {},
            "video": {"links": links},
            "usb": {"links": links},
            "beacons": {
                "uplinks": list(self._uplinks),
                "downlinks": list(self._downlinks),
                "ports": [port.beacon for port in self.ports],
            },
            "atx": {"busy": [port.busy for port in self.ports], "leds": leds},
        }

    def set_active(self, port: int) -> None:
        """Connect keyboard, drive and screen to another port; one that does not exist is passed over in silence."""
        if not self._exists(port):
            return
        self.switching()
        self.active = port
        self._synced_at = self._clock.now() + SYNC_SECONDS
        self._log.write("switch", f"Set active port to {port}")
        self.switched()

    def step(self, by: int) -> None:
        """To the next port or the one before; not beyond the last."""
        if self.ports:
            self.set_active(self.active + by)

    def set_port_beacon(self, port: int, state: bool) -> None:
        """Let a port's light blink."""
        if self._exists(port):
            self.ports[port].beacon = state

    def set_link_beacon(self, link: str, unit: int, state: bool) -> None:
        """Let the light of a unit's `uplink` or `downlink` blink."""
        lights = self._uplinks if link == "uplink" else self._downlinks
        if unit < len(lights):
            lights[unit] = state

    def set_port_params(
        self, port: int, name: str | None, edid: str | None, dummy: bool | None, clicks: dict[str, float]
    ) -> None:
        """Set what is given; a click of 0 s is one of the default length."""
        if edid is not None and edid not in self.edids:
            raise SwitchUnknownEdidError
        if not self._exists(port):
            return
        target = self.ports[port]
        target.name = target.name if name is None else name
        target.edid = target.edid if edid is None else edid
        target.dummy = target.dummy if dummy is None else dummy
        target.clicks = {key: seconds for key, seconds in {**target.clicks, **clicks}.items() if seconds}

    def power(self, port: int, action: str) -> None:
        """Press what the action needs where the LED calls for it; else nothing happens."""
        if self._exists(port) and self.ports[port].machine.power_led != (action == "on"):
            self.click(port, ACTIONS[action])

    def click(self, port: int, button: str) -> None:
        """Press a button; a port that is busy or not there drops it in silence."""
        if not self._exists(port) or self.ports[port].busy:
            return
        target = self.ports[port]
        target.busy = True
        self._log.write("switch", f"Clicked ATX button {button!r} of port {port}")
        seconds = target.clicks.get(button, self._defaults[button])
        self._background.spawn(self._press(target, CLICKS[button][0], seconds))

    def create_edid(self, name: str, data: str) -> str:
        """Keep an EDID and tell its id."""
        edid = str(uuid.uuid4())
        self.edids[edid] = (name, data.upper())
        return edid

    def change_edid(self, edid: str, name: str | None, data: str | None) -> None:
        """Set what is given."""
        old_name, old_data = self._own_edid(edid)
        self.edids[edid] = (old_name if name is None else name, old_data if data is None else data.upper())

    def remove_edid(self, edid: str) -> None:
        """Forget an EDID; its ports go back to the default one."""
        self._own_edid(edid)
        del self.edids[edid]
        for port in self.ports:
            port.edid = DEFAULT_EDID if port.edid == edid else port.edid

    def _own_edid(self, edid: str) -> tuple[str, str]:
        if edid == DEFAULT_EDID or edid not in self.edids:
            raise SwitchUnknownEdidError
        return self.edids[edid]

    def _exists(self, port: int) -> bool:
        return 0 <= port < len(self.ports)

    async def _press(self, port: Port, line: str, seconds: float) -> None:
        try:
            await press(port.machine, line, seconds, self._clock)
        finally:
            port.busy = False

    def _model(self) -> dict[str, Any]:
        limits = {name: {"default": value, "min": 0, "max": LONGEST_CLICK} for name, value in self._defaults.items()}
        model: dict[str, Any] = {
            "units": [self._unit()] if self.ports else [],
            "ports": [self._port(number, port) for number, port in enumerate(self.ports)],
            "limits": {"atx": {"click_delays": limits}},
        }
        if self._dialect.switch_firmware:
            model["firmware"] = {"version": FIRMWARE}
        return model

    def _unit(self) -> dict[str, Any]:
        if not self._dialect.switch_firmware:
            return {}
        devbuild = {"devbuild": False} if self._dialect.switch_devbuild else {}
        return {"firmware": {"version": FIRMWARE, **devbuild}}

    def _port(self, number: int, port: Port) -> dict[str, Any]:
        delays = {**self._defaults, **port.clicks}
        entry: dict[str, Any] = {
            "unit": number // PORTS,
            "channel": number % PORTS,
            "name": port.name,
            "atx": {"click_delays": delays},
        }
        if self._dialect.switch_ids:
            entry.update(id=str(number + 1), video={"dummy": port.dummy})
        return entry

    def _summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = {"active_port": self.active, "synced": self._clock.now() >= self._synced_at}
        if self._dialect.switch_ids:
            summary["active_id"] = str(self.active + 1) if self.ports else ""
        return summary

    def _edids(self) -> dict[str, Any]:
        if not self.ports:
            return {"all": {}, "used": []}
        entries = {
            edid: {"name": name, "data": data, "parsed": parse(data)} for edid, (name, data) in self.edids.items()
        }
        return {"all": entries, "used": [port.edid for port in self.ports]}
