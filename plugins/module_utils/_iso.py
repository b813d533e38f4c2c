# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ISO 9660 images: what is told by their first sectors, and all that xorriso is asked to do with them."""

from __future__ import annotations

import calendar
import mmap
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

SECTOR = 2048
DESCRIPTORS = slice(16, 48)
"""Sectors in which an image tells what it is."""
NO_DATE = "2000010100000000"

COMMON = ["-no_rc", "-iso_rr_pattern", "off", "-disk_pattern", "off", "-abort_on", "FAILURE", "-return_with", "FAILURE"]
QUOTE = "'\"'\"'"
QUOTED_PATH = re.compile(rf"^'/(?:[^']|{QUOTE})*'$", re.MULTILINE)
"""A path as xorriso lists it; a name may hold quotes and line breaks."""

PACKAGES = "the package xorriso on Debian, Ubuntu, Fedora, RHEL and Homebrew"


class ImageError(Exception):
    """The image, the seed or a tool is not as it must be; the text is for the user and quotes no seed."""


@dataclass(frozen=True)
class Volume:
    """What the first sectors tell.

    Attributes:
        label: the volume's name.
        date: of its last modification, as 16 digits.
        udf: whether there is a second file system (UDF), which xorriso does not read.
    """

    label: str
    date: str
    udf: bool

    @property
    def epoch(self) -> int:
        """The date in seconds since 1970."""
        return calendar.timegm(time.strptime(self.date[:14], "%Y%m%d%H%M%S"))


def read_volume(path: str) -> Volume:
    """The volume in a file.

    Raises:
        ImageError: the file cannot be read, or holds no ISO 9660 file system.
    """
    try:
        with open(path, "rb") as image:
            image.seek(DESCRIPTORS.start * SECTOR)
            head = image.read((DESCRIPTORS.stop - DESCRIPTORS.start) * SECTOR)
    except OSError as exc:
        raise ImageError(f"{path} cannot be read: {exc.strerror}") from exc
    if head[:6] != b"\x01CD001" or len(head) < SECTOR:
        raise ImageError(f"{path} is no ISO image (ISO 9660)")
    identifiers = {head[start + 1 : start + 6] for start in range(0, len(head), SECTOR)}
    return Volume(
        label=head[40:72].decode("ascii", "replace").rstrip(" \0"),
        date=_date(head[830:846]) or _date(head[813:829]) or NO_DATE,
        udf=bool(identifiers & {b"NSR02", b"NSR03"}),
    )


def _date(field: bytes) -> str:
    text = field.decode("ascii", "replace")
    try:
        time.strptime(text[:14], "%Y%m%d%H%M%S")
    except ValueError:
        return ""
    return text if text.isdigit() else ""


@dataclass(frozen=True)
class Addition:
    """A file for the image, from a file here."""

    path: str
    source: Path


class Xorriso:
    """Runs xorriso on one image, which it finds under the name `stock.iso` in a scratch folder.

    Args:
        find: looks for a program, and returns null where there is none.
        run: runs a command as `AnsibleModule.run_command` does.
        folder: the scratch folder, which takes what is read from the image and what is written.
    """

    def __init__(
        self, find: Callable[[str], Any], run: Callable[..., Any], folder: Path, src: str, volume: Volume
    ) -> None:
        program = find("xorriso")
        if not program:
            raise ImageError(f"xorriso is not installed where this runs. It is {PACKAGES}")
        self._program = str(program)
        self._run = run
        self._folder = folder
        self._volume = volume
        (folder / "stock.iso").symlink_to(os.path.abspath(src))

    def files(self) -> list[str]:
        """The paths of all files."""
        told = self._tell(["-indev", "stock.iso", "-find", "/", "-type", "f", "-exec", "echo"])
        return [quoted[1:-1].replace(QUOTE, "'") for quoted in QUOTED_PATH.findall(told)]

    def read(self, paths: list[str]) -> dict[str, bytes]:
        """The content of small files."""
        if not paths:
            return {}
        targets = {path: f"read-{number}" for number, path in enumerate(paths)}
        extracts = [word for path, target in targets.items() for word in ("-extract", path, target)]
        self._tell(["-osirrox", "on", "-indev", "stock.iso", *extracts])
        return {path: (self._folder / target).read_bytes() for path, target in targets.items()}

    def platforms(self, name: str = "stock.iso") -> list[str]:
        """For which kinds of firmware it boots, as El Torito numbers: 0x00 is a BIOS, 0xef is UEFI."""
        told = self._tell(["-indev", name, "-report_el_torito", "cmd"])
        return re.findall(r"platform_id=(\S+)", told)

    def write(self, name: str, present: list[str], additions: list[Addition]) -> None:
        """Write a copy with additions. Whoever does it and whenever, the same input makes the same bytes."""
        command = ["-indev", "stock.iso", "-outdev", name, "-compliance", "no_emul_toc", "-boot_image", "any", "replay"]
        for folder in _new_folders(present, [addition.path for addition in additions]):
            command += ["-mkdir", folder, "--", *self._attributes(folder, "0555")]
        for addition in additions:
            command += ["-map", str(addition.source), addition.path, *self._attributes(addition.path, "0444")]
        self._tell([*command, "-commit", "-end"])

    def _attributes(self, path: str, mode: str) -> list[str]:
        owner = ["-chown", "0", path, "--", "-chgrp", "0", path, "--"]
        return [*owner, "-chmod", mode, path, "--", "-alter_date", "b", self._volume.date, path, "--"]

    def _tell(self, words: list[str]) -> str:
        fixed = {"SOURCE_DATE_EPOCH": str(self._volume.epoch), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
        command = [self._program, *COMMON, "32", *words]
        status, told, problems = self._run(command, cwd=str(self._folder), environ_update=fixed)
        if status:
            marks = (" : FATAL", " : FAILURE", " : SORRY", " : MISHAP")
            lines = [line for line in problems.splitlines() if any(mark in line for mark in marks)]
            raise ImageError("xorriso says: " + "; ".join(lines[-3:] or [f"status {status}"]))
        return str(told)


def _new_folders(present: list[str], paths: list[str]) -> list[str]:
    """The folders that have to be made, outer ones first."""
    there = {str(parent) for path in present for parent in Path(path).parents}
    wanted = {str(parent) for path in paths for parent in Path(path).parents}
    return sorted(wanted - there - {"/"}, key=lambda folder: (folder.count("/"), folder))


def overwrite_copies(image: Path, original: bytes, ours: bytes, instead: bytes) -> int:
    """Overwrite each copy of `original` with `instead`, filled up with empty lines; returns how many there were.

    An image for UEFI may hold a boot menu again, within the small FAT image that the firmware reads. There it is one
    piece, as a tool has written it that had all the room it wanted. What begins `ours` is no copy.
    """
    count = 0
    with open(image, "r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        at = content.find(original)
        while at >= 0:
            if content[at : at + len(ours)] != ours:
                if len(instead) > len(original):
                    raise ImageError("the copy of its boot menu that UEFI reads is too short to lead to the other one")
                content[at : at + len(original)] = instead.ljust(len(original), b"\n")
                count += 1
            at = content.find(original, at + len(original))
    return count
