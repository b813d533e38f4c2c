# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be removed and transferred, and what is refused beforehand."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError, StateError
from ansible_collections.community.pikvm.plugins.module_utils._client.models import Drive, Image, Msd, Part
from ansible_collections.community.pikvm.plugins.module_utils._image import Store, image_wish, plan_absent, plan_present
from ansible_collections.community.pikvm.plugins.module_utils._plan import Run

DATA = b"an image" * 100
SHA256 = hashlib.sha256(DATA).hexdigest()
OTHER = "0" * 64
URL = "https://example.com/images/a.iso?x=1"


@pytest.fixture
def src(tmp_path: Path) -> str:
    path = tmp_path / "a.iso"
    path.write_bytes(DATA)
    return str(path)


def params(**values: Any) -> dict[str, Any]:
    return {
        "state": "present",
        "name": None,
        "src": None,
        "download_url": None,
        "checksum": None,
        "compare": "size",
        "force": False,
        "download_timeout": 10.0,
        "download_validate_certs": True,
        "wait_timeout": 60.0,
        **values,
    }


class Reader:
    """A PiKVM whose stored image has the content DATA."""

    def __init__(self, found: Msd) -> None:
        self.found = found
        self.reads = 0

    def msd(self) -> Msd:
        return self.found

    def msd_sha256(self, _name: str, _size: int | None = None) -> str:
        self.reads += 1
        return SHA256


def msd(stored: Image | None = None, connected: bool = False, free: int = 10**6, writable: bool = True) -> Msd:
    images = {stored.name: stored} if stored else {}
    return Msd(True, True, False, images, {"": Part(10**7, free, writable)}, Drive(None, connected, True, False))


def image(size: int = len(DATA), complete: bool = True, removable: Any = True) -> Image:
    return Image("a.iso", size, complete, 1.0, removable, None)


def store(found: Msd, warnings: list[str] | None = None) -> tuple[Store, Any]:
    reader: Any = Reader(found)
    return Store(reader, Run(), (warnings if warnings is not None else []).append), reader


CHECK = {"checksum": f"sha256:{SHA256}"}
CONTENT = {"compare": "content"}


@pytest.mark.parametrize(
    ("stored", "values", "steps"),
    [
        (None, {}, ["upload"]),
        (None, CONTENT, ["upload", "verify"]),
        (None, CHECK, ["upload"]),
        (image(), {}, []),
        (image(), {"force": True}, ["remove", "upload"]),
        (image(), CHECK, []),
        (image(), CONTENT, []),
        (image(size=99), {}, ["remove", "upload"]),
        (image(size=99), CONTENT, ["remove", "upload", "verify"]),
        (image(complete=False), {}, ["remove", "upload"]),
        (image(complete=False, size=99), CHECK, ["remove", "upload"]),
    ],
)
def test_steps_from_what_is_stored_to_the_local_file(
    src: str, stored: Image | None, values: Any, steps: list[str]
) -> None:
    found = msd(stored)
    wish = image_wish(params(src=src, **values))
    plan = plan_present(store(found)[0], found, wish)
    assert [step.name for step in plan.steps] == steps
    if steps:
        assert plan.after == {"image": {"name": "a.iso", "size": len(DATA), "complete": True}}
    else:
        assert plan.after == plan.before


@pytest.mark.parametrize(
    ("stored", "values", "steps"),
    [
        (None, {}, ["download"]),
        (None, CHECK, ["download", "verify"]),
        (image(), {}, []),
        (image(size=5), {}, []),
        (image(), CHECK, []),
        (image(), {"checksum": f"sha256:{OTHER}"}, ["remove", "download", "verify"]),
        (image(complete=False), {}, ["remove", "download"]),
    ],
)
def test_steps_from_what_is_stored_to_the_address(stored: Image | None, values: Any, steps: list[str]) -> None:
    found = msd(stored)
    plan = plan_present(store(found)[0], found, image_wish(params(download_url=URL, **values)))
    assert [step.name for step in plan.steps] == steps


@pytest.mark.parametrize(
    ("stored", "values", "reads"),
    [(image(), {}, 0), (image(), CHECK, 1), (image(), CONTENT, 1), (image(size=9), CHECK, 0), (None, CONTENT, 0)],
)
def test_stored_image_is_read_back_only_where_that_decides(
    src: str, stored: Image | None, values: Any, reads: int
) -> None:
    found = msd(stored)
    stock, reader = store(found)
    plan_present(stock, found, image_wish(params(src=src, **values)))
    assert reader.reads == reads


