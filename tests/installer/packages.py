# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages that a real virtual machine and its installer image need, and the files taken from others."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

NEEDED = {
    "qemu-system-x86": "qemu-system-x86_64",
    "grub-common": "grub-mkrescue",
    "grub-pc-bin": "/usr/lib/grub/i386-pc/boot_hybrid.img",
    "xorriso": "xorriso",
    "mtools": "mformat",
    "tesseract-ocr": "tesseract",
}
"""Package and something in it, a command or a file."""

FETCHED = ("linux-image-cloud-amd64", "busybox-static")
"""Packages whose files go into the image; they are unpacked, not installed. The first only names the kernel's."""


class MissingError(Exception):
    """Something is not to be had; the text says what to do."""


def missing() -> list[str]:
    """The packages that have to be installed first."""
    return [package for package, thing in NEEDED.items() if not (shutil.which(thing) or Path(thing).is_file())]


def advice(packages: list[str]) -> str:
    """What to type to have them."""
    return f"apt-get update && apt-get install --yes --no-install-recommends {' '.join(packages)}"


def unpack(folder: Path) -> tuple[Path, Path]:
    """Fetch the kernel and busybox; returns the folders they are unpacked in. `MissingError` where apt has none."""
    meta, busybox = FETCHED
    told = _run("apt-cache", "depends", "--important", meta, at=folder)
    kernels = [line.split()[-1] for line in told.splitlines() if line.strip().startswith("Depends: linux-image-")]
    if not kernels:
        raise MissingError(f"apt knows no package {meta}: is this Debian on amd64, and has apt-get update been run?")
    return _fetch(kernels[0], folder), _fetch(busybox, folder)


def _fetch(package: str, folder: Path) -> Path:
    download, unpacked = folder / f"{package}.download", folder / package
    download.mkdir()
    _run("apt-get", "download", package, at=download)
    (archive,) = download.glob("*.deb")
    _run("dpkg-deb", "-x", str(archive), str(unpacked), at=folder)
    return unpacked


def _run(*command: str, at: Path) -> str:
    try:
        done = subprocess.run(command, cwd=at, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise MissingError(f"{command[0]} is not there: the image is made from Debian's packages") from error
    except subprocess.CalledProcessError as error:
        raise MissingError(f"{' '.join(command)}: {error.stderr.strip()}") from error
    return done.stdout
