# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The file of an image, as the body of a request: read in blocks, and not believed to hold still."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from typing import IO, Callable

from .errors import OptionError

BLOCK = 256 * 1024


class ImageFile:
    """The local file of an image, read once from start to end as a request body of known length.

    Args:
        path: a regular file that is not empty.
        option: the name of the user's option, for errors.

    Attributes:
        size: bytes, fixed when the file was first looked at.
        sent: bytes given to the connection.
        stall: seconds that the device may take for a block before the connection is given up.
        on_progress: called with the number of bytes sent so far, after each block.

    Raises:
        OptionError: the file is missing, not a regular file, not readable or empty.
    """

    def __init__(
        self, path: str, option: str = "src", stall: float = 60.0, on_progress: Callable[[int], None] | None = None
    ) -> None:
        self.path = path
        self.option = option
        self.stall = stall
        self.sent = 0
        self.on_progress = on_progress
        self._stat = self._look()
        self.size = self._stat.st_size

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        self.sent = 0
        with self._open() as file:
            while self.sent < self.size:
                block = self._read(file, min(BLOCK, self.size - self.sent))
                if not block:
                    raise OptionError(self.option, f"{self.path} became shorter while it was read")
                yield block
                self.sent += len(block)
                if self.on_progress:
                    self.on_progress(self.sent)

    def sha256(self) -> str:
        """SHA-256 of the whole file, read now, as hex digits."""
        digest = hashlib.sha256()
        with self._open() as file:
            while True:
                block = self._read(file, 4 * BLOCK)
                if not block:
                    return digest.hexdigest()
                digest.update(block)

    def check_unchanged(self) -> None:
        """Raise OptionError if the file is no longer the one that was looked at first."""
        now = self._look()
        if (now.st_size, now.st_mtime_ns, now.st_ino) != (
            self._stat.st_size,
            self._stat.st_mtime_ns,
            self._stat.st_ino,
        ):
            raise OptionError(self.option, f"{self.path} changed while it was sent")

    def _look(self) -> os.stat_result:
        try:
            found = os.stat(self.path)
        except (OSError, ValueError) as exc:
            raise OptionError(self.option, f"cannot read {self.path}: {_reason(exc)}") from exc
        if not stat.S_ISREG(found.st_mode):
            kind = "a directory" if stat.S_ISDIR(found.st_mode) else "not a regular file"
            raise OptionError(self.option, f"{self.path} is {kind}; an image file is needed")
        if found.st_size == 0:
            raise OptionError(self.option, f"{self.path} is empty")
        self._open().close()
        return found

    def _open(self) -> IO[bytes]:
        try:
            return open(self.path, "rb")
        except OSError as exc:
            raise OptionError(self.option, f"cannot read {self.path}: {_reason(exc)}") from exc

    def _read(self, file: IO[bytes], size: int) -> bytes:
        try:
            return file.read(size)
        except OSError as exc:
            raise OptionError(self.option, f"cannot read {self.path}: {_reason(exc)}") from exc


def _reason(exc: Exception) -> str:
    return getattr(exc, "strerror", None) or str(exc)
