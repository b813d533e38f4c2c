# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer in parts, and what is done to the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

FIN = "fin"
RST = "rst"

Act = bytes | float | str
"""Bytes to send, seconds to wait, or how to close the connection."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, its headers in order."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes

    def with_body(self, body: bytes) -> Answer:
        return replace(self, body=body)

    def with_header(self, name: str, *values: str) -> Answer:
        """Without any header of that name, and with these."""
        kept = [(key, value) for key, value in self.headers if key.lower() != name.lower()]
        return replace(self, headers=[*kept, *((name, value) for value in values)])

    def head(self, *lengths: str) -> bytes:
        """Status line and headers, with these lengths of the body in place of any other."""
        answer = self.with_header("Content-Length", *lengths)
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{name}: {value}" for name, value in answer.headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")

    def wire(self) -> bytes:
        return self.head(str(len(self.body))) + self.body

    @property
    def document(self) -> Any:
        """The JSON in the body, or None."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Spoiled:
    """What the client is given in place of an answer, or of an event.

    Attributes:
        name: of what was done.
        lie: it is well-formed, and may be untrue: nobody could notice.
    """

    name: str
    acts: list[Act]
    lie: bool = False
    detail: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.name}{f' ({self.detail})' if self.detail else ''}{', a lie' if self.lie else ''}"
