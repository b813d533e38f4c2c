# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in the storage of a PiKVM: present and whole, or absent."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import unquote, urlsplit

from ._client.api import Pikvm, Transferred
from ._client.errors import (
    AnswerError,
    LostAnswerError,
    OptionError,
    PikvmError,
    ServerFault,
    StateError,
)
from ._client.models import Image, Msd, parse_image_name
from ._client.upload import ImageFile
from ._hashes import sha256_of
from ._msd import busy, drive_of, require_online
from ._plan import Plan, Run, Step
from ._progress import Progress

LISTED_WITHIN = 3.0
"""Seconds until the rest of a failed transfer has to be listed: the list is up to a second old, and cards are slow."""


@dataclass(frozen=True)
class ImageWish:
    """The wish of a task.

    Attributes:
        source: the local file, or None where the PiKVM fetches `download_url`, or where the image is to be absent.
        sha256: hex digits that the image has to have, if that is to be looked at.
        by_content: `compare=content` was asked for, so a stored image that cannot be read is an error.
        force: transfer even what is right already.
    """

    name: str
    source: ImageFile | None
    download_url: str | None
    download_timeout: float
    download_validate_certs: bool
    sha256: str | None
    by_content: bool
    force: bool
    wait_timeout: float


@dataclass
class Store:
    """The storage of one PiKVM, and what went there.

    Attributes:
        tell: takes a line about the progress of a transfer now and then, if anybody wants to see it.
    """

    client: Pikvm
    run: Run
    warn: Callable[[str], None]
    tell: Callable[[str], None] | None = None
    transferred: int = 0
    elapsed: float = 0.0
    hashed: dict[Image, str] = field(default_factory=dict)
    last: Msd | None = None

    def read(self) -> Msd:
        self.last = require_online(self.client.msd())
        return self.last

    def observe(self) -> Msd:
        return self.run.idle(self.read, busy)

    def sha256(self, image: Image) -> str:
        """The SHA-256 of a stored image. Reads it back, once, which needs a disconnected drive."""
        if image not in self.hashed:
            self.hashed[image] = self.client.msd_sha256(image.name, image.size)
            self.observe()  # the drive stays busy for a moment
        return self.hashed[image]

    def describe(self, name: str) -> dict[str, Any] | None:
        """The image as it was listed last."""
        image = self.last.images.get(name) if self.last else None
        return dict(_shown(image) or {}, sha256=self.hashed.get(image)) if image else None


def foretell(plan: Plan[Msd]) -> dict[str, Any] | None:
    """The image after a plan that was not carried out. Nobody knows the size of what was not fetched yet."""
    image: dict[str, Any] | None = plan.after["image"]
    return {"name": image["name"], "size": image.get("size"), "complete": True, "sha256": None} if image else None


def image_wish(params: dict[str, Any]) -> ImageWish:
    """The wish that a module's parameters name.

    Raises:
        OptionError: a value cannot be used, or `src` is not what `checksum` says.
    """
    present = params["state"] == "present"
    src, address = (params["src"], params["download_url"]) if present else (None, None)
    _check_addresses(src, address)
    source = ImageFile(src) if src else None
    name = params["name"] if params["name"] is not None else _last_part(src or address or "")
    checksum = parse_checksum(params["checksum"]) if present and params["checksum"] else None
    by_content = present and params["compare"] == "content"
    sha256 = sha256_of(source) if source and (checksum or by_content) else checksum
    if checksum and sha256 != checksum:
        raise OptionError("checksum", f"src is not the image that is meant: {src} has sha256:{sha256}")
    if by_content and not sha256:
        raise OptionError("compare", "content needs checksum where the image comes from download_url")
    return ImageWish(
        name=parse_image_name(name),
        source=source,
        download_url=address,
        download_timeout=params["download_timeout"],
        download_validate_certs=params["download_validate_certs"],
        sha256=sha256,
        by_content=by_content,
        force=params["force"],
        wait_timeout=params["wait_timeout"],
    )


def parse_checksum(text: str) -> str:
    """The hex digits of `sha256:...`. Raises OptionError for anything else."""
    match = re.fullmatch(r"sha256:([0-9a-fA-F]{64})", text.strip())
    if not match:
        raise OptionError("checksum", "must be sha256: and 64 hexadecimal digits")
    return match.group(1).lower()


