# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image storage: files of a temporary folder, a list that may lag behind them, and free space that runs out."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from .clock import Clock
from .dialect import Dialect
from .errors import CrashError

LONGEST_NAME = 249
"""A file name has 255 bytes and kvmd adds a marker file whose name is longer than the image's."""


class StorageFullError(CrashError):
    """No space left: kvmd does not expect it."""


@dataclass
class Image:
    """One image file."""

    name: str
    declared: int
    path: Path
    mod_ts: float
    stored: int = 0
    complete: bool = False
    has_data: bool = True
    digest: Any = field(default_factory=hashlib.sha256, repr=False)

    @property
    def sha256(self) -> str:
        """Of the bytes stored so far."""
        return str(self.digest.hexdigest())


class Storage:
    """Images by name. What kvmd shows and decides by is `listed`, a copy that may be up to a second old."""

    def __init__(self, clock: Clock, dialect: Dialect, size: int, discard_data: bool) -> None:
        self.size = size
        self.reserved = 0
        self.card_rate: float | None = None
        """Bytes per device second the card takes; null: as many as come."""
        self.images: dict[str, Image] = {}
        self.listed: dict[str, dict[str, Any]] = {}
        self.directories = {""}
        self._clock = clock
        self._dialect = dialect
        self._folder: Path | None = None
        self._discard_data = discard_data
        self._files = 0
        self._refresh: asyncio.TimerHandle | None = None

    @property
    def free(self) -> int:
        """Bytes left on the card."""
        return max(0, self.size - self.reserved - sum(image.stored for image in self.images.values()))

    def set_free(self, free: int | None) -> None:
        """Let other things fill the card until so many bytes are left; null: there are no other things."""
        self.reserved = 0
        if free is not None:
            self.reserved = max(0, self.free - free)

    def entry(self, image: Image) -> dict[str, Any]:
        """An image as the list shows it."""
        shows_declared = self._dialect.declared_size or image.complete
        entry = {
            "size": image.declared if shows_declared else image.stored,
            "complete": image.complete,
            "mod_ts": image.mod_ts,
            "removable": True,
        }
        if self._dialect.strict_drive:
            entry["writable"] = not image.name.lower().endswith(".iso")
        return entry

    def state(self) -> dict[str, Any]:
        """`images`, `parts` and, where the version has them, the totals."""
        space = {"size": self.size, "free": self.free}
        state: dict[str, Any] = {"images": dict(self.listed), "parts": {"": {**space, "writable": True}}}
        if self._dialect.storage_totals:
            state.update(space)
        return state

    def create(self, name: str, size: int) -> Image:
        """Begin a file; `CrashError` for a missing directory or a name too long for the card."""
        directory, _slash, base = name.rpartition("/")
        if directory not in self.directories:
            raise CrashError(f"No such directory: {directory}")
        if len(base.encode()) > LONGEST_NAME:
            raise CrashError(f"File name too long: {base}")
        image = Image(name, size, self._new_path(), self._clock.wall())
        image.has_data = not self._discard_data
        self.images[name] = image
        self.touch()
        return image

    def open(self, image: Image) -> IO[bytes] | None:
        """The file to write an image's bytes to; null where bytes are only counted and hashed."""
        if not image.has_data:
            return None
        out = image.path.open("wb", buffering=0)
        if self._dialect.declared_size:
            out.truncate(image.declared)
        return out

    def append(self, image: Image, out: IO[bytes] | None, data: bytes) -> None:
        """Store more bytes; `StorageFullError` after as many as fit."""
        room = self.free
        fitting = data if len(data) <= room else data[:room]
        if out is not None:
            out.write(fitting)
        image.digest.update(fitting)
        image.stored += len(fitting)
        image.mod_ts = self._clock.wall()
        self.touch()
        if len(fitting) < len(data):
            raise StorageFullError(f"[Errno {errno.ENOSPC}] No space left on device")

    def put(self, name: str, data: bytes, complete: bool = True) -> Image:
        """An image that is simply there, listed at once; its directory is made."""
        self.directories.add(name.rpartition("/")[0])
        image = self.create(name, len(data))
        image.has_data = True
        image.path.write_bytes(data)
        image.digest.update(data)
        image.stored, image.complete = len(data), complete
        self.refresh()
        return image

    def remove(self, name: str) -> None:
        """Delete a file; the list follows when it follows."""
        image = self.images.pop(name)
        image.path.unlink(missing_ok=True)
        self.touch()

    def close(self) -> None:
        """Forget every byte."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def touch(self) -> None:
        """The storage has changed: the list is read anew when nothing has changed for the lag."""
        if self._dialect.list_lag == 0:
            return
        if self._refresh is not None:
            self._refresh.cancel()
        self._refresh = self._clock.after(self._dialect.list_lag, self.refresh)

    def settled(self) -> None:
        """An operation is over: versions without a lag read the list now."""
        if self._dialect.list_lag == 0:
            self.refresh()

    def refresh(self) -> None:
        """Read the list anew."""
        if self._refresh is not None:
            self._refresh.cancel()
            self._refresh = None
        self.listed = {name: self.entry(image) for name, image in self.images.items()}

    def _new_path(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="pikvm-simulator-"))
        self._files += 1
        return self._folder / f"image-{self._files}"
