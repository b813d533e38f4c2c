# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""PiKVM Switch: several servers behind one PiKVM (kvmd 4.26 and later)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .answer import Params
from .errors import OptionError
from .models import Atx
from .transport import Transport

CLICKS = ("power", "power_long", "reset")


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
class Switch:
    """GET /api/switch. Without a switch attached there are no ports."""

    ports: list[Port]
    edids: dict[str, str]

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Switch:
        edids = _dict(_dict(answer.get("edids")).get("all"))
        return cls(
            ports=[_port(answer, index) for index in range(len(_list(_dict(answer.get("model")).get("ports"))))],
            edids={key: str(_dict(edid).get("name")) for key, edid in edids.items()},
        )

    def as_result(self) -> dict[str, Any]:
        return {"ports": [port.as_result() for port in self.ports], "edids": self.edids}

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
        active=_dict(answer.get("summary")).get("active_port") == index,
        power=_at(leds.get("power"), index),
        hdd=_at(leds.get("hdd"), index),
        busy=_at(atx.get("busy"), index),
        video=_at(_dict(answer.get("video")).get("links"), index),
        usb=_at(_dict(answer.get("usb")).get("links"), index),
        beacon=_at(_dict(answer.get("beacons")).get("ports"), index),
        edid=str(used[index]) if index < len(used) else None,
        dummy=dummy if isinstance(dummy, bool) else None,
        click_delays=dict(_dict(_dict(model.get("atx")).get("click_delays"))),
    )


def _at(values: Any, index: int) -> bool:
    found = _list(values)
    return bool(found[index]) if index < len(found) else False


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
