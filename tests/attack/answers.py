# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to spoil an HTTP answer."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from .documents import spoil_bytes, spoil_json
from .wire import FIN, RST, Act, Answer, Spoiled

LONG = 70_000
"""More bytes than a header line may have."""

BOMB = 64 * 1024 * 1024
LOGIN = "/api/auth/check"
PATHS_THAT_STREAM = ("/api/msd/read", "/api/log", "/api/streamer/snapshot", "/api/export")


@dataclass
class Exchange:
    """A request, its answer, and what was answered before."""

    rng: random.Random
    method: str
    path: str
    answer: Answer
    patience: float
    """The client's timeout."""
    past: list[tuple[str, Answer]] = field(default_factory=list)
    secret: str = ""


Way = Callable[[Exchange], Spoiled]
WAYS: list[Way] = []


def way(function: Way) -> Way:
    WAYS.append(function)
    return function


def _spoiled(exchange: Exchange, way_of: str, *acts: Act, lie: bool = False) -> Spoiled:
    return Spoiled(way_of, list(acts), lie, f"{exchange.method} {exchange.path}")


@way
def delayed(it: Exchange) -> Spoiled:
    seconds = it.patience * it.rng.choice((0.2, 0.6, 0.9))
    return _spoiled(it, f"delayed {seconds:.1f} s", seconds, it.answer.wire())


@way
def too_late(it: Exchange) -> Spoiled:
    return _spoiled(it, "too late", it.patience * 1.5, it.answer.wire())


@way
def dripping(it: Exchange) -> Spoiled:
    """A byte now and then, faster than any single wait."""
    wire = it.answer.wire()
    start = it.rng.randrange(len(wire))
    acts: list[Act] = [wire[:start]]
    for at in range(start, min(len(wire), start + 8)):
        acts += [it.patience * 0.6, wire[at : at + 1]]
    return _spoiled(it, f"dripping from byte {start}", *acts, wire[start + 8 :])


