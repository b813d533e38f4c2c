# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to spoil what comes over a WebSocket."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from typing import Any

from .documents import spoil_bytes, spoil_json
from .wire import FIN, RST, Act, Spoiled

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
END = 0x80


def frame(payload: bytes, opcode: int = TEXT, first: int = END) -> bytes:
    """As a server sends it."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", first | opcode, size) + payload
    if size < 65536:
        return struct.pack("!BBH", first | opcode, 126, size) + payload
    return struct.pack("!BBQ", first | opcode, 127, size) + payload


Way = Callable[[random.Random, bytes, float], Spoiled]
WAYS: list[Way] = []


def way(function: Way) -> Way:
    WAYS.append(function)
    return function


@way
def cut(rng: random.Random, payload: bytes, _patience: float) -> Spoiled:
    wire = frame(payload)
    return Spoiled("event cut", [wire[: rng.randrange(len(wire))], rng.choice((FIN, RST))])


@way
def delayed(rng: random.Random, payload: bytes, patience: float) -> Spoiled:
    return Spoiled("event delayed", [patience * rng.random(), frame(payload)])


@way
def dripping(rng: random.Random, payload: bytes, patience: float) -> Spoiled:
    wire = frame(payload)
    acts: list[Act] = []
    for at in range(min(5, len(wire))):
        acts += [wire[at : at + 1], patience * 0.5 * rng.random()]
    return Spoiled("event dripping", [*acts, wire[5:]])


@way
def twice(_rng: random.Random, payload: bytes, _patience: float) -> Spoiled:
    return Spoiled("event twice", [frame(payload) * 2])


@way
def lost(_rng: random.Random, _payload: bytes, _patience: float) -> Spoiled:
    return Spoiled("event lost", [], lie=True)


@way
def garbled(rng: random.Random, payload: bytes, _patience: float) -> Spoiled:
    """What cannot be read is passed over: what it would have told is not known, and an older state stands."""
    return Spoiled("event garbled", [frame(spoil_bytes(rng, payload))], lie=True)


@way
def spoiled(rng: random.Random, payload: bytes, _patience: float) -> Spoiled:
    done, body, lie = spoil_json(rng, json.loads(payload))
    # events are partial: one that leaves something out says that it has not changed
    return Spoiled(f"event JSON: {done}", [frame(body)], lie=lie or done.startswith("dropped") or "instead" in done)


WAYS += [spoiled] * 6


@way
def odd(rng: random.Random, payload: bytes, _patience: float) -> Spoiled:
    name, wire = rng.choice(
        (
            ("reserved opcode", frame(payload, 3)),
            ("reserved bits", frame(payload, TEXT, 0xF0)),
            ("masked", struct.pack("!BB", 0x81, 0x85) + b"abcdhello"),
            ("without an end", struct.pack("!BBQ", 0x81, 127, 2**62) + payload),
            ("too long a ping", frame(b"p" * 300, PING)),
            ("binary", frame(payload, BINARY)),
            ("in pieces", frame(payload[:3], TEXT, 0) + frame(payload[3:], 0)),
            ("unfinished", frame(payload, TEXT, 0) + frame(payload)),
            ("pings", frame(b"x", PING) * 500),
            ("pongs", frame(b"x", PONG) * 500),
            ("farewell", frame(struct.pack("!H", rng.choice((1000, 1011, 5, 65535))) + b"\xff", CLOSE)),
            ("bare farewell", frame(b"", CLOSE)),
            ("9 MiB", frame(b" " * (9 * 1024 * 1024))),
            ("flood", frame(b"{}") * 3000 + frame(payload)),
            ("kinds", b"".join(frame(b'{"event_type": "k%d", "event": {"a": [1]}}' % n) for n in range(2000))),
            ("garbage", b"\x00\xff" * 100),
        )
    )
    return Spoiled(f"event {name}", [wire], lie=name in ("kinds", "in pieces", "binary"))


@way
def other_types(rng: random.Random, _payload: bytes, _patience: float) -> Spoiled:
    """Well-known kinds with what they never hold."""
    kind = rng.choice(("atx", "msd", "gpio", "hid", "switch", "streamer", "ocr", "info", "gpio_model", "streamer_ocr"))
    name = rng.choice((kind, f"{kind}_state"))
    inner: Any = rng.choice(
        (None, 1, "x", [], [1], {"state": []}, {"state": {"outputs": []}}, {"storage": [1]}, {"ocr": 3})
    )
    event = {"event_type": name, "event": inner}
    return Spoiled(f"event {json.dumps(event)}", [frame(json.dumps(event).encode())], lie=True)
