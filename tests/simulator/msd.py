# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MSD organ: the virtual drive, its selection, and every operation on the storage."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from . import errors
from .clock import Clock
from .dialect import Dialect
from .errors import CrashError
from .hardware import Media
from .log import Log
from .storage import Image, Storage, StorageFullError

PIECE = 65536
"""Bytes kvmd writes at once."""

RESET_LINGER = 1.0
EARLY_FAILURE = 1.0
"""Seconds within which the rewritten drive forgets to remove a failed upload."""


class Upload:
    """An upload in progress, whoever sends the bytes."""

    def __init__(self, storage: Storage, clock: Clock, image: Image) -> None:
        self.image = image
        self.killed = False
        self._storage = storage
        self._clock = clock
        self._out: IO[bytes] | None = storage.open(image)

    async def write(self, data: bytes) -> int:
        """Store a chunk and tell how much there is now; a slow card takes it piece by piece."""
        rate = self._storage.card_rate
        step = PIECE if rate else max(1, len(data))
        for start in range(0, len(data), step):
            if self.killed:
                raise CrashError("kvmd is going down")
            piece = data[start : start + step]
            self._storage.append(self.image, self._out, piece)
            if rate:
                await self._clock.sleep(len(piece) / rate)
        return self.image.stored

    def close(self) -> None:
        """Nothing more comes; the image is complete if everything has come."""
        if self._out is not None:
            self._out.close()
        self.image.complete = not self.killed and self.image.stored == self.image.declared

    def progress(self) -> dict[str, Any]:
        """The answer's `image`, and the state's `uploading`."""
        return {"name": self.image.name, "size": self.image.declared, "written": self.image.stored}


@dataclass
class Reading:
    """A read in progress."""

    image: Image
    size: int
    readed: int = 0


