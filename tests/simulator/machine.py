# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The computer behind the PiKVM: a front panel, a disk, an installer and a screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from . import picture
from .clock import Background, Clock
from .console import Console
from .hardware import Disk, Media, Options
from .keyboard import Keyboard

BLINK_SECONDS = 0.5

WORKING = ("firmware", "loading", "installing", "stopping")
"""States in which the HDD LED is lit."""


@dataclass
class ScriptedMachine:
    """A computer whose whole life is a script: firmware, then the image's installer or the disk's system."""

    clock: Clock
    background: Background
    options: Options
    media: Callable[[], Media | None] = lambda: None
    resolution: tuple[int, int] = picture.SIZE
    ocr_languages: list[str] = field(default_factory=lambda: ["eng", "osd"])
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
    _menu_line: int = 0

    def __post_init__(self) -> None:
        self.disk = Disk(has_os=self.options.disk_os)
        self._keyboard = Keyboard()
        self._console = Console("")

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

    @property
    def keyboard_leds(self) -> set[str]:
        """Those of caps, num and scroll that the computer has lit."""
        return self._keyboard.leds

    def key(self, key: str, pressed: bool) -> None:
        """A key goes down or up on the computer's USB keyboard."""
        self._keyboard.key(key, pressed)
        if not (pressed and self.powered):
            return
        if key == "Delete" and self._keyboard.holds("Control") and self._keyboard.holds("Alt"):
            self._start()
        elif self.state == "firmware" and key == "F11":
            self._stop_life()
            self._open_menu()
        elif self.state == "menu":
            self._menu_key(key)
        elif self.state == "no_boot":
            self._start()
        elif self.state == "running":
            self._obey(self._console.key(key, self._keyboard.character(key, self.options.layout), self._keyboard))

    def point(self, kind: str, **what: Any) -> None:
        """It has no use for a mouse."""

    def connect(self, media: Callable[[], Media | None]) -> None:
        """Whose drive it is that shows an image, or nothing."""
        self.media = media

    def media_changed(self) -> None:
        """The USB drive shows something else: an installer that runs from it loses its source."""
        if self.state == "installing" and self.media() != self._installing_from:
            self._stop_life()
            self.state = "failed"

    async def frame(self, quality: int) -> picture.Frame | None:
        """What a monitor would show now; nothing where there is no signal."""
        return picture.frame(tuple(self.screen), self.resolution, quality) if self.signal else None

    async def stop(self) -> None:
        """It ends with the background's work."""

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
    def signal(self) -> bool:
        """Whether there is a picture."""
        return bool(self.screen)

    @property
    def screen(self) -> list[str]:
        """The lines of text a monitor would show now; none where there is no signal."""
        source = self._installing_from.name if self._installing_from else ""
        pages = {
            "off": [],
            "firmware": ["American Firmware 1.0", "Press F11 for the boot menu"],
            "menu": self._menu_page(),
            "loading": ["Loading ..."],
            "no_boot": ["No bootable device found", "Insert a boot disk and press any key"],
            "installing": [f"Installer on {source}", "Copying the system to the disk ..."],
            "failed": [f"Installer on {source}", "Installation failed: the installation medium is gone"],
            "hung": [f"Installer on {source}", "Configuring the clock ..."],
            "panicked": [f"Installer on {source}", "Kernel panic - not syncing: VFS: unable to mount root fs"],
            "running": self._console.screen,
            "stopping": ["Stopping all services ...", "Power down"],
        }
        return pages[self.state]

    def _soft_off(self) -> None:
        if self.state in ("firmware", "menu", "loading", "no_boot"):
            self._power_off()
        elif self.state == "running" and self.options.os == "obeys":
            self._stop_life()
            self._life = self.background.spawn(self._shut_down())

    def _start(self) -> None:
        self._stop_life()
        self._keyboard.reset()
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

    async def _live(self, chosen: str | None = None) -> None:
        """From power on, or from a choice in the boot menu."""
        again = True
        while again:
            self._installing_from = None
            if chosen is None:
                self.state = "firmware"
                await self.clock.sleep(self.options.firmware_window)
            source = chosen or self.options.boot_order
            chosen = None
            if source == "menu":
                self._open_menu()
                return
            self.state = "loading"
            await self.clock.sleep(self.options.loading_seconds)
            again = await self._boot(source)

    async def _boot(self, source: str) -> bool:
        """Start what there is to start; true when the computer reboots afterwards.

        `image` is an image if there is one, `disk` only the disk, `drive` only an image.
        """
        media = self.media()
        if source != "disk" and media is not None and media.bootable:
            self._note_boot("image", media)
            return await self._install(media)
        starts = self.disk.has_os and source != "drive"
        self._note_boot("disk" if starts else "none", None)
        if starts:
            self._console = Console(f"System installed from {self.disk.image_name or 'the factory'}")
        self.state = "running" if starts else "no_boot"
        return False

    def _open_menu(self) -> None:
        self.state = "menu"
        self._menu_line = 0

    def _menu_entries(self) -> list[tuple[str, str]]:
        """What the boot menu offers, and what each line starts."""
        entries = [("Disk: SIMDISK", "disk")]
        media = self.media()
        if media is not None:
            entries.append((f"USB {'CD' if media.cdrom else 'flash'}: {media.name}", "drive"))
        return entries

    def _menu_page(self) -> list[str]:
        entries = self._menu_entries()
        chosen = min(self._menu_line, len(entries) - 1)
        lines = [f"{'>' if i == chosen else ' '} {text}" for i, (text, _source) in enumerate(entries)]
        return ["Please select the boot device:", "", *lines, "", "Arrows move, Enter boots, Escape leaves"]

    def _menu_key(self, key: str) -> None:
        entries = self._menu_entries()
        if key in ("ArrowUp", "ArrowDown"):
            step = 1 if key == "ArrowDown" else -1
            self._menu_line = max(0, min(len(entries) - 1, self._menu_line + step))
        elif key in ("Enter", "NumpadEnter"):
            source = entries[min(self._menu_line, len(entries) - 1)][1]
            self._life = self.background.spawn(self._live(source))
        elif key == "Escape":
            order = self.options.boot_order
            self._life = self.background.spawn(self._live("image" if order == "menu" else order))

    def _obey(self, command: str) -> None:
        """What the shell was told to do with the whole computer."""
        if command in ("poweroff", "reboot"):
            self._stop_life()
            self._life = self.background.spawn(self._shut_down(reboot=command == "reboot"))

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

    async def _shut_down(self, reboot: bool = False) -> None:
        self.state = "stopping"
        await self.clock.sleep(self.options.shutdown_seconds)
        if reboot:
            self._start()
        else:
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
