# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of an image: read in blocks, and not believed to hold still."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError
from ansible_collections.community.pikvm.plugins.module_utils._client.upload import BLOCK, ImageFile

DATA = os.urandom(2 * BLOCK + 17)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "a.iso"
    file.write_bytes(DATA)
    return file


def test_file_is_sent_whole_in_blocks(path: Path) -> None:
    seen: list[int] = []
    image = ImageFile(str(path), on_progress=seen.append)
    blocks = list(image)
    assert b"".join(blocks) == DATA
    assert [len(block) for block in blocks] == [BLOCK, BLOCK, 17]
    assert seen == [BLOCK, 2 * BLOCK, len(DATA)]
    assert (len(image), image.size, image.sent) == (len(DATA), len(DATA), len(DATA))


def test_file_is_hashed(path: Path) -> None:
    assert ImageFile(str(path)).sha256() == hashlib.sha256(DATA).hexdigest()


def test_growth_is_not_sent_but_noticed(path: Path) -> None:
    image = ImageFile(str(path))
    path.write_bytes(DATA + b"more")
    assert b"".join(image) == DATA
    with pytest.raises(OptionError, match=r"^src: .*a\.iso changed while it was sent$"):
        image.check_unchanged()


def test_shrinking_is_told(path: Path) -> None:
    image = ImageFile(str(path))
    path.write_bytes(DATA[: BLOCK + 5])
    with pytest.raises(OptionError, match=r"^src: .*a\.iso became shorter while it was read$"):
        list(image)
    assert image.sent == BLOCK + 5


def test_exchange_for_a_file_of_the_same_size_is_noticed(path: Path) -> None:
    image = ImageFile(str(path))
    image.check_unchanged()
    other = path.with_name("other")
    other.write_bytes(DATA[::-1])
    other.replace(path)
    with pytest.raises(OptionError, match="changed while it was sent"):
        image.check_unchanged()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.iso", "cannot read {path}: No such file or directory"),
        ("folder", "{path} is a directory; an image file is needed"),
        ("pipe", "{path} is not a regular file; an image file is needed"),
        ("empty.iso", "{path} is empty"),
        ("a.iso/inside", "cannot read {path}: Not a directory"),
        ("nul\0", "cannot read {path}: (stat: )?embedded null (byte|character in path)"),
    ],
)
def test_what_is_no_image_file_is_refused(path: Path, name: str, message: str) -> None:
    folder = path.parent
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "empty.iso").touch()
    with pytest.raises(OptionError) as caught:
        ImageFile(str(folder / name))
    assert re.fullmatch("src: " + message.format(path=re.escape(str(folder / name))), str(caught.value))


@pytest.fixture
def nobody() -> Iterator[None]:
    """Without the rights of root, who reads everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_unreadable_file_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    path.chmod(0)
    path.parent.chmod(0o755)
    monkeypatch.chdir(path.parent)
    request.getfixturevalue("nobody")
    with pytest.raises(OptionError, match=r"^src: cannot read a\.iso: Permission denied$"):
        ImageFile("a.iso")
