# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PiKVM Switch: one port, from any state to the wished one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._client.api import Pikvm
from ._client.errors import OptionError, StateError
from ._client.switch import CLICKS, Port, Switch
from ._plan import Plan, Step

SETTINGS = ("name", "edid", "dummy", "click_delays")
SAME_DELAY = 0.06
"""Seconds by which a delay that was read back may differ: the switch keeps tenths."""


@dataclass(frozen=True)
class PortWish:
    """The wish of a task; None leaves as it is. Delays in seconds."""

    port: str
    active: bool | None
    force: bool
    name: str | None
    edid: str | None
    dummy: bool | None
    power_delay: float | None
    power_long_delay: float | None
    reset_delay: float | None
    beacon: bool | None
    wait_timeout: float

    @property
    def click_delays(self) -> dict[str, float]:
        delays = {"power": self.power_delay, "power_long": self.power_long_delay, "reset": self.reset_delay}
        return {click: delay for click, delay in delays.items() if delay is not None}


def plan_port(client: Pikvm, switch: Switch, wish: PortWish) -> Plan[Switch]:
    """Set what differs, the active port last.

    Raises:
        OptionError: there is no such port or EDID, or a delay is out of range.
        StateError: switching would take a connected drive from one server to another.
    """
    port = switch.find(wish.port)
    changes = _changes(port, switch, wish)
    steps: list[Step[Switch]] = []
    if any(name in changes for name in SETTINGS):
        steps.append(
            _set_params(client, port.index, {name: changes[name] for name in SETTINGS if name in changes}, wish)
        )
    if "beacon" in changes:
        beacon = changes["beacon"]
        steps.append(
            _step(
                "set_beacon", lambda: client.switch.set_beacon(port.index, beacon), port.index, {"beacon": beacon}, wish
            )
        )
    if "active" in changes:
        _require_free_drive(client, wish)
        steps.append(
            _step("set_active", lambda: client.switch.set_active(port.index), port.index, {"active": True}, wish)
        )
    before = port.as_result()
    return Plan({"port": before}, {"port": {**before, **_merged(before, changes)}}, tuple(steps))


def _changes(port: Port, switch: Switch, wish: PortWish) -> dict[str, Any]:
    """What has to differ afterwards."""
    wanted = {
        "name": wish.name,
        "edid": _edid(switch, wish.edid),
        "dummy": wish.dummy,
        "beacon": wish.beacon,
        "active": wish.active,
    }
    now = port.as_result()
    if wish.dummy is not None and port.dummy is None:
        raise OptionError("dummy", "this PiKVM cannot simulate a display; kvmd 4.72 can")
    changes = {name: value for name, value in wanted.items() if value is not None and value != now[name]}
    delays = {
        click: delay
        for click, delay in wish.click_delays.items()
        if abs(port.click_delays.get(click, -1.0) - delay) > SAME_DELAY
    }
    for click, delay in delays.items():
        if not 0 < delay <= 10:
            raise OptionError(f"{click}_delay", f"must be more than 0 and at most 10 seconds, not {delay:g}")
    return {**changes, **({"click_delays": delays} if delays else {})}


def _edid(switch: Switch, wanted: str | None) -> str | None:
    """The ID of display data that a user names by ID or by name."""
    if wanted is None or wanted in switch.edids:
        return wanted
    found = [key for key, name in switch.edids.items() if name == wanted]
    if len(found) != 1:
        known = ", ".join(f"{name} ({key})" for key, name in switch.edids.items()) or "none"
        raise OptionError("edid", f"the PiKVM has {len(found) or 'no'} display data called {wanted!r}; it has: {known}")
    return found[0]


def _require_free_drive(client: Pikvm, wish: PortWish) -> None:
    drive = client.msd().drive
    if drive and drive.connected and not wish.force:
        raise StateError(
            f"The drive is connected with {drive.image_name!r}: switching would take it from one server and give it to "
            f"another. Disconnect it first (community.pikvm.pikvm_msd_drive), or set force"
        )


def _set_params(client: Pikvm, index: int, changes: dict[str, Any], wish: PortWish) -> Step[Switch]:
    return _step("set_port_params", lambda: client.switch.set_port_params(index, **changes), index, changes, wish)


def _step(name: str, send: Any, index: int, changes: dict[str, Any], wish: PortWish) -> Step[Switch]:
    def done(switch: Switch) -> bool:
        port = switch.ports[index] if index < len(switch.ports) else None
        return port is not None and not _differences(port, changes)

    return Step(
        name=name,
        words=f"Setting {', '.join(changes)} of port {wish.port}",
        send=send,
        done=done,
        timeout=min(wish.wait_timeout, 10.0),
        missed=lambda switch: f"the PiKVM shows {switch.ports[index].as_result()}",
        repeatable=True,
    )


def _differences(port: Port, changes: dict[str, Any]) -> list[str]:
    now = port.as_result()
    delays = changes.get("click_delays", {})
    wrong = [
        click
        for click in CLICKS
        if click in delays and abs(port.click_delays.get(click, -1.0) - delays[click]) > SAME_DELAY
    ]
    return wrong + [name for name, value in changes.items() if name != "click_delays" and now[name] != value]


def _merged(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    delays = {**before["click_delays"], **changes.get("click_delays", {})}
    return {**changes, "click_delays": delays}