class Msd:
    """The drive: what is selected, how, and whether the computer sees it."""

    def __init__(self, clock: Clock, dialect: Dialect, storage: Storage, log: Log) -> None:
        self.enabled = True
        self.online = True
        self.storage = storage
        self.media_changed: Callable[[], None] = lambda: None
        self.upload: Upload | None = None
        self.reading: Reading | None = None
        self.selected: Image | None = None
        self.cdrom = True
        self.rw = False
        self._clock = clock
        self._dialect = dialect
        self._log = log
        self._operating = False
        self._occupied_until = 0.0
        self._connected = False
        self._shown_connected_until = 0.0

    @property
    def connected(self) -> bool:
        """As the state tells it: after a reset it is told for a second more."""
        return self._connected or self._clock.now() < self._shown_connected_until

    @property
    def busy(self) -> bool:
        """Whether an operation is going on."""
        return self._operating or self._clock.now() < self._occupied_until

    def media(self) -> Media | None:
        """What the computer finds in its USB drive."""
        image = self.selected
        if image is None or not (self.online and self._connected) or self.storage.images.get(image.name) is not image:
            return None
        path = image.path if image.has_data else None
        return Media(image.name, image.stored, image.complete, image.sha256, self.cdrom, self.rw, path)

    def state(self) -> dict[str, Any]:
        """The answer to GET /api/msd."""
        present = self.enabled and self.online
        return {
            "enabled": self.enabled,
            "online": present,
            "busy": present and self.busy,
            "storage": self._storage_state() if present else None,
            "drive": self._drive_state() if present else None,
        }

    def occupy(self, seconds: float) -> None:
        """Be busy for so many device seconds (0: no longer) without doing anything."""
        self._occupied_until = self._clock.now() + seconds

    def set_online(self, online: bool) -> None:
        """Take the USB gadget away, from the computer too, or bring it back."""
        self.online = online
        self.media_changed()

    def restart(self) -> None:
        """What a restart of kvmd leaves: a running upload dies, a selection not connected is forgotten."""
        if self.upload is not None:
            self.upload.killed = True
        self._shown_connected_until = 0.0
        if not self._connected:
            self.selected, self.cdrom, self.rw = None, True, False
        self.storage.refresh()

    async def set_params(self, image: str | None, cdrom: bool | None, rw: bool | None) -> None:
        """Select an image (empty: none) and how it is shown."""
        with self._operation():
            self._check_disconnected()
            if image and "://" in image and self._dialect.remote_drive:
                raise errors.MsdRemoteDisabledError
            if image is not None:
                self.selected = self._listed(image) if image else None
            if self._dialect.strict_drive:
                self._set_flags_strictly(cdrom, rw)
            else:
                self._set_flags(cdrom, rw)

    async def set_connected(self, connected: bool) -> None:
        """Show the drive to the computer, or take it away; an error where it is so already."""
        with self._operation():
            if connected:
                self._check_disconnected()
                if self.selected is None:
                    raise errors.MsdImageNotSelected
                self._listed(self.selected.name)
            elif not self.connected:
                raise errors.MsdDisconnectedError
            self._connect(connected)

    async def remove(self, name: str) -> None:
        """Delete an image; if it was selected, nothing is selected any more."""
        with self._operation():
            self._check_disconnected()
            image = self._listed(name)
            if self.selected is image:
                self.selected = None
            self.storage.remove(name)
            self.storage.settled()
            self._log.write("msd", f"Removed image {name!r}")

    async def reset(self) -> None:
        """Take the drive away by force; the state notices a second later."""
        with self._operation(may_be_offline=True):
            if self._connected:
                self._shown_connected_until = self._clock.now() + RESET_LINGER
                self._connect(False)
            if not self._dialect.strict_drive:
                self.storage.refresh()

    @contextlib.asynccontextmanager
    async def writing(self, name: str, size: int, remove_incomplete: bool) -> AsyncIterator[Upload]:
        """An upload from its checks to its end; what fails leaves an incomplete image behind."""
        with self._operation(streams=True):
            self._check_disconnected()
            if name in self.storage.listed or name in self.storage.images:
                raise errors.MsdImageExistsError
            upload = Upload(self.storage, self._clock, self.storage.create(name, size))
            self.upload = upload
            started, out_of_space = self._clock.now(), False
            try:
                yield upload
            except StorageFullError:
                out_of_space = True
                raise
            finally:
                upload.close()
                self.upload = None
                late = not out_of_space and self._clock.now() - started > EARLY_FAILURE
                honoured = late or not self._dialect.strict_drive
                if remove_incomplete and honoured and not upload.image.complete and not upload.killed:
                    self.storage.remove(name)
                self.storage.touch()
                self.storage.settled()
                self._log.write("msd", f"Image {name!r}: {upload.image.stored} of {size} bytes written")

    @contextlib.asynccontextmanager
    async def reads(self, name: str) -> AsyncIterator[Reading]:
        """A download of a stored image, incomplete ones included."""
        with self._operation(streams=True):
            self._check_disconnected()
            image = self._listed(name)
            if not image.has_data:
                raise CrashError("The bytes of this image were not kept")
            self.reading = Reading(image, image.path.stat().st_size)
            try:
                yield self.reading
            finally:
                self.reading = None

    @contextlib.contextmanager
    def _operation(self, streams: bool = False, may_be_offline: bool = False) -> Iterator[None]:
        if not self.enabled:
            raise errors.MsdDisabledError
        if self.busy:
            raise errors.MsdIsBusyError
        if not self.online and not may_be_offline:
            if streams and not self._dialect.strict_drive:
                raise CrashError("The drive is gone")
            raise errors.MsdOfflineError
        self._operating = True
        try:
            yield
        finally:
            self._operating = False

    def _check_disconnected(self) -> None:
        if self.connected:
            raise errors.MsdConnectedError

    def _listed(self, name: str) -> Image:
        """An image the list shows; one the card no longer has counts as unknown."""
        if name not in self.storage.listed or name not in self.storage.images:
            raise errors.MsdUnknownImageError
        return self.storage.images[name]

    def _connect(self, connected: bool) -> None:
        self._connected = connected
        self._log.write("msd", "Connected the drive" if connected else "Disconnected the drive")
        self.media_changed()

    def _set_flags(self, cdrom: bool | None, rw: bool | None) -> None:
        if rw is not None:
            self.rw = rw
            if rw:
                self.cdrom = False
        if cdrom is not None:
            self.cdrom = cdrom
            if cdrom:
                self.rw = False

    def _set_flags_strictly(self, cdrom: bool | None, rw: bool | None) -> None:
        if cdrom is not None:
            self.cdrom = cdrom
        if rw is not None:
            self.rw = rw
        writable = self.selected is None or self.storage.entry(self.selected)["writable"]
        if self.cdrom or not writable:
            self.rw = False

    def _storage_state(self) -> dict[str, Any]:
        uploading = self.upload.progress() if self.upload else None
        reading = self.reading
        downloading = {"name": reading.image.name, "size": reading.size, "readed": reading.readed} if reading else None
        return {**self.storage.state(), "uploading": uploading, "downloading": downloading}

    def _drive_state(self) -> dict[str, Any]:
        image = None
        if self.selected is not None:
            in_storage = self.storage.images.get(self.selected.name) is self.selected
            image = {"name": self.selected.name, "in_storage": in_storage, **self.storage.entry(self.selected)}
        return {"image": image, "connected": self.connected, "cdrom": self.cdrom, "rw": self.rw}
