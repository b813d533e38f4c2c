# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MSD: the virtual drive, from any state to the wished one with the fewest requests."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from ._client.api import Pikvm
from ._client.errors import OptionError, StateError
from ._client.models import Drive, Image, Msd
from ._plan import Plan, Step


@dataclass(frozen=True)
class DriveWish:
    """The wish of a task; None leaves as it is.

    Attributes:
        state: connected, disconnected, ejected or reset.
        media_type: cdrom or flash.
        read_write: None makes an image that is newly selected read-only.
    """

    state: str
    image: str | None
    media_type: str | None
    read_write: bool | None
    wait_timeout: float


def busy(msd: Msd) -> str:
    """What the MSD is at, in words, or nothing."""
    if not msd.busy:
        return ""
    for doing, transfer, count in (("an upload", msd.uploading, "written"), ("a download", msd.downloading, "readed")):
        if transfer:
            return (
                f"The MSD is busy with {doing} of {transfer.get('name')} "
                f"({transfer.get(count)} of {transfer.get('size')} bytes)"
            )
    return "The MSD is busy with another operation"


def require_online(msd: Msd) -> Msd:
    """Raise StateError where there is no virtual drive."""
    drive_of(msd)
    return msd


def require_enabled(msd: Msd) -> Msd:
    """Raise StateError where there never is a virtual drive."""
    if not msd.enabled:
        raise StateError(
            "MSD is disabled on this PiKVM: it has no virtual drive. "
            "Its owner can enable it in /etc/kvmd/override.yaml (kvmd.msd.type)"
        )
    return msd


def drive_of(msd: Msd) -> Drive:
    """The virtual drive. Raises StateError where there is none."""
    require_enabled(msd)
    if not msd.online or msd.drive is None:
        raise StateError(
            "The MSD is offline: the PiKVM has no virtual drive now. See whether its USB gadget is enabled "
            "(kvmd-otgconf on the PiKVM) and its storage is mounted"
        )
    return msd.drive


def plan_reset(client: Pikvm, msd: Msd, wish: DriveWish) -> Plan[Msd]:
    """Take the drive away by force. There is nothing to compare, and an offline drive is a reason, not an obstacle.

    Raises:
        OptionError: the wish contradicts itself.
    """
    if (wish.image, wish.media_type, wish.read_write) != (None, None, None):
        raise OptionError("state", "reset selects nothing: it goes with neither image, media_type nor read_write")
    before = msd.drive.as_result() if msd.drive else None
    step: Step[Msd] = Step(
        name="reset",
        words="Resetting the drive",
        send=client.msd_reset,
        done=lambda found: not found.busy and not (found.drive and found.drive.connected),
        timeout=wish.wait_timeout,
        missed=lambda found: "the drive is still connected" if not found.busy else "the MSD is busy",
        telling=False,
    )
    return Plan({"drive": before}, {"drive": before and {**before, "connected": False}}, (step,))


def plan_drive(client: Pikvm, msd: Msd, wish: DriveWish) -> Plan[Msd]:
    """Disconnect, select and connect: only what is needed.

    Raises:
        OptionError: the wish contradicts itself or the storage.
        StateError: the MSD cannot do it.
    """
    drive = drive_of(msd)
    target = _target(msd, drive, wish)
    selected = target.image_name
    steps: list[Step[Msd]] = []
    reselect = (selected, target.cdrom, target.read_write) != (drive.image_name, drive.cdrom, drive.read_write)
    if drive.connected and (reselect or not target.connected):
        steps.append(_connect(client, False, wish))
    if reselect:
        steps.append(_select(client, target, wish))
    if target.connected and (steps or not drive.connected):
        steps.append(_connect(client, True, wish))
    return Plan({"drive": drive.as_result()}, {"drive": target.as_result()}, tuple(steps))


def _target(msd: Msd, drive: Drive, wish: DriveWish) -> Drive:
    named = (wish.image, wish.media_type, wish.read_write) != (None, None, None)
    if wish.state == "ejected":
        if named:
            raise OptionError("state", "ejected leaves no image: it goes with neither image, media_type nor read_write")
        return Drive(None, False, drive.cdrom, drive.read_write)
    if wish.state == "disconnected" and not named:
        return Drive(drive.image, False, drive.cdrom, drive.read_write)
    image = _target_image(msd, drive, wish)
    cdrom = drive.cdrom if wish.media_type is None else wish.media_type == "cdrom"
    return Drive(image, wish.state == "connected", cdrom, _target_read_write(drive, wish, image, cdrom))


