# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PiKVM on a port: `Core` for a running event loop, `Simulator` for everything else."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from aiohttp import web

from . import routes_core, routes_hid, routes_msd, routes_streamer, routes_switch, routes_ws
from .certificate import Certificate, certificate
from .control import ROOT, Control
from .device import FACTORY_PASSWORD, MIB, Device, Settings
from .faults import Faults
from .front import Front, Record
from .hub import Hub
from .machine import ScriptedMachine
from .routes import Kvmd
from .wiring import Machine

Result = TypeVar("Result")

ROUTES = [*routes_core.ROUTES, *routes_hid.ROUTES, *routes_msd.ROUTES, *routes_streamer.ROUTES, *routes_switch.ROUTES]

KEEP_ALIVE = 10.0
LINGER = 30.0
"""Real seconds nginx keeps an idle connection, and goes on discarding the body of a refused upload."""

READ_BUFFER = 256 * 1024
GOODBYE = 0.5
STOP_PATIENCE = 0.02
"""Real seconds a closing connection waits for the other side, and a stopping simulator for its requests."""
TURN = 0.001
"""Long enough for the event loop to close the sockets of connections that were given up."""

SILENT = logging.getLogger(f"{__name__}.aiohttp")
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


class Core:
    """One device and its HTTPS server inside the running event loop."""

    def __init__(self, settings: Settings, host: str, port: int, kind: str, prefix: str = "") -> None:
        self.certificate: Certificate = certificate(kind)
        self.host = host
        self.port = port
        self.prefix = prefix
        self.device = Device(settings)
        self.hub = Hub(self.device)
        self.faults = Faults(self.device, self.hub)
        self.kvmd = Kvmd(self.device, self.faults, [*ROUTES, *routes_ws.routes(self.hub)])
        self.front = Front(self.device, self.faults, self.kvmd, self.hub, prefix)
        self._control = Control(self.device, self.faults, self.front, self.hub)
        self._http: web.Server | None = None
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where the device is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}{self.prefix}"

    async def start(self) -> None:
        """Listen; `OSError` where the port is taken."""
        self._http = web.Server(
            self._answer,
            keepalive_timeout=KEEP_ALIVE,
            lingering_time=LINGER,
            read_bufsize=READ_BUFFER,
            access_log=None,
            logger=SILENT,
        )
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            self._http,
            self.host,
            self.port,
            ssl=self.certificate.context,
            ssl_shutdown_timeout=GOODBYE,
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and forget every image."""
        if self._listener is not None and self._http is not None:
            self._listener.close()
            transports = [connection.transport for connection in self._http.connections]
            self._http.pre_shutdown()
            for transport in transports:
                if transport is not None:
                    transport.abort()
            await self._http.shutdown(STOP_PATIENCE)
            await asyncio.sleep(TURN)
        await self.device.stop()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == ROOT or request.path.startswith(f"{ROOT}/"):
            return await self._control.answer(request)
        return await self.front.answer(request)


class Simulator:
    """A PiKVM in a thread of its own, for the length of a `with` block.

    `speed` makes device time run faster, `fast` shortens a long press to one device second; `machine` holds options of
    the computer (`hardware.Options`), `certificate` is one of san, factory, expired; `discard_data` keeps only size and
    hash of uploads; `streamer` is forever (video always runs) or viewers (only while a WebSocket asks for it); `switch`
    puts a PiKVM Switch with four computers behind the device; `hid` is otg or serial; `virtual` makes the computer a
    QEMU virtual machine, and `machine` holds its options (`virtual.VirtualOptions`); `prefix` is a path in front of
    everything.
    """

    def __init__(
        self,
        kvmd: str = "4.197",
        *,
        fast: bool = True,
        speed: float = 1.0,
        password: str = FACTORY_PASSWORD,
        totp_secret: str | None = None,
        auth: bool = True,
        machine: dict[str, Any] | None = None,
        certificate: str = "san",
        storage_size: int = 512 * MIB,
        discard_data: bool = False,
        streamer: str = "forever",
        switch: bool = False,
        hid: str = "otg",
        virtual: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: str = "",
    ) -> None:
        settings = Settings(
            kvmd=kvmd,
            fast=fast,
            speed=speed,
            password=password,
            totp_secret=totp_secret,
            auth=auth,
            storage_size=storage_size,
            discard_data=discard_data,
            streamer=streamer,
            switch=switch,
            hid=hid,
            machine=dict(machine or {}),
            virtual=virtual,
        )
        self._core = Core(settings, host, port, certificate, prefix)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen from now on; `OSError` where the port is taken."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="pikvm-simulator", daemon=True)
        self._thread.start()
        try:
            self._await(self._core.start())
        except OSError:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._loop is None or self._thread is None:
            return
        self._await(self._wind_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = None

    def call(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Run a function in the simulator's thread: the way to change anything."""

        async def run() -> Result:
            return function(*args, **kwargs)

        return self._await(run())

    async def _wind_up(self) -> None:
        await self._core.stop()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _await(self, work: Coroutine[Any, Any, Result]) -> Result:
        if self._loop is None:
            work.close()
            raise RuntimeError("the simulator is not running")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def fault(self, name: str, **params: Any) -> None:
        """Switch a fault on (see `faults`)."""
        self.call(self.faults.set, name, **params)

    def clear_faults(self, name: str | None = None) -> None:
        """Switch one fault off, or all."""
        self.call(self.faults.clear, name)

    def put_image(self, name: str, data: bytes, complete: bool = True) -> None:
        """Let an image be in the storage."""
        self.call(self.device.storage.put, name, data, complete)

    def clear_requests(self) -> None:
        """Forget what was asked so far."""
        self.call(self._core.front.records.clear)

    @property
    def requests(self) -> list[Record]:
        """Every request so far, in the order of arrival."""
        return list(self._core.front.records)

    @property
    def writes(self) -> list[Record]:
        """The requests that are not GET."""
        return [record for record in self.requests if record.method != "GET"]

    @property
    def crashes(self) -> list[Exception]:
        """Where the simulator itself failed; empty unless it has a bug."""
        return self._core.kvmd.crashes

    @property
    def device(self) -> Device:
        """The PiKVM."""
        return self._core.device

    @property
    def machine(self) -> ScriptedMachine:
        """The computer behind it, a scripted one; with a switch, behind its active port."""
        return _scripted(self._core.device.machine)

    @property
    def machines(self) -> list[ScriptedMachine]:
        """The computers behind the ports of its switch; without one, the only computer."""
        return [_scripted(machine) for machine in self._core.device.machines]

    @property
    def faults(self) -> Faults:
        """What is switched on."""
        return self._core.faults

    @property
    def url(self) -> str:
        """The device's address."""
        return self._core.url

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._core.port

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its certificate, with colons."""
        return self._core.certificate.fingerprint

    @property
    def ca_path(self) -> str:
        """A PEM file that makes its certificate trusted."""
        return str(self._core.certificate.ca_path)


def _scripted(machine: Machine) -> ScriptedMachine:
    """Tests look into it; into a real one nobody can."""
    if not isinstance(machine, ScriptedMachine):
        raise TypeError("a virtual machine shows only what a PiKVM sees of it")
    return machine
