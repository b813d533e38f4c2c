# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An installer that boots from a PiKVM's drive and writes a tiny Linux to the disk; made once, and then varied.

The installer's image holds the system's image, and each of them a record: a few bytes, uncompressed, that are replaced
in a copy. So a fresh token costs no more than the copying of a file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import cpio, packages
from .packages import MissingError

GUEST = Path(__file__).parent / "guest"
RECORD_BYTES = 256
ENDS = ("poweroff", "reboot", "asks")
BUTTONS = ("obeys", "ignores")
DISK_BYTES = 64 * 1024 * 1024
BLANK_BYTES = 1024 * 1024
SEED_BYTES = 4096
"""Room for the answers."""

MODULES = (
    *("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"),
    *("failover", "net_failover", "virtio_net", "button", "evdev"),
)
"""What the kernel needs for disk, network and power button, in the order in which it takes them."""

INTERPRETER = b"#!/bin/busybox sh\n"
"""The first line of the first process's script."""

FOLDERS = ("bin", "dev", "proc", "sys", "etc", "modules")


@dataclass(frozen=True)
class Made:
    """The images as they were made, with empty records."""

    installer: Path
    stock: Path
    system: Path


@dataclass(frozen=True)
class Layout:
    """Where things are on an image, its menu's source, and texts beside them."""

    kernel: str
    initrd: str
    menu: str
    texts: dict[str, str]


PLAIN = Layout("vmlinuz", "initrd.cpio", "grub.cfg", {})
STOCK = Layout(
    "install.amd/vmlinuz",
    "install.amd/initrd.gz",
    "stock.cfg",
    {
        ".disk/info": "Debian, or what looks like it\n",
        "install.amd/head": cpio.head("preseed.cfg", SEED_BYTES).decode(),
        "install.amd/tail": "\0" * SEED_BYTES,
    },
)


def made(cache: Path) -> Made:
    """The images from the cache, or new ones. `MissingError` where they cannot be made."""
    folder = cache / _key()
    images = Made(folder / "installer.iso", folder / "stock.iso", folder / "system.img")
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        if not folder.exists():
            absent = packages.missing()
            if absent:
                raise MissingError(f"To be installed first: {packages.advice(absent)}")
            with tempfile.TemporaryDirectory(dir=cache, prefix="making-") as name:
                _make(Path(name))
                (Path(name) / "made").rename(folder)
    return images


def write_installer(images: Made, dest: Path, token: str, button: str = "obeys", end: str = "poweroff") -> None:
    """An installer whose system shows `token`, obeys or ignores the power button, and that ends with a command.

    One that asks is laid out like a stock image of Debian, and ends as its answers say.
    """
    data = (images.stock if end == "asks" else images.installer).read_bytes()
    data = _replace(data, "installer", f"end={end}")
    data = _replace(data, "system", f"token={token}\nbutton={button}")
    _write(dest, data)


def write_disk(images: Made, dest: Path, token: str, button: str = "obeys") -> None:
    """A disk on which the system is installed already."""
    data = _replace(images.system.read_bytes(), "system", f"token={token}\nbutton={button}")
    _write(dest, data)
    os.truncate(dest, max(DISK_BYTES, len(data)))


def write_blank(dest: Path) -> None:
    """An image with nothing on it: no firmware starts it."""
    _write(dest, bytes(BLANK_BYTES))


def _write(dest: Path, data: bytes) -> None:
    part = dest.with_name(f"{dest.name}.part")
    part.write_bytes(data)
    part.replace(dest)


def _record(role: str, words: str = "") -> bytes:
    """Shell variables, filled up with empty lines."""
    record = f"# record of the {role}\n{words}\n".encode()
    if len(record) > RECORD_BYTES:
        raise ValueError(f"too long for a record: {words!r}")
    return record.ljust(RECORD_BYTES, b"\n")


def _replace(data: bytes, role: str, words: str) -> bytes:
    empty = _record(role)
    if data.count(empty) != 1:
        raise ValueError(f"the image holds {data.count(empty)} records of the {role}")
    return data.replace(empty, _record(role, words))


def _key() -> str:
    """The recipe is all there is in this folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in GUEST.parent.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _make(work: Path) -> None:
    kernel, busybox = packages.unpack(work)
    made_folder = work / "made"
    made_folder.mkdir()
    (vmlinuz,) = (kernel / "boot").glob("vmlinuz-*")
    base = _base(kernel, busybox)
    system = made_folder / "system.img"
    _bootable(work / "system", PLAIN, vmlinuz, cpio.archive(base + _role("system")), system)
    payload = [*_role("installer"), cpio.file("system.img", system.read_bytes())]
    for name, layout in (("installer", PLAIN), ("stock", STOCK)):
        _bootable(work / name, layout, vmlinuz, cpio.archive(base + payload), made_folder / f"{name}.iso")


def _base(kernel: Path, busybox: Path) -> list[cpio.Entry]:
    """What both systems have."""
    modules = {path.stem: path for path in (kernel / "lib" / "modules").rglob("*.ko")}
    absent = [name for name in MODULES if name not in modules]
    if absent:
        raise MissingError(f"{kernel.name} has no modules {', '.join(absent)}")
    return [
        *(cpio.folder(name) for name in FOLDERS),
        cpio.console(),
        cpio.file("bin/busybox", (busybox / "bin" / "busybox").read_bytes(), executable=True),
        cpio.file("init", INTERPRETER + (GUEST / "init").read_bytes(), executable=True),
        cpio.file("modules/order", "\n".join(MODULES).encode()),
        *(cpio.file(f"modules/{name}.ko", modules[name].read_bytes()) for name in MODULES),
    ]


def _role(role: str) -> list[cpio.Entry]:
    return [
        cpio.file("etc/role", role.encode()),
        cpio.file(f"etc/{role}", (GUEST / role).read_bytes()),
        cpio.file("etc/record", _record(role)),
    ]


def _bootable(folder: Path, layout: Layout, vmlinuz: Path, initrd: bytes, image: Path) -> None:
    """A hybrid image: it boots as CD-ROM, as USB stick and as disk."""
    texts = {"boot/grub/grub.cfg": (GUEST / layout.menu).read_text(), **layout.texts}
    for name in (*texts, layout.kernel, layout.initrd):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    shutil.copy(vmlinuz, folder / layout.kernel)
    (folder / layout.initrd).write_bytes(initrd)
    command = ["grub-mkrescue", "--directory=/usr/lib/grub/i386-pc", "--fonts=", "--locales=", "--themes="]
    command += [f"--output={image}", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not image.exists():
        raise MissingError(f"grub-mkrescue: {done.stderr.strip()}")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One maker at a time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
