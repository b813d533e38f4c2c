# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that Linux unpacks into its first file system (format newc)."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass

CONSOLE = (5, 1)


@dataclass(frozen=True)
class Entry:
    """A file, a folder (no data) or a device."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(name: str) -> Entry:
    return Entry(name, stat.S_IFDIR | 0o755)


def file(name: str, data: bytes, executable: bool = False) -> Entry:
    return Entry(name, stat.S_IFREG | (0o755 if executable else 0o644), data)


def console() -> Entry:
    """What the first process reads and writes before it has mounted anything."""
    return Entry("dev/console", stat.S_IFCHR | 0o600, device=CONSOLE)


def archive(entries: list[Entry]) -> bytes:
    """All entries; file contents are in it byte by byte, uncompressed."""
    return b"".join(piece for entry in [*entries, Entry("TRAILER!!!", 0)] for piece in _pieces(entry))


def head(name: str, size: int) -> bytes:
    """What comes before the content of a file, for an archive that is put together elsewhere."""
    return b"".join(_pieces(file(name, bytes(size))))[:-size]


def _pieces(entry: Entry) -> Iterator[bytes]:
    name = entry.name.encode() + b"\0"
    numbers = (0, entry.mode, 0, 0, 1, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + name
    yield head + bytes(-len(head) % 4)
    yield entry.data + bytes(-len(entry.data) % 4)
