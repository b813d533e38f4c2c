# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spoiled JSON: keys that are gone, values of other types, numbers that are none, depth, bytes that are no text."""

from __future__ import annotations

import copy
import json
import random
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

DEEP = 100_000
"""Levels of an array in an array: whoever reads them by recursion breaks."""

NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1", "9" * 400, "9" * 5000, "0.1", "18446744073709551616"]

UNTRUE = re.compile(
    r"^(result/)?(storage/)?images/[^/]+$|drive/image$|edids/all/[^/]+$|scheme/\w+/[^/]+$|(up|down)loading$"
    r"|snapshot/saved$|^(result/)?streamer$|/\d+$|outputs/active$|^(result/)?image(/name)?$|parts/?[^/]*$|writable$"
    r"|removable$|available_resolutions$|limits|^(result/)?(image/)?(size|written)$|connected$|absolute$|click_delays"
    r"|^(result/)?model/units$"
)
"""Places where a missing value, or a null, means something: no such image, nothing selected, no such channel."""

Place = tuple[Any, Any, str]
"""What holds a value, its key there, and its path."""


def places(value: Any, path: str = "") -> Iterator[Place]:
    """Every value in a document."""
    keys = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in keys:
        found = f"{path}/{key}".lstrip("/")
        yield value, key, found
        yield from places(inner, found)


def spoil_json(rng: random.Random, document: Any) -> tuple[str, bytes, bool]:
    """What was done, the document as it is sent, and whether that is a lie."""
    spoiled = copy.deepcopy(document)
    found = list(places(spoiled))
    if not found or rng.random() < 0.1:
        return _instead(rng, document)
    holder, key, path = rng.choice(found)
    return rng.choice((_drop, _drop, _retype, _retype, _retype, _number, _nest))(rng, spoiled, (holder, key, path))


def _drop(_rng: random.Random, document: Any, place: Place) -> tuple[str, bytes, bool]:
    holder, key, path = place
    del holder[key]
    return f"dropped {path}", json.dumps(document).encode(), UNTRUE.search(path) is not None


def _retype(rng: random.Random, document: Any, place: Place) -> tuple[str, bytes, bool]:
    """A value of another type. A number in place of a number, a text in place of a text, would be a lie."""
    holder, key, path = place
    before = holder[key]
    others: list[Any] = [None, "true", "", "\x1b[2Jx\n", "\ud800", 1, 0, 1.5, [], [1], {}, {"a": 1}, True]
    value = rng.choice([other for other in others if _kind(other) != _kind(before)])
    holder[key] = value
    lie = UNTRUE.search(path) is not None
    return f"{path} = {value!r}", json.dumps(document).encode(), lie


def _kind(value: Any) -> str:
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def _number(rng: random.Random, document: Any, place: Place) -> tuple[str, bytes, bool]:
    holder, key, path = place
    lie = _kind(holder[key]) == "number" or UNTRUE.search(path) is not None
    holder[key] = "@@"
    number = rng.choice(NUMBERS)
    return f"{path} = {number[:20]}", json.dumps(document).replace('"@@"', number).encode(), lie


def _nest(rng: random.Random, document: Any, place: Place) -> tuple[str, bytes, bool]:
    holder, key, path = place
    holder[key] = "@@"
    depth = rng.choice((100, 900, DEEP))
    deep = rng.choice(("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth))
    return f"{path}: {depth} deep", json.dumps(document).replace('"@@"', deep).encode(), UNTRUE.search(path) is not None


def _instead(rng: random.Random, document: Any) -> tuple[str, bytes, bool]:
    """Something else than the document."""
    whole = json.dumps(document)
    body = rng.choice(
        (
            "",
            "null",
            "[]",
            "{}",
            '"ok"',
            "[" * DEEP,
            '{"ok": true}',
            '{"ok": 1, "result": {}}',
            '{"ok": true, "result": []}',
            '{"ok": true, "result": null}',
            '{"ok": false}',
            '{"ok": false, "result": {"error": ["x"], "error_msg": {"a": 1}}}',
            '{"ok": false, "result": {"error": "\\u001b[31mX", "error_msg": "a\\nb\\u0007\\ud800' + "c" * 5000 + '"}}',
            whole + "}",
            whole[:-1],
            "\ufeff" + whole,
            "<html><script>alert(1)</script></html>",
        )
    )
    # a write may be answered with anything that says ok
    lie = body.startswith('{"ok": true, "result"')
    return f"{body[:40]!r} instead", body.encode("utf-8", "surrogatepass"), lie


def spoil_bytes(rng: random.Random, body: bytes) -> bytes:
    """Some bytes with their top bit turned: what was ASCII is no UTF-8 any more."""
    spoiled = bytearray(body)
    for _time in range(rng.choice((1, 1, 3, 20))):
        if spoiled:
            spoiled[rng.randrange(len(spoiled))] ^= 0x80
    return bytes(spoiled)


def rough(value: Any) -> Iterator[str]:
    """Texts that a terminal would obey, or that are none."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from rough(key)
            yield from rough(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from rough(inner)
    elif isinstance(value, str) and any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in value):
        yield value[:200]
