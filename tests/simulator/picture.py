# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a screen of text, and what can be read in a part of it."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

SIZE = (1280, 720)
OFFLINE_SIZE = (640, 480)
FONT_SIZE = 26
LINE_HEIGHT = 30
MARGIN = 24
BLACK, WHITE = 0, 255

Region = tuple[int, int, int, int]


@dataclass(frozen=True)
class Frame:
    """A picture, and the text in it where it was drawn from text."""

    lines: tuple[str, ...] | None
    size: tuple[int, int]
    jpeg: bytes


def frame(lines: tuple[str, ...], size: tuple[int, int], quality: int) -> Frame:
    """The picture of a text."""
    return Frame(lines, size, draw(lines, size, quality))


@functools.lru_cache(maxsize=64)
def draw(lines: tuple[str, ...], size: tuple[int, int], quality: int) -> bytes:
    """A JPEG of black text on white."""
    image = Image.new("L", size, WHITE)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + number * LINE_HEIGHT), line, fill=BLACK, font=_font())
    return _jpeg(image, quality)


def shrink(jpeg: bytes, size: tuple[int, int], quality: int) -> bytes:
    """The picture made smaller until it fits a size, in its own proportions."""
    image = Image.open(io.BytesIO(jpeg))
    image.thumbnail(size)
    return _jpeg(image, quality)


def region(left: int, top: int, right: int, bottom: int, size: tuple[int, int]) -> Region:
    """A part of the picture as kvmd cuts it out: -1 is an edge, and one without area is the whole picture."""
    width, height = size
    left, top = (0 if value < 0 else min(value, most) for value, most in ((left, width), (top, height)))
    right, bottom = (most if value < 0 else min(value, most) for value, most in ((right, width), (bottom, height)))
    return (left, top, right, bottom) if left < right and top < bottom else (0, 0, width, height)


def read(lines: tuple[str, ...], part: Region) -> str:
    """The characters whose middles lie in a part of the picture."""
    left, top, right, bottom = part
    seen = []
    for number, line in enumerate(lines):
        if top <= MARGIN + (number + 0.5) * LINE_HEIGHT < bottom:
            seen.append("".join(c for i, c in enumerate(line) if left <= _middle(line, i) < right).strip())
    return "".join(f"{line}\n" for line in seen if line)


def _middle(line: str, index: int) -> float:
    font = _font()
    return MARGIN + (font.getlength(line[:index]) + font.getlength(line[: index + 1])) / 2


@functools.cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(FONT_SIZE)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