@way
def cut(it: Exchange) -> Spoiled:
    wire = it.answer.wire()
    end = it.rng.choice((0, 1, 9, (len(wire) - len(it.answer.body)) // 2, it.rng.randrange(len(wire)), len(wire) - 1))
    how = it.rng.choice((FIN, RST))
    return _spoiled(it, f"cut after {end} of {len(wire)} bytes, {how}", wire[:end], how)


@way
def status_line(it: Exchange) -> Spoiled:
    line = it.rng.choice(
        (
            b"",
            b"HTTP/1.1",
            b"HTTP/1.1 abc OK",
            b"HTTP/1.1 99999 OK",
            b"HTTP/1.1 -200 OK",
            b"HTTP/9.9 200 OK",
            b"ICY 200 OK",
            b"\x00\xff\xfe",
            b"HTTP/1.1 200 \x1b[2J\xff",
            b"HTTP/1.1 200 " + b"a" * LONG,
            b"HTTP/1.0 200 OK",
        )
    )
    rest = it.answer.wire().partition(b"\r\n")[2]
    return _spoiled(it, f"status line {line[:30]!r}", line + b"\r\n" + rest, FIN)


@way
def status(it: Exchange) -> Spoiled:
    """Another status. With a body that says ok, it is refused all the same."""
    code = it.rng.choice((100, 102, 204, 206, 304, 400, 401, 403, 404, 405, 409, 418, 500, 502, 503, 504, 599))
    spoiled = Answer(code, "Words", it.answer.headers, it.answer.body)
    lie = code in (401, 403) and it.path == LOGIN  # who says that a session has ended can only be believed
    return _spoiled(it, f"status {code}", spoiled.wire(), *([FIN] if code < 200 else []), lie=lie)


@way
def refusal(it: Exchange) -> Spoiled:
    """kvmd's own words, over and over or once. What was asked has been done all the same."""
    name = it.rng.choice(("AtxIsBusyError", "MsdIsBusyError", "MsdOfflineError", "ValidatorError", "Nonsense", ""))
    code = it.rng.choice((400, 409, 500, 503))
    document = {"ok": False, "result": {"error": name, "error_msg": "\x1b[2J" + "w" * it.rng.choice((1, 10_000))}}
    body = json.dumps(document).encode()
    return _spoiled(it, f"refused, {code} {name}", Answer(code, "Words", it.answer.headers, body).wire())


@way
def reflection(it: Exchange) -> Spoiled:
    """The device tells the secret that it was given, where it can be heard."""
    document = {"ok": False, "result": {"error": f"E{it.secret}", "error_msg": f"for {it.secret} and {it.secret}"}}
    headers = [*it.answer.headers, ("Location", f"https://x/{it.secret}"), ("Content-Type", f"text/{it.secret}")]
    code = it.rng.choice((302, 400, 401, 500))
    body = it.rng.choice((json.dumps(document), f"<p>{it.secret}</p>", json.dumps({"ok": True, "result": it.secret})))
    lie = code == 401 and it.path == LOGIN
    return _spoiled(it, f"secret told, {code}", Answer(code, f"R {it.secret}", headers, body.encode()).wire(), lie=lie)


@way
def redirect(it: Exchange) -> Spoiled:
    place = it.rng.choice(
        ("https://127.0.0.1:1/", "//[", "http://\udc80/", "file:///etc/passwd", "", "?a=b", "/" * 9000)
    )
    moved = Answer(it.rng.choice((301, 302, 303, 307, 308)), "Moved", it.answer.headers, it.answer.body)
    wire = moved.with_header("Location", place.encode("ascii", "replace").decode()).wire()
    return _spoiled(it, f"redirect to {place[:30]!r}", wire)


@way
def length(it: Exchange) -> Spoiled:
    size = len(it.answer.body)
    told = it.rng.choice(("0", str(size // 2), str(size + 10), str(10**30), "-1", "abc", "\xb2", "1, 2", " ", None))
    # a body that ends with the connection is well-formed; a picture or a text that is short is so, too
    lie = told == str(size // 2) or (told == "0" and it.path.startswith(PATHS_THAT_STREAM))
    head = it.answer.head() if told is None else it.answer.head(told)
    return _spoiled(it, f"Content-Length {told!r}", head + it.answer.body, FIN, lie=lie)


@way
def two_lengths(it: Exchange) -> Spoiled:
    head = it.answer.head(str(len(it.answer.body)), "3")
    return _spoiled(it, "two lengths", head + it.answer.body, FIN)


@way
def chunks(it: Exchange) -> Spoiled:
    body = it.answer.body
    half = len(body) // 2
    parts = it.rng.choice(
        (
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
            b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (half, body[:half], len(body) - half, body[half:]),
            b"%x\r\n%s" % (len(body), body),
            b"%x\r\n%s\r\n" % (len(body), body),
            b"-1\r\n" + body,
            b"ffffffffffffffff\r\n" + body,
            b"xyz\r\n" + body,
            b"\r\n\r\n" + body,
            b"1" * LONG + b"\r\n" + body,
            b"%x;%s\r\n%s\r\n0\r\n\r\n" % (len(body), b"e" * 1000, body),
            b"%x\r\n%s\r\n0\r\n" % (len(body), body) + b"Trailer: x\r\n" * 500 + b"\r\n",
        )
    )
    head = it.answer.with_header("Transfer-Encoding", "chunked").head()
    return _spoiled(it, f"chunks {parts[:20]!r}", head + parts, FIN)


@way
def headers(it: Exchange) -> Spoiled:
    extra = it.rng.choice(
        (
            b"X: " + b"a" * LONG,
            b"\r\n".join(b"X-%d: y" % number for number in range(200)),
            b"no colon here",
            b": no name",
            b"X\x00Y: \xff\xfe\x1b[2J",
            b" folded: line",
            b"Set-Cookie: auth_token=" + b"0" * 64 + b"; Domain=.com; Expires=never",
            b"Date: Sat, 99 Foo 99999 99:99:99 GMT",
            b"Content-Encoding: gzip",
            b"Content-Encoding: gzip, deflate, br, zstd",
            b"Transfer-Encoding: gzip",
            b"Connection: close",
            b"Content-Type: application/json; charset=utf-16",
        )
    )
    line, _end, rest = it.answer.wire().partition(b"\r\n")
    return _spoiled(it, f"header {extra[:30]!r}", line + b"\r\n" + extra + b"\r\n" + rest, FIN)


@way
def packed(it: Exchange) -> Spoiled:
    """A body that is packed though nobody asked for it; now and then one that unpacks to a thousand times its size."""
    plain = it.answer.body if it.rng.random() < 0.9 else b" " * BOMB
    name, body = it.rng.choice((("gzip", gzip.compress(plain, 1)), ("deflate", zlib.compress(plain, 1))))
    wire = it.answer.with_header("Content-Encoding", name).with_body(body).wire()
    return _spoiled(it, f"packed with {name}, {len(plain)} bytes", wire)


@way
def garbled(it: Exchange) -> Spoiled:
    lie = it.path.startswith(PATHS_THAT_STREAM)
    return _spoiled(it, "garbled bytes", it.answer.with_body(spoil_bytes(it.rng, it.answer.body)).wire(), lie=lie)


@way
def document(it: Exchange) -> Spoiled:
    found = it.answer.document
    if not isinstance(found, dict):
        return garbled(it)
    done, body, lie = spoil_json(it.rng, found)
    return _spoiled(it, f"JSON: {done}", it.answer.with_body(body).wire(), lie=lie)


WAYS += [document] * 8


@way
def twice(it: Exchange) -> Spoiled:
    return _spoiled(it, "said twice", it.answer.wire() * 2)


@way
def twice_later(it: Exchange) -> Spoiled:
    """The second copy may be taken for the answer to the next request, as what it is: well-formed."""
    return _spoiled(it, "said twice, later", it.answer.wire(), 0.01, it.answer.wire(), lie=True)


@way
def another(it: Exchange) -> Spoiled:
    """The answer to another request. One to the same question is well-formed, and so is any to a write."""
    past = [(path, answer) for path, answer in it.past if answer.status == 200]
    if not past:
        return cut(it)
    path, answer = it.rng.choice(past)
    writes = it.method != "GET"
    return _spoiled(it, f"the answer to {path}", answer.wire(), lie=path == it.path or writes or _is_text(it.path))


def _is_text(path: str) -> bool:
    """Where any body is an answer."""
    return path.startswith(PATHS_THAT_STREAM) or path.startswith("/api/info") or path == LOGIN


@way
def huge(it: Exchange) -> Spoiled:
    """A body without an end, as far as anybody is willing to read it."""
    if it.rng.random() < 0.8:
        return cut(it)
    block = b" " * (1024 * 1024)
    return _spoiled(it, "12 MiB of blanks", it.answer.head(), *([block] * 12), FIN, lie=_is_text(it.path))