def _target_image(msd: Msd, drive: Drive, wish: DriveWish) -> Image | None:
    image = drive.image if wish.image is None else msd.images.get(wish.image)
    if wish.image is not None and image is None:
        raise OptionError("image", f"{wish.image!r} is not in the storage of the PiKVM. {_stored(msd, wish.image)}")
    if wish.state == "connected" and image is None:
        raise OptionError("image", "is needed: no image is selected on the PiKVM yet")
    if wish.state == "connected" and image is not None and not image.complete:
        raise StateError(
            f"The image {image.name!r} is incomplete: its upload was cut off. "
            f"community.pikvm.pikvm_msd_image uploads it anew"
        )
    return image


def _target_read_write(drive: Drive, wish: DriveWish, image: Image | None, cdrom: bool) -> bool:
    if wish.read_write is None:
        return drive.read_write and not cdrom and wish.image in {None, drive.image_name}
    if wish.read_write and cdrom:
        known = "a CD-ROM" if wish.media_type else "a CD-ROM now, and media_type is not given"
        raise OptionError("read_write", f"the drive is {known}, which is never writable; use media_type=flash")
    if wish.read_write and image is not None and image.writable is False:
        why = "an .iso, or a write-protected file"
        raise OptionError("read_write", f"the PiKVM does not let {image.name!r} be written: it is {why}")
    return wish.read_write


def _connect(client: Pikvm, connected: bool, wish: DriveWish) -> Step[Msd]:
    word = "connect" if connected else "disconnect"
    return Step(
        name=word,
        words=f"Asking the PiKVM to {word} the drive",
        send=lambda: client.msd_set_connected(connected),
        done=lambda msd: not msd.busy and drive_of(msd).connected == connected,
        timeout=wish.wait_timeout,
        missed=lambda msd: f"the drive is {_words(msd)}",
        repeatable=True,
    )


def _select(client: Pikvm, target: Drive, wish: DriveWish) -> Step[Msd]:
    wanted = (target.image_name, target.cdrom, target.read_write)
    name = target.image_name or ""

    def selected(msd: Msd) -> bool:
        drive = drive_of(msd)
        shown = (drive.image_name, drive.cdrom, drive.read_write) if name else (drive.image_name,)
        return not msd.busy and shown == wanted[: len(shown)]

    def select() -> None:
        if name:
            client.msd_set_params(name, target.cdrom, target.read_write)
        else:
            client.msd_set_params("")

    return Step(
        name="select" if name else "eject",
        words=f"Asking the PiKVM to select {name!r} as {target.media_type}"
        if name
        else "Asking the PiKVM to eject the image",
        send=select,
        done=selected,
        timeout=min(wish.wait_timeout, 10.0),
        missed=lambda msd: _dropped(drive_of(msd), target),
        repeatable=True,
    )


def _dropped(drive: Drive, target: Drive) -> str:
    """What the device made of a selection it did not carry out."""
    if target.read_write and not drive.read_write and drive.image_name == target.image_name:
        return (
            f"the drive is read-only: the PiKVM dropped read_write in silence, as it does for an .iso, a CD-ROM and a "
            f"write-protected file. The image {target.image_name!r} is selected and not connected"
        )
    return f"the drive shows {drive.as_result()}"


def _words(msd: Msd) -> str:
    drive = drive_of(msd)
    return f"{'connected' if drive.connected else 'not connected'}, with {drive.image_name or 'no image'}"


def _stored(msd: Msd, name: str) -> str:
    if not msd.images:
        return "It stores no image at all"
    near = difflib.get_close_matches(name, msd.images, n=3, cutoff=0.5) or sorted(msd.images)[:10]
    return (
        f"It stores, among others: {', '.join(near)}"
        if len(msd.images) > len(near)
        else f"It stores: {', '.join(near)}"
    )
