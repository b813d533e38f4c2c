# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking into a running simulator and meddling with it over HTTP; only for the machine it runs on.

GET    /_simulator                   machine, drive, storage, keys, faults, number of requests
GET    /_simulator/requests          every request so far
DELETE /_simulator/requests          forget them
DELETE /_simulator/hid               forget the keys and mouse events so far
PUT    /_simulator/faults/NAME       switch a fault on; JSON body: its parameters
DELETE /_simulator/faults[/NAME]     switch one off, or all
PUT    /_simulator/machine           JSON body: machine options, and `press`: power, power_long or reset; with a
                                     switch, `?port=` (0-based) tells which computer; without it, the active one
PUT    /_simulator/images/NAME       put an image into the storage; raw body; `?complete=0` for a broken one
"""

from __future__ import annotations

import ipaddress
from typing import Any

from aiohttp import web

from . import answers, validators
from .atx import SHORT_PRESS
from .device import Device
from .errors import KvmdError
from .faults import Faults
from .front import Front
from .hub import Hub
from .wiring import Machine

ROOT = "/_simulator"

BUTTONS = {"power": ("power", SHORT_PRESS), "power_long": ("power", 0.0), "reset": ("reset", SHORT_PRESS)}
"""Presses by hand: the button, and device seconds; 0 for as long as it takes to force the computer off."""


class Control:
    """The back door."""

    def __init__(self, device: Device, faults: Faults, front: Front, hub: Hub) -> None:
        self._device = device
        self._faults = faults
        self._front = front
        self._hub = hub

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a request below `/_simulator`."""
        if not ipaddress.ip_address(request.remote or "0.0.0.0").is_loopback:
            return answers.plain(403, "only from this machine")
        topic, _slash, name = request.path[len(ROOT) :].strip("/").partition("/")
        try:
            document = await self._act(f"{request.method} {topic}".strip(), name, request)
        except (ValueError, TypeError, KvmdError) as error:
            return answers.raw_json({"error": str(error)}, 400)
        return answers.plain(404, "there is no such control") if document is None else answers.raw_json(document)

    def describe(self) -> dict[str, Any]:
        """All there is to see."""
        return {
            "kvmd": self._device.dialect.version,
            "machine": self._device.machine.describe(),
            "machines": [machine.describe() for machine in self._device.machines],
            "msd": self._device.msd.state(),
            "gpio": self._device.gpio.state()["state"],
            "hid": {
                "events": list(self._device.hid.events),
                "pressed": sorted(self._device.hid.pressed),
                "buttons": sorted(self._device.hid.buttons),
            },
            "switch": self._device.switch.state()["summary"],
            "websockets": self._hub.count,
            "faults": self._faults.describe(),
            "requests": len(self._front.records),
            "writes": sum(record.method != "GET" for record in self._front.records),
        }

    async def _act(self, action: str, name: str, request: web.BaseRequest) -> Any:
        if action == "GET":
            return self.describe()
        if action == "GET requests":
            return [record.describe() for record in self._front.records]
        if action == "DELETE requests":
            self._front.records.clear()
        elif action == "DELETE hid":
            self._device.hid.events.clear()
        elif action == "PUT faults":
            self._faults.set(name, **(await request.json() if request.can_read_body else {}))
        elif action == "DELETE faults":
            self._faults.clear(name or None)
        elif action == "PUT machine":
            await self._change_machine(self._machine(request), dict(await request.json()))
        elif action == "PUT images":
            await self._put_image(name, request)
        else:
            return None
        return self.describe()

    def _machine(self, request: web.BaseRequest) -> Machine:
        port = request.query.get("port")
        if port is None:
            return self._device.machine
        if not port.isdecimal() or int(port) >= len(self._device.machines):
            raise ValueError(f"there is no computer at port {port!r}")
        return self._device.machines[int(port)]

    async def _change_machine(self, machine: Machine, changes: dict[str, Any]) -> None:
        press = changes.pop("press", None)
        if press not in (None, *BUTTONS):
            raise ValueError(f"press must be one of {', '.join(BUTTONS)}, not {press!r}")
        machine.options.change(**changes)
        if press is not None:
            line, held = BUTTONS[press]
            machine.button_down(line)
            await self._device.clock.sleep(held or machine.options.hold_seconds + SHORT_PRESS)
            machine.button_up(line)

    async def _put_image(self, name: str, request: web.BaseRequest) -> None:
        arguments = validators.Arguments(request.query, raw_limit=False)
        data = bytearray()
        while not request.content.at_eof():
            data += await request.content.readany()
        complete = arguments.flag("complete", default=True)
        self._device.storage.put(validators.image_name(name), bytes(data), complete)
