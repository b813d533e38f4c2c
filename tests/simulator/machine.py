# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The computer behind the PiKVM: a front panel, a disk, an installer and a screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

from .clock import Background, Clock

BLINK_SECONDS = 0.5

CHOICES = {
    "os": ("obeys", "ignores"),
    "installer": ("poweroff", "reboot", "hang", "loop", "panic"),
    "led": ("steady", "blink"),
}

WORKING = ("firmware", "installing", "stopping")
"""States in which the HDD LED is lit."""


class Machine(Protocol):
    """The computer, as the device's organs are wired to it."""

    @property
    def power_led(self) -> bool: ...

    @property
    def hdd_led(self) -> bool: ...

    @property
    def powered(self) -> bool: ...

    @property
    def screen(self) -> list[str]: ...

    def button_down(self, button: str) -> None: ...

    def button_up(self, button: str) -> None: ...


@dataclass(frozen=True)
class Media:
    """The image the USB drive shows to the computer."""

    name: str
    size: int
    complete: bool
    sha256: str

    @property
    def bootable(self) -> bool:
        """Only an image that is all there boots."""
        return self.complete and self.size > 0


@dataclass
class Disk:
    """The computer's own disk."""

    has_os: bool = True
    installed_from: str | None = None
    """SHA-256 of the image the present system was installed from; null for the one it came with."""
    image_name: str | None = None
    installs: int = 0


