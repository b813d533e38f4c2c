# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of results, with what they were meant to be."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Table:
    """Rows of words under a title, in Markdown."""

    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    met: bool = True

    def add(self, *cells: str) -> None:
        self.rows.append(list(cells))

    def judge(self, target: str, met: bool) -> None:
        """Note a target, and whether it was met."""
        self.notes.append(f"Target: {target}: {'met' if met else 'missed'}.")
        self.met = self.met and met

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        lines = [
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
            for row in (self.columns, ["-" * width for width in widths], *self.rows)
        ]
        return "\n".join([f"## {self.title}", "", *lines, *[text for note in self.notes for text in ("", note)]])