def _check_addresses(src: str | None, address: str | None) -> None:
    if src and re.search(r"(^|/)https?:/", src):
        raise OptionError("src", "is a file; use download_url for an address from which the PiKVM fetches the image")
    if address and not re.match(r"https?://[^/\s]+", address, re.IGNORECASE):
        raise OptionError("download_url", "must begin with http:// or https:// and name a host")


def _last_part(place: str) -> str:
    """The file name at the end of a path or an address."""
    path = unquote(urlsplit(place).path) if "://" in place else place
    return path.rstrip("/").rpartition("/")[2]


def plan_absent(store: Store, msd: Msd, wish: ImageWish) -> Plan[Msd]:
    """Remove the image if it is there. Raises StateError where the device could not."""
    stored = msd.images.get(wish.name)
    before = {"image": _shown(stored)}
    if stored is None:
        return Plan(before, before)
    _require_free_hands(msd, "remove", stored)
    return Plan(before, {"image": None}, (_remove(store, wish),))


def plan_present(store: Store, msd: Msd, wish: ImageWish) -> Plan[Msd]:
    """Transfer the image unless it is there, whole, and right; what is in its place goes first.

    Raises:
        StateError: the device could not do it.
    """
    stored = msd.images.get(wish.name)
    fault = "is missing" if stored is None else _fault(store, msd, stored, wish)
    before = {"image": _shown(stored)}
    if not fault:
        return Plan(before, before)
    _require_free_hands(msd, "replace" if stored else "upload", stored)
    _require_room(msd, wish, stored)
    steps: list[Step[Msd]] = [_remove(store, wish)] if stored else []
    steps.append(_transfer(store, wish))
    if wish.sha256 and (wish.by_content or wish.source is None):
        steps.append(_verify(store, wish))
    after: dict[str, Any] = {"name": wish.name, "complete": True}
    if wish.source:
        after["size"] = wish.source.size
    return Plan(before, {"image": after}, tuple(steps))


def _fault(store: Store, msd: Msd, stored: Image, wish: ImageWish) -> str:
    """Why the stored image is not the wished one, or nothing."""
    if not stored.complete:
        return "is incomplete"
    if wish.force:
        return "is to be replaced"
    if wish.source and stored.size != wish.source.size:
        return "has another size"
    if not wish.sha256:
        return ""
    if not drive_of(msd).connected:
        return "" if store.sha256(stored) == wish.sha256 else "has another content"
    if wish.by_content:
        raise StateError(
            f"The drive is connected with {drive_of(msd).image_name!r}, and a PiKVM reads no image back meanwhile: "
            f"compare=content is not possible. Disconnect it first (community.pikvm.pikvm_msd_drive)"
        )
    store.warn(
        f"The image {stored.name} could not be compared with checksum while the drive is connected; "
        f"its name, completeness{' and size' if wish.source else ''} were compared"
    )
    return ""


def _require_free_hands(msd: Msd, verb: str, stored: Image | None) -> None:
    drive = drive_of(msd)
    if drive.connected:
        raise StateError(
            f"Cannot {verb} an image while the drive is connected (with {drive.image_name!r}): "
            f"the server may be reading it. Disconnect it first (community.pikvm.pikvm_msd_drive, state=disconnected)"
        )
    if stored and stored.removable is False:
        raise StateError(f"Cannot {verb} {stored.name!r}: the PiKVM says that this image can't be removed")


def _require_room(msd: Msd, wish: ImageWish, stored: Image | None) -> None:
    """Refuse what the storage cannot hold. The device itself would not look, and fail when it is full."""
    part = msd.part_of(wish.name)
    if part is None:
        return
    if not part.writable:
        raise StateError(f"Cannot store {wish.name!r}: that part of the PiKVM's storage is read-only")
    free = part.free + (stored.size if stored else 0)
    if wish.source and wish.source.size > free:
        raise StateError(
            f"Cannot store {wish.name!r}: it has {wish.source.size} bytes, and the PiKVM has {free} bytes free. "
            f"Remove images that are no longer needed (community.pikvm.pikvm_msd_image with state=absent)"
        )


