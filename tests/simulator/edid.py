# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EDIDs: what a monitor tells of itself."""

from __future__ import annotations

import functools
import struct
from typing import Any

HEADER = bytes.fromhex("00FFFFFFFFFFFF00")
LENGTH = 128
"""Bytes of one block; an extension block may follow."""

MONITOR_NAME, MONITOR_SERIAL = 0xFC, 0xFF
DESCRIPTORS = range(54, 126, 18)
AUDIO_OFFSET, AUDIO_BIT = LENGTH + 3, 0x40


@functools.lru_cache(maxsize=64)
def parse(data: str) -> dict[str, Any] | None:
    """What hexadecimal EDID data say; null where they are no EDID."""
    block = bytes.fromhex(data)
    if not block.startswith(HEADER):
        return None
    maker, product, serial = struct.unpack_from(">H", block, 8) + struct.unpack_from("<HI", block, 10)
    return {
        "mfc_id": "".join(chr((maker >> shift & 0x1F) + ord("A") - 1) for shift in (10, 5, 0)),
        "product_id": product,
        "serial": serial,
        "monitor_name": _text(block, MONITOR_NAME),
        "monitor_serial": _text(block, MONITOR_SERIAL),
        "audio": len(block) > AUDIO_OFFSET and bool(block[AUDIO_OFFSET] & AUDIO_BIT),
    }


def _text(block: bytes, kind: int) -> str | None:
    for start in DESCRIPTORS:
        if block[start : start + 4] == bytes([0, 0, 0, kind]):
            return block[start + 5 : start + 18].split(b"\n")[0].decode("cp437")
    return None


def _build(name: str) -> str:
    """A minimal EDID with a valid checksum."""
    block = bytearray(LENGTH)
    block[0:8] = HEADER
    block[8:16] = struct.pack(">H", 0x5262) + struct.pack("<HI", 0x8888, 0x88888800)
    block[18:20] = bytes([1, 3])
    block[54:59] = bytes([0, 0, 0, MONITOR_NAME, 0])
    block[59:72] = f"{name}\n".encode().ljust(13)
    block[127] = -sum(block) % 256
    return block.hex().upper()


FACTORY = _build("PiKVM")
"""The one every port begins with."""
