# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual drive, from any state to any wish in the fewest requests."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError, PikvmError, StateError
from ansible_collections.community.pikvm.plugins.module_utils._client.models import Drive, Image, Msd
from ansible_collections.community.pikvm.plugins.module_utils._msd import DriveWish, busy, plan_drive
from ansible_collections.community.pikvm.plugins.module_utils._plan import Plan


class Asked:
    """Takes down what is asked of a PiKVM."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def msd_set_connected(self, connected: bool) -> None:
        self.asked.append("connect" if connected else "disconnect")

    def msd_set_params(self, image: str, cdrom: Any = None, read_write: Any = None) -> None:
        self.asked.append(
            f"select {image} {'cdrom' if cdrom else 'flash'} {'rw' if read_write else 'ro'}" if image else "eject"
        )


def stored(name: str, complete: bool = True, writable: Any = True) -> Image:
    return Image(name, 100, complete, 1.0, True, writable)


IMAGES = {
    image.name: image
    for image in (
        stored("a.iso", writable=False),
        stored("b.img"),
        stored("cut.img", complete=False),
        stored("old.img", writable=None),
    )
}


def msd(image: str | None = None, connected: bool = False, cdrom: bool = True, rw: bool = False) -> Msd:
    return Msd(True, True, False, IMAGES, {}, Drive(IMAGES[image] if image else None, connected, cdrom, rw))


def plan(
    client: Any, found: Msd, state: str, image: str | None = None, media: str | None = None, rw: bool | None = None
) -> Plan[Msd]:
    return plan_drive(client, found, DriveWish(state, image, media, rw, wait_timeout=60.0))


EMPTY = msd()
EMPTY_FLASH = msd(cdrom=False)
EMPTY_FLASH_RW = msd(cdrom=False, rw=True)
A_CD = msd("a.iso")
A_CD_IN = msd("a.iso", connected=True)
B_RW = msd("b.img", cdrom=False, rw=True)
B_RW_IN = msd("b.img", connected=True, cdrom=False, rw=True)
B_RO_IN = msd("b.img", connected=True, cdrom=False)

CONNECT = [
    (EMPTY, ("a.iso", "cdrom", None), ["select a.iso cdrom ro", "connect"]),
    (EMPTY, ("a.iso", None, None), ["select a.iso cdrom ro", "connect"]),
    (EMPTY, ("b.img", "flash", True), ["select b.img flash rw", "connect"]),
    (EMPTY_FLASH, ("old.img", None, True), ["select old.img flash rw", "connect"]),
    (EMPTY_FLASH_RW, ("b.img", None, None), ["select b.img flash ro", "connect"]),
    (A_CD, ("a.iso", "cdrom", False), ["connect"]),
    (A_CD, (None, None, None), ["connect"]),
    (A_CD, ("b.img", "flash", None), ["select b.img flash ro", "connect"]),
    (A_CD_IN, ("a.iso", "cdrom", False), []),
    (A_CD_IN, ("a.iso", None, None), []),
    (A_CD_IN, (None, None, None), []),
    (A_CD_IN, (None, "flash", None), ["disconnect", "select a.iso flash ro", "connect"]),
    (A_CD_IN, ("b.img", "flash", True), ["disconnect", "select b.img flash rw", "connect"]),
    (B_RW, (None, None, None), ["connect"]),
    (B_RW_IN, ("b.img", "flash", True), []),
    (B_RW_IN, ("b.img", None, None), []),
    (B_RW_IN, ("b.img", None, False), ["disconnect", "select b.img flash ro", "connect"]),
    (B_RW_IN, ("a.iso", None, None), ["disconnect", "select a.iso flash ro", "connect"]),
    (B_RW_IN, (None, "cdrom", None), ["disconnect", "select b.img cdrom ro", "connect"]),
    (B_RO_IN, (None, None, True), ["disconnect", "select b.img flash rw", "connect"]),
]

DISCONNECT = [
    (EMPTY, (None, None, None), []),
    (A_CD, (None, None, None), []),
    (A_CD_IN, (None, None, None), ["disconnect"]),
    (A_CD_IN, ("a.iso", None, None), ["disconnect"]),
    (A_CD, ("b.img", None, None), ["select b.img cdrom ro"]),
    (B_RW_IN, ("b.img", None, False), ["disconnect", "select b.img flash ro"]),
    (EMPTY, ("cut.img", None, None), ["select cut.img cdrom ro"]),
]

EJECT = [(EMPTY, []), (A_CD, ["eject"]), (A_CD_IN, ["disconnect", "eject"]), (B_RW_IN, ["disconnect", "eject"])]


@pytest.mark.parametrize(
    ("state", "found", "wish", "asked"),
    [
        *[("connected", *row) for row in CONNECT],
        *[("disconnected", *row) for row in DISCONNECT],
        *[("ejected", found, (None, None, None), asked) for found, asked in EJECT],
    ],
)
def test_fewest_requests(state: str, found: Msd, wish: tuple[Any, Any, Any], asked: list[str]) -> None:
    client = Asked()
    found_plan = plan(client, found, state, *wish)
    for step in found_plan.steps:
        step.send()
    assert client.asked == asked
    assert (found_plan.before == found_plan.after) is (asked == [])
    assert found_plan.after["drive"]["connected"] is (state == "connected")


@pytest.mark.parametrize(
    ("found", "state", "wish", "message"),
    [
        (EMPTY, "connected", (None, None, None), "image: is needed: no image is selected on the PiKVM yet"),
        (
            EMPTY,
            "connected",
            ("nope.iso", None, None),
            "image: 'nope.iso' is not in the storage of the PiKVM. It stores",
        ),
        (
            EMPTY,
            "connected",
            ("b.imgg", None, None),
            "image: 'b.imgg' is not in the storage of the PiKVM. It stores, among others: b.img",
        ),
        (EMPTY, "connected", ("cut.img", None, None), "The image 'cut.img' is incomplete: its upload was cut off."),
        (EMPTY, "connected", ("b.img", "cdrom", True), "read_write: the drive is a CD-ROM, which is never writable"),
        (
            EMPTY,
            "connected",
            ("b.img", None, True),
            "read_write: the drive is a CD-ROM now, and media_type is not given",
        ),
        (
            EMPTY,
            "connected",
            ("a.iso", "flash", True),
            "read_write: the PiKVM does not let 'a.iso' be written: it is an .iso",
        ),
        (EMPTY, "ejected", ("a.iso", None, None), "state: ejected leaves no image"),
        (EMPTY, "ejected", (None, "cdrom", None), "state: ejected leaves no image"),
        (EMPTY, "ejected", (None, None, False), "state: ejected leaves no image"),
    ],
)
def test_wish_that_cannot_be_met(found: Msd, state: str, wish: tuple[Any, Any, Any], message: str) -> None:
    with pytest.raises((OptionError, StateError)) as caught:
        plan(Asked(), found, state, *wish)
    assert str(caught.value).startswith(message)


def test_storage_without_images_is_told() -> None:
    with pytest.raises(OptionError, match="It stores no image at all"):
        plan(Asked(), Msd(True, True, False, {}, {}, Drive(None, False, True, False)), "connected", "a.iso")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (Msd(False, False, False, {}, {}, None), "MSD is disabled on this PiKVM"),
        (Msd(True, False, False, {}, {}, None), "The MSD is offline"),
        (Msd(True, False, False, {}, {}, Drive(None, False, True, False)), "The MSD is offline"),
        (Msd(True, True, False, {}, {}, None), "The MSD is offline"),
    ],
)
def test_missing_drive_is_told_in_words(found: Msd, message: str) -> None:
    with pytest.raises(PikvmError, match=f"^{message}"):
        plan(Asked(), found, "ejected")


@pytest.mark.parametrize(
    ("transfer", "words"),
    [
        ({}, "The MSD is busy with another operation"),
        (
            {"uploading": {"name": "a.iso", "size": 9, "written": 3}},
            "The MSD is busy with an upload of a.iso (3 of 9 bytes)",
        ),
        (
            {"downloading": {"name": "a.iso", "size": 9, "readed": 4}},
            "The MSD is busy with a download of a.iso (4 of 9 bytes)",
        ),
    ],
)
def test_busy_msd_says_with_what(transfer: dict[str, Any], words: str) -> None:
    assert busy(Msd(True, True, True, {}, {}, None, **transfer)) == words
    assert busy(Msd(True, True, False, {}, {}, None, **transfer)) == ""
