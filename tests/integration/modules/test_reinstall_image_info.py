# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looks at an image before a server is touched: what it refuses, and that it reads a large one once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._hashes import SMALL
from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, Outcome, task

NEVER = "ab" * 32
"""A hash that no file here has."""


def look(ansible: Ansible, sim: Simulator, *asked: tuple[str, str | None]) -> list[Outcome]:
    """Look at files in the playbook's folder, of which each has to have a hash."""
    tasks = [task("reinstall_image_info", path=path, checksum=checksum) for path, checksum in asked]
    return ansible.play({"server": Host(sim, tasks)}, defaults=False).hosts["server"]


def test_image_is_told_or_refused(ansible: Ansible, sim: Simulator, tmp_path: Path) -> None:
    data = b"an image" * 1000
    sha256 = hashlib.sha256(data).hexdigest()
    (tmp_path / "a.iso").write_bytes(data)
    (tmp_path / "empty.iso").touch()
    told, right, *refused = look(
        ansible,
        sim,
        ("a.iso", None),
        ("a.iso", f"sha256:{sha256.upper()}"),
        ("a.iso", f"sha256:{NEVER}"),
        ("a.iso", sha256),
        ("empty.iso", None),
        ("none.iso", None),
        (".", None),
    )
    assert (told.ok, told["size"], told["sha256"], told.changed) == (True, len(data), sha256, False)
    assert right.ok
    assert [outcome.msg for outcome in refused] == [
        f"checksum: a.iso is not the image that is meant: it has sha256:{sha256}",
        "checksum: must be sha256: and 64 hexadecimal digits",
        "path: empty.iso is empty",
        "path: cannot read none.iso: No such file or directory",
        "path: . is a directory; an image file is needed",
    ]


@pytest.mark.parametrize("touched", [False, True])
def test_large_image_is_read_again_only_if_it_was_touched(
    ansible: Ansible, sim: Simulator, tmp_path: Path, touched: bool
) -> None:
    image = tmp_path / "a.iso"
    image.write_bytes(bytes(SMALL))
    sha256 = hashlib.sha256(bytes(SMALL)).hexdigest()
    (first,) = look(ansible, sim, ("a.iso", None))
    assert first["sha256"] == sha256
    (notes,) = (tmp_path / ".ansible" / "pikvm" / "hashes").iterdir()
    assert notes.stat().st_mode & 0o077 == 0
    kept = json.loads(notes.read_text(encoding="utf-8"))
    notes.write_text(json.dumps({**kept, "sha256": NEVER}), encoding="utf-8")
    if touched:
        image.touch()
    (second,) = look(ansible, sim, ("a.iso", None))
    assert second["sha256"] == (sha256 if touched else NEVER)
