# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One PiKVM as a state machine: its organs, its clock and the computer behind it. No HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .atx import Atx
from .clock import Background, Clock
from .dialect import Dialect
from .gpio import Gpio
from .hardware import Options
from .hid import Hid
from .info import Info
from .log import Log
from .machine import ScriptedMachine
from .msd import Msd
from .sessions import Sessions
from .storage import Storage
from .streamer import Streamer

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
    machine: dict[str, Any] = field(default_factory=dict)


class Device:
    """The organs of one PiKVM."""

    def __init__(self, settings: Settings) -> None:
        self.dialect = Dialect.of(settings.kvmd)
        self.clock = Clock(settings.speed)
        self.background = Background()
        self.log = Log(self.clock)
        options = {"hold_seconds": FAST_HOLD if settings.fast else HOLD, **settings.machine}
        self.machine = ScriptedMachine(self.clock, self.background, Options(**options))
        self.atx = Atx(
            self.clock,
            self.background,
            self.machine,
            self.dialect,
            self.log,
            FAST_LONG_PRESS if settings.fast else LONG_PRESS,
        )
        self.storage = Storage(self.clock, self.dialect, settings.storage_size, settings.discard_data)
        self.msd = Msd(self.clock, self.dialect, self.storage, self.log)
        self.machine.media = self.msd.media
        self.msd.media_changed = self.machine.media_changed
        self.gpio = Gpio(self.clock, self.background, self.log)
        if settings.streamer not in STREAMERS:
            raise ValueError(f"streamer must be one of {', '.join(STREAMERS)}, not {settings.streamer!r}")
        self.hid = Hid(self.clock, self.background, self.dialect, lambda: self.machine)
        self.streamer = Streamer(self.clock, self.dialect, lambda: self.machine, settings.streamer == "forever")
        self.info = Info(self.clock, self.dialect, settings.auth)
        users = {"admin": settings.password}
        self.sessions = Sessions(self.clock, self.dialect, users, settings.totp_secret, settings.auth)

    def restart(self) -> None:
        """kvmd starts anew: what lived in its memory is gone."""
        self.log.write("kvmd", "Started")
        self.sessions.forget()
        self.msd.restart()
        self.gpio.restart()
        self.hid.release_all()
        self.streamer.restart()

    async def stop(self) -> None:
        """End all background work and forget every image."""
        await self.background.stop()
        self.storage.close()
