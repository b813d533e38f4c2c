# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One PiKVM as a state machine: its organs, its clock and the computer behind it. No HTTP."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

from .atx import Atx
from .clock import Background, Clock
from .dialect import Dialect
from .gpio import Gpio
from .hardware import Media, Options
from .hid import KINDS as HIDS
from .hid import Hid
from .info import Info
from .log import Log
from .machine import ScriptedMachine
from .metrics import Metrics
from .msd import Msd
from .sessions import Sessions
from .storage import Storage
from .streamer import Streamer
from .switch import PORTS, Switch
from .wiring import Machine, Unwired

LONG_PRESS, HOLD = 5.5, 4.0
FAST_LONG_PRESS, FAST_HOLD = 1.0, 0.7
"""Seconds of a long press, and after how many of them the computer goes off."""

MIB = 1024 * 1024
STREAMERS = ("forever", "viewers")
"""When the video process runs: always, as on the recorded daemons, or only while somebody watches, as on most."""

FACTORY_PASSWORD = "admin"


@dataclass(frozen=True)
class Settings:
    """What a device is built from; sizes in bytes, times in device seconds."""

    kvmd: str = "4.197"
    fast: bool = False
    speed: float = 1.0
    password: str = FACTORY_PASSWORD
    totp_secret: str | None = None
    auth: bool = True
    storage_size: int = 512 * MIB
    discard_data: bool = False
    streamer: str = "forever"
    switch: bool = False
    hid: str = "otg"
    machine: dict[str, Any] = field(default_factory=dict)
    virtual: bool = False
    """Whether the computer is a QEMU virtual machine; `machine` holds its options then."""


class Device:
    """The organs of one PiKVM."""

    def __init__(self, settings: Settings) -> None:
        self.dialect = Dialect.of(settings.kvmd)
        if settings.switch and not self.dialect.switch:
            raise ValueError(f"kvmd {settings.kvmd} knows no switch")
        self.clock = Clock(settings.speed)
        self.background = Background()
        self.log = Log(self.clock)
        long_press, hold = (FAST_LONG_PRESS, FAST_HOLD) if settings.fast else (LONG_PRESS, HOLD)
        options = {"hold_seconds": hold, **settings.machine}
        self.machines = self._virtual(settings, options) if settings.virtual else self._scripted(settings, options)
        """The computer, or with a switch one behind each port."""
        self.switch = Switch(
            self.clock,
            self.background,
            self.dialect,
            self.log,
            self.machines if settings.switch else [],
            long_press,
        )
        panel = Unwired() if settings.switch else self.machines[0]
        self.atx = Atx(self.clock, self.background, panel, self.dialect, self.log, long_press)
        self.storage = Storage(self.clock, self.dialect, settings.storage_size, settings.discard_data)
        self.msd = Msd(self.clock, self.dialect, self.storage, self.log)
        for machine in self.machines:
            machine.connect(functools.partial(self._media_of, machine))
        self.msd.media_changed = self._media_changed
        self.switch.switched = self._media_changed
        self.gpio = Gpio(self.clock, self.background, self.log)
        if settings.streamer not in STREAMERS:
            raise ValueError(f"streamer must be one of {', '.join(STREAMERS)}, not {settings.streamer!r}")
        if settings.hid not in HIDS:
            raise ValueError(f"hid must be one of {', '.join(HIDS)}, not {settings.hid!r}")
        self.hid = Hid(self.clock, self.background, self.dialect, lambda: self.machine, settings.hid)
        self.switch.switching = self.hid.release_all
        self.streamer = Streamer(self.clock, self.dialect, lambda: self.machine, settings.streamer == "forever")
        self.info = Info(self.clock, self.dialect, settings.auth)
        self.metrics = Metrics(self.clock, self.atx, self.gpio, self.info)
        users = {"admin": settings.password}
        self.sessions = Sessions(self.clock, self.dialect, users, settings.totp_secret, settings.auth)

    def _scripted(self, settings: Settings, options: dict[str, Any]) -> list[Machine]:
        count = PORTS if settings.switch else 1
        return [ScriptedMachine(self.clock, self.background, Options(**options)) for _port in range(count)]

    def _virtual(self, settings: Settings, options: dict[str, Any]) -> list[Machine]:
        """Imported here: without it, neither QEMU nor the library that talks to it has to be there."""
        from .virtual import VirtualMachine, VirtualOptions  # noqa: PLC0415

        if settings.switch or settings.discard_data or settings.speed != 1:
            raise ValueError("a virtual machine needs the bytes of its images, real time, and a PiKVM of its own")
        return [VirtualMachine(self.clock, self.background, VirtualOptions(**options))]

    @property
    def machine(self) -> Machine:
        """The computer that keyboard, drive and screen are those of now."""
        return self.machines[max(0, self.switch.active)]

    def restart(self) -> None:
        """kvmd starts anew: what lived in its memory is gone."""
        self.log.write("kvmd", "Started")
        self.sessions.forget()
        self.msd.restart()
        self.gpio.restart()
        self.hid.release_all()
        self.streamer.restart()

    def _media_of(self, machine: Machine) -> Media | None:
        """The drive is plugged into one computer only."""
        return self.msd.media() if machine is self.machine else None

    def _media_changed(self) -> None:
        for machine in self.machines:
            machine.media_changed()

    async def stop(self) -> None:
        """Switch the computers off, end all background work and forget every image."""
        for machine in self.machines:
            await machine.stop()
        await self.background.stop()
        self.storage.close()
