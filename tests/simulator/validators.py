# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kvmd's validators: what a parameter may be, and the daemon's words when it is not."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NoReturn

from .errors import ValidatorError
from .keyboard import BUTTONS, KEYS

BOOL = "bool (['1', 'true', 'yes'] or ['0', 'false', 'no'])"
IMAGE = "MSD image name"
RAW_LIMIT = 16
LONGEST_PART = 255


def refuse(value: str | None, what: str) -> NoReturn:
    """Raise the usual complaint; null is a parameter that is missing."""
    subject = "None argument" if value is None else f"The argument {value!r}"
    raise ValidatorError(f"{subject} is not a valid {what}")


def refuse_secret(what: str) -> NoReturn:
    """Raise the complaint that does not repeat the value."""
    raise ValidatorError(f"The argument is not a valid {what}")


def username(value: str) -> str:
    """A user name, outer blanks removed."""
    value = value.strip()
    if not re.fullmatch(r"[a-z_][a-z0-9_.@-]*", value):
        refuse(value, "username characters")
    return value


def password(value: str) -> str:
    """Printable ASCII, blanks and all."""
    if not re.fullmatch(r"[\x20-\x7e]*", value):
        refuse_secret("passwd characters")
    return value


def key(value: str | None) -> str:
    """A key by the name browsers use."""
    if value is None or value.strip() not in KEYS:
        refuse(value, "Keyboard key")
    return value.strip()


def button(value: str) -> str:
    """A mouse button."""
    if value.strip().lower() not in BUTTONS:
        refuse(value, "Mouse button")
    return value.strip().lower()


def token(value: str) -> str:
    """A session's 64 hexadecimal digits."""
    if not re.fullmatch(r"[0-9a-f]{64}", value.strip().lower()):
        refuse_secret("auth token")
    return value.strip().lower()


def image_name(value: str | None) -> str:
    """A path inside the storage, cleaned: blanks trimmed, slashes folded, control characters replaced."""
    if value is None or not value.strip():
        refuse(value, IMAGE)
    parts = [_image_part(part) for part in value.strip().split("/") if part.strip()]
    if not parts:
        refuse(value.strip(), IMAGE)
    return "/".join(parts)


def _image_part(part: str) -> str:
    part = part.strip()
    if part.startswith(".") or part == "lost+found" or "\0" in part:
        refuse(part, IMAGE)
    return "".join(char if char.isprintable() else "_" for char in part)[:LONGEST_PART]


class Arguments:
    """The query of one request."""

    def __init__(self, query: Mapping[str, str], raw_limit: bool) -> None:
        self._query = query
        self._raw_limit = raw_limit

    def text(self, name: str, default: str = "") -> str:
        """The value as it came."""
        return self._query.get(name, default)

    def optional(self, name: str) -> str | None:
        """The value as it came, or null."""
        return self._query.get(name)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """A boolean; required where there is no default."""
        raw = self._query.get(name)
        if raw is None and default is not None:
            return default
        value = "" if raw is None else raw.strip().lower()
        self._check_limit(value)
        if value not in ("1", "true", "yes", "0", "false", "no"):
            refuse(raw, BOOL)
        return value in ("1", "true", "yes")

    def optional_flag(self, name: str) -> bool | None:
        """A boolean or null."""
        return self.flag(name) if name in self._query else None

    def choice(self, name: str, what: str, allowed: Collection[str]) -> str:
        """One word out of some."""
        raw = self._query.get(name)
        value = "" if raw is None else raw.strip().lower()
        if value not in allowed:
            refuse(raw, what)
        return value

    def match(self, name: str, what: str, pattern: str) -> str:
        """A required word of a certain form."""
        raw = self._query.get(name)
        if raw is None or not re.fullmatch(pattern, raw.strip()):
            refuse(raw, what)
        return raw.strip()

    def integer(self, name: str, least: int, most: int | None = None, default: int | None = None) -> int:
        """An integer, also written `0x…`."""
        raw = self._query.get(name)
        if raw is None and default is not None:
            return default
        self._check_limit(raw or "")
        try:
            value = int((raw or "").strip(), 0)
        except ValueError:
            refuse(raw, "int")
        check_range(value, "int", least, most)
        return value

    def decimal(self, name: str, least: float, default: float | None = None, most: float | None = None) -> float:
        """A floating-point number; required where there is no default."""
        raw = self._query.get(name)
        if raw is None and default is not None:
            return default
        self._check_limit(raw or "")
        try:
            value = float((raw or "").strip())
        except ValueError:
            refuse(raw, "float")
        check_range(value, "float", least, most)
        return value

    def _check_limit(self, value: str) -> None:
        if self._raw_limit and len(value) > RAW_LIMIT:
            raise ValidatorError("RAW limit exceed")


def check_range(value: float, what: str, least: float, most: float | None) -> None:
    """The daemon's words, spelling included, for a number too small or too large."""
    if value < least:
        raise ValidatorError(f"The argument '{value}' must be {what} and greater or equial than {least}")
    if most is not None and value > most:
        raise ValidatorError(f"The argument '{value}' must be {what} and lesser or equal then {most}")
