# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text in a picture, as Tesseract reads it: the program that a PiKVM uses, too."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import io
import os
import shutil
import subprocess

from PIL import Image

from .errors import OcrError
from .picture import Region

PROGRAM = "tesseract"
KEPT = 64
"""Texts that are kept: who waits for a text asks for the same picture again and again, and reading one takes a core."""

_texts: dict[bytes, str] = {}


@functools.cache
def languages() -> list[str]:
    """What can be read; nothing where the program is not installed."""
    if shutil.which(PROGRAM) is None:
        return []
    told = subprocess.run([PROGRAM, "--list-langs"], capture_output=True, text=True, check=False)
    return told.stdout.split("\n")[1:-1]


async def read(jpeg: bytes, part: Region) -> str:
    """The text in a part of a picture; `OcrError` where the program fails."""
    cut = io.BytesIO()
    with Image.open(io.BytesIO(jpeg)) as image:
        image.crop(part).save(cut, "BMP")
    key = hashlib.sha256(cut.getvalue()).digest()
    if key not in _texts:
        text = await _ask(cut.getvalue())
        while len(_texts) >= KEPT:
            _texts.pop(next(iter(_texts)))
        _texts[key] = text
    return _texts[key]


async def _ask(picture: bytes) -> str:
    process = await asyncio.create_subprocess_exec(
        *(PROGRAM, "stdin", "stdout", "-l", "eng"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    text, _nothing = await process.communicate(picture)
    if process.returncode:
        raise OcrError
    return text.decode(errors="replace").strip("\f\n") + "\n"
