# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report holds, as a person would say it."""

from __future__ import annotations

from typing import Any

from ._junit import moment

KIB = 1024


def duration(seconds: Any) -> str:
    """Such as 4.2 s, 5 min 12 s, 1 h 03 min."""
    if not isinstance(seconds, (int, float)):
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: Any) -> str:
    """Such as 812 bytes, 64 MiB."""
    if not isinstance(count, (int, float)):
        return "?"
    value = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < KIB or unit == "GiB":
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= KIB
    return ""


def clock(text: Any, day: bool = False) -> str:
    """A time of a report, in UTC: the time of day, or all of it."""
    when = moment(text)
    return when.strftime("%Y-%m-%d %H:%M:%S" if day else "%H:%M:%S") if when else str(text or "")


def drive(value: dict[str, Any]) -> str:
    if value.get("connected"):
        return f"drive: {value.get('image')}, connected as {value.get('media_type')}"
    return f"drive: {value['image']}, not connected" if value.get("image") else "drive empty"


def proof(state: str, found: Any) -> str:
    """What a state left behind, in one sentence; what is not known here is told as it is."""
    if not isinstance(found, dict):
        return ""
    rest = dict(found)
    words = _image(rest) if state == "stage" else []
    if rest.get("kvmd"):
        words.append(f"kvmd {rest['kvmd']}, logged in")
    if "power" in rest:
        words.append(f"power LED {rest['power']}")
    if "pressed" in rest:
        words.append(f"pressed: {', '.join(map(str, rest['pressed'] or [])) or 'nothing'}")
    if isinstance(rest.get("drive"), dict):
        words.append(drive(rest["drive"]))
    if isinstance(rest.get("room"), int):
        words.append(f"room for {size(rest['room'])}")
    if isinstance(rest.get("stored"), dict):
        stored = rest["stored"]
        words.append(
            f"image stored already, {size(stored.get('size'))}, {'' if stored.get('complete') else 'in'}complete"
        )
    known = {"kvmd", "power", "pressed", "drive", "room", "stored"} | (IMAGE if state == "stage" else set())
    for key, value in rest.items():
        if key not in known and value not in (None, "", [], {}):
            told = ", ".join(map(str, value)) if isinstance(value, list) else value
            words.append(f"{key}: {told}")
    return "; ".join(words) or ("nothing was to be verified" if state == "verify" else "")


IMAGE = {"name", "bytes", "sha256", "sha256_of", "transferred", "rate"}


def _image(found: dict[str, Any]) -> list[str]:
    words = [f"{found.get('name')}, {size(found.get('bytes'))}"]
    if found.get("transferred"):
        words.append(f"sent at {size(found.get('rate'))}/s")
    elif "transferred" in found:
        words.append("was there already")
    if found.get("sha256"):
        words.append(f"SHA-256 {found['sha256']} of {found.get('sha256_of')}")
    return words
