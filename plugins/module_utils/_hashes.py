# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hash of an image, taken once for all the servers that get it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import IO, Any

from ._client.upload import ImageFile

SMALL = 16 * 1024 * 1024
"""Bytes that are hashed faster than it is worth to keep the result."""


def sha256_of(image: ImageFile, folder: Path | None = None) -> str:
    """SHA-256 of an image as hex digits, from what another task has found, where the file has not been touched since.

    Who comes while it is being hashed waits for that. What tells one state of a file from another includes the time
    of its last change as the file system keeps it, which no program can set.

    Raises:
        OptionError: the file cannot be read.
    """
    if image.size < SMALL:
        return image.sha256()
    kept = folder or Path("~/.ansible/pikvm/hashes").expanduser()
    try:
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(os.path.realpath(image.path).encode()).hexdigest()[:16]
        descriptor = os.open(kept / f"{name}.json", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return image.sha256()
    with os.fdopen(descriptor, "r+", encoding="utf-8") as notes:
        fcntl.flock(notes, fcntl.LOCK_EX)
        return _looked_up(image, notes)


def _looked_up(image: ImageFile, notes: IO[str]) -> str:
    state = _state(image.path)
    known = _read(notes)
    if known.get("state") == state and isinstance(known.get("sha256"), str):
        return str(known["sha256"])
    digest = image.sha256()
    if _state(image.path) == state:
        notes.seek(0)
        notes.truncate()
        json.dump({"state": state, "sha256": digest}, notes)
    return digest


def _state(path: str) -> list[int]:
    found = os.stat(path)
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _read(notes: IO[str]) -> dict[str, Any]:
    try:
        known = json.load(notes)
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
