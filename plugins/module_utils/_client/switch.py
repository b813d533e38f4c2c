# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""PiKVM Switch: several servers behind one PiKVM (kvmd 4.26 and later)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .answer import Params
from .errors import AnswerError, OptionError
from .models import UNTOLD, Atx, whole
from .transport import Transport

CLICKS = ("power", "power_long", "reset")
ROLES = ("active", "inactive", "beacon", "bootloader", "flashing")
LINKS = ("uplink", "downlink")
DEFAULT_EDID = "default"
"""ID of the display data that every port begins with. Nobody can change or remove them through the API."""


@dataclass(frozen=True)
class Port:
    """A port of the switch. `index` counts from 0 over the whole chain and is what kvmd 4.26 and later understand."""

    index: int
    id: str
    name: str
    active: bool
    power: bool
    hdd: bool
    busy: bool
    video: bool
    usb: bool
    beacon: bool
    edid: str | None
    dummy: bool | None
    click_delays: dict[str, float]

    def as_result(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "id": self.id,
            "name": self.name,
            "active": self.active,
            "leds": {"power": self.power, "hdd": self.hdd},
            "busy": self.busy,
            "links": {"video": self.video, "usb": self.usb},
            "beacon": self.beacon,
            "edid": self.edid,
            "dummy": self.dummy,
            "click_delays": self.click_delays,
        }

    def atx(self) -> Atx:
        """The port's buttons and LEDs, in the shape of a PiKVM's own."""
        return Atx(True, self.busy, self.power, self.hdd, None)


