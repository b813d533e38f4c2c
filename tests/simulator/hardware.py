# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a computer is made of: its disk, the image in its USB drive, and the options it is built with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from .keyboard import DEFAULT_KEYMAP, KEYMAPS

CHOICES: dict[str, tuple[str, ...]] = {
    "os": ("obeys", "ignores"),
    "installer": ("poweroff", "reboot", "hang", "loop", "panic"),
    "led": ("steady", "blink"),
    "boot_order": ("image", "disk", "menu"),
    "layout": KEYMAPS,
}

BOOT_ORDERS = ("image", "disk", "strict")
ACCELERATIONS = ("tcg", "kvm")
"""Choices of a virtual machine."""


@dataclass(frozen=True)
class Media:
    """The image the USB drive shows to the computer."""

    name: str
    size: int
    complete: bool
    sha256: str
    cdrom: bool = True
    rw: bool = False
    path: Path | None = None
    """The file with its bytes; nothing where they were not kept."""

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
    boot_order: str = "image"
    """What the firmware starts: an image if there is one, only the disk, or what is chosen from its menu."""
    layout: str = DEFAULT_KEYMAP
    """What the computer takes its keyboard for."""
    led_wired: bool = True
    disk_os: bool = True
    installer_seconds: float = 3.0
    boot_seconds: float = 1.0
    firmware_seconds: float = 0.0
    """How long the firmware shows itself and hears F11; 0: as long as `boot_seconds`, which this is a part of."""
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

    @property
    def firmware_window(self) -> float:
        """Seconds in which the firmware hears F11."""
        return self.firmware_seconds or self.boot_seconds

    @property
    def loading_seconds(self) -> float:
        """Seconds from the end of the firmware to the system or the installer."""
        return max(0.0, self.boot_seconds - self.firmware_window)

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
