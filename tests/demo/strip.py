# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A film strip of a reinstallation: what the screen showed, state by state, in one small picture."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 360, 150
SHOWN = (0.66, 0.5)
"""The part of each frame, from its upper left corner, in which a console has its text."""
CAPTION, GAP = 24, 6
INK, PAPER = (240, 240, 240), (45, 45, 50)
COLOURS = 16


@dataclass
class Strip:
    """Frames in the order in which they were taken, each with a caption."""

    frames: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, caption: str, jpeg: bytes) -> None:
        self.frames.append((caption, jpeg))

    def save(self, path: Path) -> None:
        """All frames side by side, as a PNG of few colours."""
        sheet = Image.new("RGB", (len(self.frames) * (WIDTH + GAP) + GAP, HEIGHT + CAPTION + GAP), PAPER)
        pen = ImageDraw.Draw(sheet)
        for number, (caption, jpeg) in enumerate(self.frames):
            left = GAP + number * (WIDTH + GAP)
            pen.text((left + 2, 4), caption, fill=INK, font=ImageFont.load_default(14))
            with Image.open(io.BytesIO(jpeg)) as frame:
                part = frame.crop((0, 0, int(frame.width * SHOWN[0]), int(frame.height * SHOWN[1])))
                sheet.paste(part.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), (left, CAPTION))
        sheet.quantize(COLOURS).save(path, optimize=True)