def test_connected_drive_is_compared_as_far_as_it_goes(src: str) -> None:
    warnings: list[str] = []
    found = msd(image(), connected=True)
    stock, reader = store(found, warnings)
    assert plan_present(stock, found, image_wish(params(src=src, **CHECK))).steps == ()
    assert reader.reads == 0
    (warning,) = warnings
    assert warning.startswith("The image a.iso could not be compared with checksum while the drive is connected; ")
    assert warning.endswith("its name, completeness and size were compared")


@pytest.mark.parametrize(
    ("found", "values", "message"),
    [
        (msd(connected=True), {}, "Cannot upload an image while the drive is connected (with None)"),
        (msd(image(size=9), connected=True), {}, "Cannot replace an image while the drive is connected"),
        (msd(image(), connected=True), CONTENT, "The drive is connected with None, and a PiKVM reads no image back"),
        (msd(image(size=9, removable=False)), {}, "Cannot replace 'a.iso': the PiKVM says that this image can't be"),
        (msd(free=799), {}, "Cannot store 'a.iso': it has 800 bytes, and the PiKVM has 799 bytes free. Remove images"),
        (msd(image(size=100, complete=True), free=699), {}, "Cannot store 'a.iso': it has 800 bytes, and"),
        (msd(writable=False), {}, "Cannot store 'a.iso': that part of the PiKVM's storage is read-only"),
    ],
)
def test_refused_before_the_first_byte(src: str, found: Msd, values: Any, message: str) -> None:
    with pytest.raises(StateError, match="^" + re.escape(message)):
        plan_present(store(found)[0], found, image_wish(params(src=src, **values)))


@pytest.mark.parametrize("found", [msd(free=800), msd(image(size=100), free=700)])
def test_space_that_just_suffices_suffices(src: str, found: Msd) -> None:
    assert plan_present(store(found)[0], found, image_wish(params(src=src))).steps


def test_removal() -> None:
    wish = image_wish(params(state="absent", name="a.iso"))
    found = msd(image())
    assert [step.name for step in plan_absent(store(found)[0], found, wish).steps] == ["remove"]
    assert plan_absent(store(msd())[0], msd(), wish).steps == ()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (msd(image(), connected=True), "Cannot remove an image while the drive is connected"),
        (msd(image(removable=False)), "Cannot remove 'a.iso': the PiKVM says that this image can't be removed"),
    ],
)
def test_removal_refused_beforehand(found: Msd, message: str) -> None:
    with pytest.raises(StateError, match="^" + re.escape(message)):
        plan_absent(store(found)[0], found, image_wish(params(state="absent", name="a.iso")))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"download_url": URL}, "a.iso"),
        ({"download_url": "http://example.com/x%20y.iso"}, "x y.iso"),
        ({"download_url": URL, "name": "debian/b.iso"}, "debian/b.iso"),
        ({"state": "absent", "name": " /c.iso"}, "c.iso"),
    ],
)
def test_name_of_the_image(values: dict[str, Any], name: str) -> None:
    assert image_wish(params(**values)).name == name


def test_name_is_that_of_the_file_unless_told(src: str) -> None:
    assert image_wish(params(src=src)).name == "a.iso"
    assert image_wish(params(src=src, name="b.iso")).name == "b.iso"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"download_url": "ftp://example.com/a.iso"}, "download_url: must begin with http:// or https://"),
        ({"download_url": "https:///a.iso"}, "download_url: must begin with http:// or https://"),
        ({"download_url": "https://example.com/"}, "name: is empty; an image needs a name"),
        ({"src": "/images/https:/example.com/a.iso"}, "src: is a file; use download_url for an address"),
        ({"src": "https://example.com/a.iso"}, "src: is a file; use download_url for an address"),
        ({"download_url": URL, "compare": "content"}, "compare: content needs checksum where the image comes from"),
        ({"download_url": URL, "name": ""}, "name: is empty; an image needs a name"),
        ({"download_url": URL, "checksum": "md5:1"}, "checksum: must be sha256: and 64 hexadecimal digits"),
        ({"state": "absent", "name": "../x"}, "name: '../x' is not a valid image name"),
    ],
)
def test_wish_that_means_nothing(values: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match="^" + re.escape(message)):
        image_wish(params(**values))


def test_local_file_that_is_not_the_one_meant_is_refused(src: str) -> None:
    with pytest.raises(OptionError) as caught:
        image_wish(params(src=src, checksum=f"sha256:{OTHER}"))
    assert str(caught.value) == f"checksum: src is not the image that is meant: {src} has sha256:{SHA256}"