def _remove(store: Store, wish: ImageWish) -> Step[Msd]:
    return Step(
        name="remove",
        words=f"Removing {wish.name!r}",
        send=lambda: store.client.msd_remove(wish.name),
        done=lambda msd: not msd.busy and wish.name not in msd.images,
        timeout=wish.wait_timeout,
        missed=lambda _: "it is still listed",
        repeatable=True,
    )


def _transfer(store: Store, wish: ImageWish) -> Step[Msd]:
    def listed(msd: Msd) -> bool:
        image = msd.images.get(wish.name)
        right_size = image is not None and (wish.source is None or image.size == wish.source.size)
        return not msd.busy and image is not None and image.complete and right_size

    return Step(
        name="upload" if wish.source else "download",
        words=f"Storing {wish.name!r}",
        send=lambda: _send(store, wish),
        done=listed,
        timeout=wish.wait_timeout,
        missed=lambda msd: f"the PiKVM lists {_shown(msd.images.get(wish.name)) or 'no such image'}",
        clean_up=lambda exc: _clean_up(store, wish, exc),
    )


def _send(store: Store, wish: ImageWish) -> None:
    _require_room(store.read(), wish, None)
    store.hashed.clear()
    start = time.monotonic()
    try:
        done = _transfer_once(store, wish)
    except ServerFault as exc:
        exc.notes.append(_bare_fault(wish))
        raise
    store.elapsed = time.monotonic() - start
    store.transferred = done.written
    if done.name != wish.name:
        raise StateError(f"The PiKVM stored {wish.name!r} under the name {done.name!r}: use that as name")
    if wish.source:
        if done.written != wish.source.size:
            raise LostAnswerError(f"The PiKVM wrote {done.written} of {wish.source.size} bytes of {wish.name!r}")
        wish.source.check_unchanged()


def _transfer_once(store: Store, wish: ImageWish) -> Transferred:
    progress = Progress(wish.name, store.tell) if store.tell else None
    if wish.source:
        size = wish.source.size
        wish.source.stall = wish.wait_timeout
        wish.source.on_progress = (lambda sent: progress(sent, size)) if progress else None
        return store.client.msd_write(wish.name, wish.source)
    return store.client.msd_write_remote(
        wish.name,
        wish.download_url or "",
        wish.download_timeout,
        not wish.download_validate_certs,
        wish.wait_timeout,
        progress,
    )


def _bare_fault(wish: ImageWish) -> str:
    folder = wish.name.rpartition("/")[0]
    if folder:
        return (
            f"A PiKVM answers so where the folder {folder!r} does not exist in its storage, and it cannot make one: "
            f"make it by hand, or use a name without a folder. It answers so, too, when its storage fills up"
        )
    return "A PiKVM answers so when its storage fills up or fails: see the free space and the kvmd log"


def _verify(store: Store, wish: ImageWish) -> Step[Msd]:
    """Reading back what was stored, where the transfer itself proves nothing about the content."""

    def compare() -> None:
        image = store.observe().images.get(wish.name)
        found = store.sha256(image) if image else "of nothing: it is gone"
        if found != wish.sha256:
            raise StateError(
                f"The image {wish.name!r} has arrived with another content: its SHA-256 is {found}, not {wish.sha256}"
            )

    return Step(
        name="verify",
        words=f"Reading {wish.name!r} back",
        send=compare,
        clean_up=lambda exc: _clean_up(store, wish, exc),
    )


def _clean_up(store: Store, wish: ImageWish, exc: PikvmError) -> None:
    """Leave nothing half-done or wrong behind, and nothing removed that is not ours."""
    broken = isinstance(exc, (LostAnswerError, AnswerError, ServerFault)) or getattr(exc, "status", None) == 200
    wrong = isinstance(exc, (OptionError, StateError))
    if not (broken or wrong):
        return  # refused: whatever is there was there before
    store.run.wait(store.read, lambda msd: not msd.busy and wish.name in msd.images, LISTED_WITHIN)
    image = store.observe().images.get(wish.name)
    if image is None or (image.complete and not wrong):
        return
    store.client.msd_remove(wish.name)
    store.run.wait(store.read, lambda msd: wish.name not in msd.images, wish.wait_timeout)
    exc.notes.append(f"What had arrived of {wish.name!r} was removed again")


def _shown(image: Image | None) -> dict[str, Any] | None:
    return {"name": image.name, "size": image.size, "complete": image.complete} if image else None
