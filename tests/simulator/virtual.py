# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real computer behind the PiKVM: a virtual machine that is touched only by what a PiKVM has."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from . import ocr
from .clock import Background, Clock
from .hardware import ACCELERATIONS, BOOT_ORDERS, Media
from .picture import Frame
from .qemu import GoneError, Qemu, RefusedError
from .qkeys import QEMU_KEYS, pointed

LOOK_SECONDS = 0.1
LED_SECONDS = 0.25
"""Real seconds between two looks at the machine, and for which an access to the disk lights the LED."""

TEXT_MODE = (720, 400)
DRIVE, IMAGE = "drive", "image"
"""The USB drive, and the bytes behind it."""


@dataclass
class VirtualOptions:
    """What the machine is made of."""

    disk: Path
    boot_order: str = "image"
    """What the firmware starts: first an image; first the disk; an image if there is one, and then nothing else."""
    forward: int = 0
    """TCP port of this host's loopback that leads to the machine's port 22; 0: any free one."""
    acceleration: str = "tcg"
    memory: int = 384
    menu_seconds: float = 2.5
    """How long the firmware listens to Escape, the key of its boot menu."""
    hold_seconds: float = 4.0

    def __post_init__(self) -> None:
        for name, choices in (("boot_order", BOOT_ORDERS), ("acceleration", ACCELERATIONS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}")
        if not self.disk.is_file():
            raise ValueError(f"there is no disk {self.disk}")
        self.forward = self.forward or _free_port()

    def change(self, **changes: Any) -> None:
        """Nothing of it can be changed; `ValueError` where that is asked for."""
        if changes:
            raise ValueError("a virtual machine stays as it was made")

    def arguments(self, image: bool) -> list[str]:
        """QEMU's command line, for a machine with or without an image in its drive."""
        forwarding = f"hostfwd=tcp:127.0.0.1:{self.forward}-:22"
        strict = self.boot_order == "strict"
        disk = "virtio-blk-pci,drive=disk"
        if not (strict and image):
            disk += ",bootindex=1"
        firmware = f"menu=on,splash-time={int(self.menu_seconds * 1000)},strict={'on' if strict else 'off'}"
        return [
            *("-machine", f"pc,accel={self.acceleration},i8042=off", "-m", str(self.memory), "-vga", "std"),
            *("-device", "qemu-xhci,id=usb", "-device", "usb-kbd,bus=usb.0", "-device", "usb-tablet,bus=usb.0"),
            *("-blockdev", f"driver=raw,node-name=disk,file.driver=file,file.filename={_escaped(self.disk)}"),
            *("-device", disk, "-boot", firmware),
            *("-netdev", f"user,id=net,restrict=on,{forwarding}", "-device", "virtio-net-pci,netdev=net,romfile="),
        ]


@dataclass
class VirtualMachine:
    """A computer that is there only while it is switched on; switched off, it is a disk."""

    clock: Clock
    background: Background
    options: VirtualOptions
    media: Callable[[], Media | None] = lambda: None
    presses: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What QEMU would not do; empty unless something is wrong."""
    starts: int = 0
    resolution: tuple[int, int] = TEXT_MODE
    _qemu: Qemu | None = None
    _on: bool = False
    _runs: bool = False
    _plugged: Media | None = None
    _accesses: int = 0
    _lit_until: float = 0.0
    _woken: bool = False
    _hold: asyncio.TimerHandle | None = None
    _down_at: dict[str, float] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _inputs: asyncio.Queue[list[dict[str, Any]]] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="pikvm-screen-")
        self._pictures = 0

    @property
    def powered(self) -> bool:
        """Whether the computer is switched on."""
        return self._on

    @property
    def power_led(self) -> bool:
        """Lit while the machine runs."""
        return self._on and self._runs

    @property
    def hdd_led(self) -> bool:
        """Lit while the disk is read or written."""
        return self._on and time.monotonic() < self._lit_until

    @property
    def signal(self) -> bool:
        """Whether there is a picture."""
        return self._qemu is not None

    @property
    def keyboard_leds(self) -> set[str]:
        """QEMU does not tell them."""
        return set()

    @property
    def ocr_languages(self) -> list[str]:
        """What Tesseract can read; nothing where it is not installed."""
        return ocr.languages()

    def button_down(self, button: str) -> None:
        """A finger goes down on `power` or `reset`."""
        self._down_at[button] = self.clock.now()
        if button == "reset":
            self._do(self._tell("system_reset"))
            return
        self._woken = not self._on
        if self._woken:
            self._on = True
            self._do(self._switch_on())
        self._hold = self.clock.after(self.options.hold_seconds, lambda: self._do(self._switch_off()))

    def button_up(self, button: str) -> None:
        """The finger goes up; a short press of `power` is an ACPI event for the running system."""
        pressed_at = self._down_at.pop(button)
        seconds = self.clock.now() - pressed_at
        self.presses.append({"at": self.clock.wall(), "button": button, "seconds": seconds})
        if button != "power":
            return
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
        if not self._woken and seconds < self.options.hold_seconds:
            self._do(self._tell("system_powerdown"))

    def key(self, key: str, pressed: bool) -> None:
        """A key goes down or up on the USB keyboard."""
        code = {"type": "qcode", "data": QEMU_KEYS[key]}
        self._inputs.put_nowait([{"type": "key", "data": {"down": pressed, "key": code}}])

    def point(self, kind: str, **what: Any) -> None:
        """The mouse moves, clicks or scrolls."""
        self._inputs.put_nowait(pointed(kind, what))

    def connect(self, media: Callable[[], Media | None]) -> None:
        """Whose drive it is that shows an image, or nothing."""
        self.media = media

    def media_changed(self) -> None:
        """The drive is plugged in, plugged out, or shows something else."""
        self._do(self._follow_drive())

    async def frame(self, quality: int) -> Frame | None:
        """What a monitor would show now; nothing where the machine went off meanwhile."""
        qemu = self._qemu
        if qemu is None:
            return None
        self._pictures += 1
        path = Path(self._scratch.name) / f"{self._pictures}.ppm"
        try:
            await qemu.tell("screendump", filename=str(path))
            with Image.open(path) as screen:
                self.resolution = screen.size
                jpeg = io.BytesIO()
                screen.convert("RGB").save(jpeg, "JPEG", quality=quality)
        except (GoneError, RefusedError, OSError):
            return None
        finally:
            path.unlink(missing_ok=True)
        return Frame(None, self.resolution, jpeg.getvalue())

    def describe(self) -> dict[str, Any]:
        """All there is to know, as JSON values."""
        return {
            "state": "running" if self._runs else "starting" if self._on else "off",
            "powered": self.powered,
            "leds": {"power": self.power_led, "hdd": self.hdd_led},
            "starts": self.starts,
            "presses": list(self.presses),
            "problems": list(self.problems),
            "options": {**asdict(self.options), "disk": str(self.options.disk)},
        }

    async def stop(self) -> None:
        """Pull the plug for good."""
        async with self._turn:
            if self._qemu is not None:
                await self._qemu.end()
        self._scratch.cleanup()

    def _do(self, work: Awaitable[None]) -> None:
        """Do something in its own time; a machine that has gone meanwhile does not mind."""
        self.background.spawn(self._noted(work))

    async def _noted(self, work: Awaitable[None]) -> None:
        try:
            await work
        except GoneError:
            return
        except (RefusedError, OSError) as error:
            self.problems.append(str(error))

    async def _tell(self, command: str) -> None:
        if self._qemu is not None:
            await self._qemu.tell(command)

    async def _switch_on(self) -> None:
        async with self._turn:
            media = self.media()
            try:
                qemu = await Qemu.start(self.options.arguments(media is not None))
            except BaseException:
                self._on = False
                raise
            self._qemu, self._plugged = qemu, None
            self.starts += 1
            self.background.spawn(self._live(qemu))
            await self._plug(qemu, media)
            # The order in which the firmware starts devices is fixed at a reset: the drive has to be there before.
            await qemu.tell("system_reset")
            await qemu.tell("cont")
            self._runs = True

    async def _switch_off(self) -> None:
        async with self._turn:
            if self._qemu is not None:
                await self._qemu.end()

    async def _live(self, qemu: Qemu) -> None:
        """From power on to power off, whoever caused it."""
        helpers = [self.background.spawn(work) for work in (self._watch(qemu), self._feed(qemu))]
        try:
            await qemu.ended()
        finally:
            for helper in helpers:
                helper.cancel()
            self._qemu, self._plugged, self._runs, self._on = None, None, False, False

    async def _watch(self, qemu: Qemu) -> None:
        """See the run state and the disk's accesses, for the LEDs."""
        with contextlib.suppress(GoneError, RefusedError):
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                self._runs = bool((await qemu.tell("query-status"))["running"])
                told = await qemu.tell("query-blockstats")
                counts = [node["stats"] for node in told if node.get("node-name") == "disk"]
                accesses = sum(count["rd_operations"] + count["wr_operations"] for count in counts)
                if accesses != self._accesses:
                    self._accesses, self._lit_until = accesses, time.monotonic() + LED_SECONDS

    async def _feed(self, qemu: Qemu) -> None:
        """Pass on what is typed and pointed, in its order."""
        while not self._inputs.empty():
            self._inputs.get_nowait()
        with contextlib.suppress(GoneError):
            while True:
                events = await self._inputs.get()
                with contextlib.suppress(RefusedError):
                    await qemu.tell("input-send-event", events=events)

    async def _follow_drive(self) -> None:
        async with self._turn:
            qemu, media = self._qemu, self.media()
            if qemu is None or media == self._plugged:
                return
            if self._plugged is not None:
                await self._unplug(qemu)
            await self._plug(qemu, media)

    async def _plug(self, qemu: Qemu, media: Media | None) -> None:
        if media is None or media.path is None:
            return
        file = {"driver": "file", "filename": str(media.path)}
        await qemu.tell("blockdev-add", driver="raw", node_name=IMAGE, read_only=not media.rw, file=file)
        await qemu.tell("device_add", driver="usb-bot", id=DRIVE, bus="usb.0")
        kind = {"driver": "scsi-cd"} if media.cdrom else {"driver": "scsi-hd", "removable": True}
        order = {"bootindex": 2 if self.options.boot_order == "disk" else 0}
        await qemu.tell("device_add", id="medium", bus=f"{DRIVE}.0", drive=IMAGE, **kind, **order)
        await qemu.tell("qom-set", path=f"/machine/peripheral/{DRIVE}", property="attached", value=True)
        self._plugged = media

    async def _unplug(self, qemu: Qemu) -> None:
        """Pull it out, whatever the machine does with it."""
        self._plugged = None
        await qemu.tell("device_del", id=DRIVE)
        for _attempt in range(20):
            try:
                await qemu.tell("blockdev-del", node_name=IMAGE)
                return
            except RefusedError:
                await asyncio.sleep(LOOK_SECONDS)
        raise RefusedError("the drive does not let go of its image")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _escaped(path: Path) -> str:
    """A path as a value among QEMU's options."""
    return str(path).replace(",", ",,")