@dataclass(frozen=True)
class Edid:
    """What a display tells of itself. `data` in upper-case hexadecimal digits."""

    id: str
    name: str
    data: str

    def as_result(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Switch:
    """GET /api/switch. Without a switch attached there are no ports.

    Attributes:
        edids: names by ID.
        edid_data: hexadecimal digits by ID.
        units: how many there are in the chain.
        colors: by role, as `RRGGBB:BB:TTTT`: color, brightness, blinking in milliseconds, in hexadecimal digits.
        beacons: for `uplink` and `downlink`, whether the light of each unit blinks.
    """

    ports: list[Port]
    edids: dict[str, str]
    edid_data: dict[str, str] = field(default_factory=dict)
    units: int = 0
    colors: dict[str, str] = field(default_factory=dict)
    beacons: dict[str, list[bool]] = field(default_factory=dict)

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Switch:
        """Raises AnswerError where a switch does not tell what decisions rest on."""
        known = _dict(answer.get("edids")).get("all")
        if _list(_dict(answer.get("model")).get("ports")) and not isinstance(known, dict):
            raise AnswerError(UNTOLD.format("switch.edids"))
        edids = _dict(known)
        return cls(
            ports=[_port(answer, index) for index in range(len(_list(_dict(answer.get("model")).get("ports"))))],
            edids={key: str(_dict(edid).get("name")) for key, edid in edids.items()},
            edid_data={key: str(_dict(edid).get("data") or "").upper() for key, edid in edids.items()},
            units=len(_list(_dict(answer.get("model")).get("units"))),
            colors={role: _color(_dict(color)) for role, color in _dict(answer.get("colors")).items()},
            beacons={
                link: [on is True for on in _list(_dict(answer.get("beacons")).get(f"{link}s"))] for link in LINKS
            },
        )

    def as_result(self) -> dict[str, Any]:
        return {"ports": [port.as_result() for port in self.ports], "edids": self.edids, **self.chain()}

    def chain(self) -> dict[str, Any]:
        """What belongs to the switch as a whole."""
        return {"units": self.units, "colors": self.colors, "beacons": self.beacons}

    def edid(self, key: str) -> Edid:
        return Edid(key, self.edids[key], self.edid_data[key])

    def find(self, port: str) -> Port:
        """The port that a user names.

        Args:
            port: an index from 0, or `unit.channel`, both from 1, as in 2.1. The device itself would clamp what is
                out of range, and take 1.0 for the second port.

        Raises:
            OptionError: there is no such port.
        """
        if not self.ports:
            raise OptionError("port", "this PiKVM has no PiKVM Switch attached")
        for found in self.ports:
            if port in (str(found.index), _unit_channel(found.index)):
                return found
        known = ", ".join(f"{found.index} ({_unit_channel(found.index)})" for found in self.ports)
        if not re.fullmatch(r"\d+(\.\d+)?", port):
            raise OptionError("port", f"{port!r} is neither an index nor unit.channel; there are: {known}")
        raise OptionError("port", f"the PiKVM Switch has no port {port}; there are: {known}")


class SwitchApi:
    """The calls of the switch. It answers 200 also to what it does not do: read everything back."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def state(self) -> Switch:
        """GET /api/switch. Raises NotOfferedError below kvmd 4.26."""
        return Switch.parse(self._transport.get("/api/switch"))

    def set_active(self, index: int) -> None:
        """POST /api/switch/set_active."""
        self._transport.post("/api/switch/set_active", {"port": index})

    def set_beacon(self, index: int, state: bool) -> None:
        """POST /api/switch/set_beacon."""
        self._transport.post("/api/switch/set_beacon", {"port": index, "state": state})

    def set_port_params(
        self,
        index: int,
        name: str | None = None,
        edid: str | None = None,
        dummy: bool | None = None,
        click_delays: Mapping[str, float | None] | None = None,
    ) -> None:
        """POST /api/switch/set_port_params. Delays in seconds, 0 to 10; 0 is the default.

        Raises:
            DeviceError: there is no such EDID.
        """
        delays = {f"atx_click_{click}_delay": (click_delays or {}).get(click) for click in CLICKS}
        params: Params = {"port": index, "name": name, "edid_id": edid, "dummy": dummy, **delays}
        self._transport.post("/api/switch/set_port_params", params)

    def set_link_beacon(self, link: str, unit: int, state: bool) -> None:
        """POST /api/switch/set_beacon of the uplink or downlink of a unit, which counts from 0."""
        self._transport.post("/api/switch/set_beacon", {link: unit, "state": state})

    def set_colors(self, colors: Mapping[str, str]) -> None:
        """POST /api/switch/set_colors: `RRGGBB:BB:TTTT` or `default` by role."""
        self._transport.post("/api/switch/set_colors", colors)

    def reset(self, unit: int, bootloader: bool = False) -> None:
        """POST /api/switch/reset: a unit, which counts from 0, begins anew, or waits for firmware in its bootloader."""
        self._transport.post("/api/switch/reset", {"unit": unit, "bootloader": bootloader})

    def create_edid(self, name: str, data: str) -> str:
        """POST /api/switch/edids/create: the new ID. The name may be taken already."""
        return str(self._transport.post("/api/switch/edids/create", {"name": name, "data": data}).get("id") or "")

    def change_edid(self, key: str, name: str | None = None, data: str | None = None) -> None:
        """POST /api/switch/edids/change. Raises DeviceError where there is no such ID, or it is the default one."""
        self._transport.post("/api/switch/edids/change", {"id": key, "name": name, "data": data})

    def remove_edid(self, key: str) -> None:
        """POST /api/switch/edids/remove: ports that show it go back to the default one. Raises as `change_edid`."""
        self._transport.post("/api/switch/edids/remove", {"id": key})

    def atx_power(self, index: int, action: str) -> None:
        """POST /api/switch/atx/power. Dropped in silence where the port is busy or the LED does not call for it."""
        self._transport.post("/api/switch/atx/power", {"port": index, "action": action})

    def atx_click(self, index: int, button: str) -> None:
        """POST /api/switch/atx/click. Dropped in silence where the port is busy."""
        self._transport.post("/api/switch/atx/click", {"port": index, "button": button})


def _unit_channel(index: int) -> str:
    """The name of a port of a chain of units with 4 ports each."""
    return f"{index // 4 + 1}.{index % 4 + 1}"


def _port(answer: Mapping[str, Any], index: int) -> Port:
    model = _dict(_list(_dict(answer.get("model")).get("ports"))[index])
    atx = _dict(answer.get("atx"))
    leds = _dict(atx.get("leds"))
    used = _list(_dict(answer.get("edids")).get("used"))
    dummy = _dict(model.get("video")).get("dummy")
    return Port(
        index=index,
        id=str(model.get("id") or index + 1),
        name=str(model.get("name") or ""),
        active=_active(answer) == index,
        power=_required_at(leds.get("power"), index, "atx.leds.power"),
        hdd=_required_at(leds.get("hdd"), index, "atx.leds.hdd"),
        busy=_required_at(atx.get("busy"), index, "atx.busy"),
        video=_at(_dict(answer.get("video")).get("links"), index),
        usb=_at(_dict(answer.get("usb")).get("links"), index),
        beacon=_required_at(_dict(answer.get("beacons")).get("ports"), index, "beacons.ports"),
        edid=str(used[index]) if index < len(used) else None,
        dummy=dummy if isinstance(dummy, bool) else None,
        click_delays=dict(_dict(_dict(model.get("atx")).get("click_delays"))),
    )


def _color(answer: Mapping[str, Any]) -> str:
    red, green, blue, brightness, blink = (
        _int(answer.get(part)) for part in ("red", "green", "blue", "brightness", "blink_ms")
    )
    return f"{red:02X}{green:02X}{blue:02X}:{brightness:02X}:{blink:04X}"


def _active(answer: Mapping[str, Any]) -> int:
    """The index of the active port, -1 while there is none."""
    port = whole(_dict(answer.get("summary")).get("active_port"))
    if port is None:
        raise AnswerError(UNTOLD.format("switch.summary.active_port"))
    return port


def _at(values: Any, index: int) -> bool:
    found = _list(values)
    return found[index] is True if index < len(found) else False


def _required_at(values: Any, index: int, place: str) -> bool:
    """As `_at`, of values on which decisions rest."""
    found = _list(values)
    if index >= len(found) or not isinstance(found[index], bool):
        raise AnswerError(UNTOLD.format(f"switch.{place}"))
    return found[index] is True


def _int(value: Any) -> int:
    return max(0, whole(value) or 0)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