@dataclass
class Options:
    """How the computer behaves; times in device seconds."""

    os: str = "obeys"
    installer: str = "poweroff"
    led: str = "steady"
    led_wired: bool = True
    disk_os: bool = True
    installer_seconds: float = 3.0
    boot_seconds: float = 1.0
    shutdown_seconds: float = 1.0
    led_on_delay: float = 0.3
    led_off_delay: float = 0.2
    hold_seconds: float = 4.0

    def __post_init__(self) -> None:
        self.check()

    def change(self, **changes: Any) -> None:
        """Set some options; `ValueError` for an unknown name or value, and then nothing is changed."""
        known = {option.name for option in fields(self)} - {"disk_os"}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise ValueError(f"unknown machine options: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        changed = Options(**{**asdict(self), **changes})
        for name in changes:
            setattr(self, name, getattr(changed, name))

    def check(self) -> None:
        """`ValueError` where a value is not one of its choices or not of its type."""
        for option in fields(self):
            value = getattr(self, option.name)
            if option.name in CHOICES and value not in CHOICES[option.name]:
                raise ValueError(f"{option.name} must be one of {', '.join(CHOICES[option.name])}, not {value!r}")
            if option.type == "bool" and not isinstance(value, bool):
                raise ValueError(f"{option.name} must be true or false, not {value!r}")
            if option.type == "float" and (isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0):
                raise ValueError(f"{option.name} must be a number of seconds, not {value!r}")


@dataclass
class ScriptedMachine:
    """A computer whose whole life is a script: firmware, then the image's installer or the disk's system."""

    clock: Clock
    background: Background
    options: Options
    media: Callable[[], Media | None] = lambda: None
    state: str = "off"
    boots: list[dict[str, Any]] = field(default_factory=list)
    presses: list[dict[str, Any]] = field(default_factory=list)
    _life: asyncio.Task[None] | None = None
    _hold: asyncio.TimerHandle | None = None
    _down_at: dict[str, float] = field(default_factory=dict)
    _woken: bool = False
    _led_before: bool = False
    _led_changed: float = 0.0
    _installing_from: Media | None = None

    def __post_init__(self) -> None:
        self.disk = Disk(has_os=self.options.disk_os)

    @property
    def powered(self) -> bool:
        """Whether the computer runs, whatever its LED says."""
        return self.state != "off"

    @property
    def power_led(self) -> bool:
        """The power LED as the ATX board sees it: delayed, blinking, or not wired at all."""
        if not self.options.led_wired:
            return False
        delay = self.options.led_on_delay if self.powered else self.options.led_off_delay
        settled = self.clock.now() - self._led_changed >= delay
        lit = self.powered if settled else self._led_before
        if lit and self.options.led == "blink":
            return int(self.clock.now() / BLINK_SECONDS) % 2 == 0
        return lit

    @property
    def hdd_led(self) -> bool:
        """Lit while the computer starts, installs or shuts down."""
        return self.options.led_wired and self.state in WORKING

    def button_down(self, button: str) -> None:
        """A finger goes down on `power` or `reset`."""
        self._down_at[button] = self.clock.now()
        if button == "reset":
            if self.powered:
                self._start()
            return
        self._woken = not self.powered
        if self._woken:
            self._start()
        self._hold = self.clock.after(self.options.hold_seconds, self._power_off)

    def button_up(self, button: str) -> None:
        """The finger goes up; a short press of `power` asks the running system to shut down."""
        pressed_at = self._down_at.pop(button)
        self.presses.append({"at": self.clock.wall(), "button": button, "seconds": self.clock.now() - pressed_at})
        if button != "power":
            return
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
        if not self._woken and self.powered:
            self._soft_off()

    def media_changed(self) -> None:
        """The USB drive shows something else: an installer that runs from it loses its source."""
        if self.state == "installing" and self.media() != self._installing_from:
            self._stop_life()
            self.state = "failed"

    def describe(self) -> dict[str, Any]:
        """All there is to know, as JSON values."""
        return {
            "state": self.state,
            "powered": self.powered,
            "leds": {"power": self.power_led, "hdd": self.hdd_led},
            "disk": asdict(self.disk),
            "boots": list(self.boots),
            "presses": list(self.presses),
            "options": asdict(self.options),
            "screen": self.screen,
        }

    @property
    def screen(self) -> list[str]:
        """The lines of text a monitor would show now; none where there is no signal."""
        source = self._installing_from.name if self._installing_from else ""
        pages = {
            "off": [],
            "firmware": ["American Firmware 1.0", "Press F11 for the boot menu"],
            "no_boot": ["No bootable device found", "Insert a boot disk and press any key"],
            "installing": [f"Installer on {source}", "Copying the system to the disk ..."],
            "failed": [f"Installer on {source}", "Installation failed: the installation medium is gone"],
            "hung": [f"Installer on {source}", "Configuring the clock ..."],
            "panicked": [f"Installer on {source}", "Kernel panic - not syncing: VFS: unable to mount root fs"],
            "running": [f"System installed from {self.disk.image_name or 'the factory'}", "server login:"],
            "stopping": ["Stopping all services ...", "Power down"],
        }
        return pages[self.state]

    def _soft_off(self) -> None:
        if self.state in ("firmware", "no_boot"):
            self._power_off()
        elif self.state == "running" and self.options.os == "obeys":
            self._stop_life()
            self._life = self.background.spawn(self._shut_down())

    def _start(self) -> None:
        self._stop_life()
        self._set_power("firmware")
        self._life = self.background.spawn(self._live())

    def _power_off(self) -> None:
        self._stop_life()
        self._set_power("off")

    def _stop_life(self) -> None:
        if self._life is not None and self._life is not asyncio.current_task():
            self._life.cancel()
        self._life = None

    def _set_power(self, state: str) -> None:
        before = self.power_led
        was_powered = self.powered
        self.state = state
        if self.powered != was_powered:
            self._led_before = before
            self._led_changed = self.clock.now()

    async def _live(self) -> None:
        again = True
        while again:
            self.state = "firmware"
            self._installing_from = None
            await self.clock.sleep(self.options.boot_seconds)
            again = await self._boot()

    async def _boot(self) -> bool:
        """Start what there is to start; true when the computer reboots afterwards."""
        media = self.media()
        if media is not None and media.bootable:
            self._note_boot("image", media)
            return await self._install(media)
        self._note_boot("disk" if self.disk.has_os else "none", None)
        self.state = "running" if self.disk.has_os else "no_boot"
        return False

    async def _install(self, media: Media) -> bool:
        self.state = "installing"
        self._installing_from = media
        behaviour = self.options.installer
        if behaviour in ("poweroff", "reboot", "hang"):
            self.disk.has_os, self.disk.installed_from, self.disk.image_name = False, None, None
        await self.clock.sleep(self.options.installer_seconds)
        if behaviour == "hang":
            self.state = "hung"
        elif behaviour == "panic":
            self.state = "panicked"
        elif behaviour != "loop":
            self.disk = Disk(True, media.sha256, media.name, self.disk.installs + 1)
            if behaviour == "poweroff":
                await self._shut_down()
        return behaviour in ("loop", "reboot")

    async def _shut_down(self) -> None:
        self.state = "stopping"
        await self.clock.sleep(self.options.shutdown_seconds)
        self._power_off()

    def _note_boot(self, source: str, media: Media | None) -> None:
        self.boots.append(
            {
                "at": self.clock.wall(),
                "source": source,
                "image": media.name if media else None,
                "sha256": media.sha256 if media else self.disk.installed_from if source == "disk" else None,
            }
        )
