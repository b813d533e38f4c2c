# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device that has been taken over: it can neither keep the client nor fill its memory, however it goes about it."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import re
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client import events
from ansible_collections.community.pikvm.plugins.module_utils._client.api import Pikvm
from ansible_collections.community.pikvm.plugins.module_utils._client.bounds import (
    BODY_WAITS,
    HEAD_WAITS,
    LONGEST_ANSWER,
    LONGEST_BACKLOG,
    LONGEST_EVENT,
    LONGEST_LINE,
    MIB,
)
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import (
    AnswerError,
    LostAnswerError,
    PikvmError,
)
from ansible_collections.community.pikvm.plugins.module_utils._client.events import EventSocket
from ansible_collections.community.pikvm.plugins.module_utils._client.upload import ImageFile
from tests.support.raw import Conversation, Script, Serve

Connect = Callable[..., Pikvm]

TIMEOUT = 0.3
MARGIN = 1.5
"""Seconds that a busy machine may add."""

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BLOCK = b" " * 65536


@contextlib.contextmanager
def bounded(seconds: float, memory: int = 3 * LONGEST_ANSWER) -> Iterator[None]:
    """What is done within takes no more than that."""
    start = time.monotonic()
    tracemalloc.start()
    try:
        yield
    finally:
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert time.monotonic() - start < seconds + MARGIN
    assert most < memory


def dripping(before: bytes, drop: bytes) -> Script:
    """Something is always said before a single wait is over."""

    def script(talk: Conversation) -> None:
        talk.send(before)
        while not talk.server.stopped.is_set():
            talk.send(drop)
            talk.wait(TIMEOUT / 3)

    return script


def endless(before: bytes, block: bytes) -> Script:
    def script(talk: Conversation) -> None:
        talk.send(before)
        while not talk.server.stopped.is_set():
            talk.send(block)

    return script


DRIPS = {
    "status line": (b"HTTP/1.1 200 ", b"a"),
    "header": (HEAD + b"X: ", b"a"),
    "headers": (HEAD, b"X: y\r\n"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "body without a length": (HEAD + b"\r\n", b" "),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "chunk's length": (CHUNKED + b"1;", b"a"),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n"),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 1000000\r\n\r\n", b" "),
    "refusal": (b"HTTP/1.1 400 Bad\r\nContent-Length: 1000000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
def test_answer_that_drips_in_is_given_up(raw: Serve, client: Connect, drip: tuple[bytes, bytes]) -> None:
    server = raw(dripping(*drip))
    with pytest.raises(AnswerError, match="^GET /api/atx"), bounded((HEAD_WAITS + BODY_WAITS) * TIMEOUT):
        client(server, timeout=TIMEOUT).atx()


ENDLESS = {
    "status line": (b"HTTP/1.1 200 ", BLOCK),
    "header": (HEAD + b"X: ", BLOCK),
    "headers": (HEAD, b"X: y\r\n" * 1000),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "body of 10 GiB": (HEAD + b"Content-Length: %d\r\n\r\n" % (10 * 1024 * MIB), BLOCK),
    "body without a length": (HEAD + b"\r\n", BLOCK),
    "chunks": (CHUNKED, b"10000\r\n%s\r\n" % BLOCK),
    "chunk of 10 GiB": (CHUNKED + b"%x\r\n" % (10 * 1024 * MIB), BLOCK),
    "chunk's length": (CHUNKED, b"0" * 65536),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 1000),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\n\r\n", BLOCK),
}


@pytest.mark.parametrize("flood", ENDLESS.values(), ids=ENDLESS)
def test_answer_without_an_end_is_given_up(raw: Serve, client: Connect, flood: tuple[bytes, bytes]) -> None:
    server = raw(endless(*flood))
    with pytest.raises(AnswerError, match="^GET /api/atx"), bounded((HEAD_WAITS + BODY_WAITS) * TIMEOUT):
        client(server, timeout=TIMEOUT).atx()


BOMB = gzip.compress(b" " * (50 * MIB), 1)


@pytest.mark.parametrize("name", ["gzip", "GZIP", "deflate", "gzip, gzip"])
def test_packed_answer_is_not_unpacked(raw: Serve, client: Connect, name: str) -> None:
    server = raw(lambda talk: talk.answer(200, BOMB, Content_Encoding=name))
    with pytest.raises(AnswerError, match="is packed as .*, which was not asked for"), bounded(2.0):
        client(server).atx()
    with pytest.raises(AnswerError, match="is packed as"), bounded(2.0):
        client(server).log(60)
    with pytest.raises(AnswerError, match="is packed as"), bounded(2.0):
        client(server).msd_sha256("a.iso")
    with pytest.raises(LostAnswerError, match="is packed as .*It may or may not have been carried out"), bounded(2.0):
        client(server).atx_click("power")


@pytest.mark.parametrize("depth", [51, 900, 200_000])
def test_nested_answer_is_refused(raw: Serve, client: Connect, depth: int) -> None:
    body = b'{"ok": true, "result": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    server = raw(lambda talk: talk.answer(200, body))
    with pytest.raises(AnswerError, match="not as a PiKVM answers"), bounded(2.0):
        client(server).info()


def test_image_that_is_read_back_ends_where_it_should(raw: Serve, client: Connect) -> None:
    server = raw(endless(HEAD + b"\r\n", BLOCK))
    with pytest.raises(AnswerError, match=f"the answer has no end: given up after {MIB} bytes$"), bounded(2.0):
        client(server).msd_sha256("a.iso", MIB)


def test_image_that_drips_in_is_given_up(raw: Serve, client: Connect) -> None:
    head = HEAD + b"Content-Length: 1000000\r\n\r\n"
    pikvm = client(raw(dripping(head, b" ")), timeout=TIMEOUT)
    broken = pytest.raises(AnswerError, match="GET /api/msd/read: the answer broke off")
    with broken, bounded(BODY_WAITS * TIMEOUT), pikvm.transport.stream("GET", "/api/msd/read") as stream:
        assert list(stream.blocks()) == []


def test_slow_image_is_read_to_its_end(raw: Serve, client: Connect) -> None:
    """What takes longer as a whole than any block may take."""
    blocks = [bytes([number]) * MIB for number in range(3)]

    def script(talk: Conversation) -> None:
        talk.send(HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (3 * MIB))
        for block in blocks:
            talk.wait(0.8 * BODY_WAITS * TIMEOUT / 2)
            talk.send(block[: MIB // 2])
            talk.wait(0.5 * TIMEOUT)
            talk.send(block[MIB // 2 :])

    found = client(raw(script), timeout=4 * TIMEOUT).msd_sha256("a.iso", 3 * MIB)
    assert found == hashlib.sha256(b"".join(blocks)).hexdigest()


def test_line_without_an_end_is_given_up(raw: Serve, client: Connect) -> None:
    server = raw(endless(HEAD + b"\r\n", BLOCK))
    with pytest.raises(LostAnswerError, match="a line of the answer has no end"), bounded(2.0, 4 * MIB):
        client(server).msd_write_remote("a.iso", "https://x/a.iso", 10.0, False, 10.0)
    assert LONGEST_LINE < MIB


def test_refused_upload_that_is_answered_without_an_end(
    raw: Serve, client: Connect, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = tmp_path_factory.mktemp("images") / "a.iso"
    source.write_bytes(b"x" * MIB)
    server = raw(endless(b"HTTP/1.1 400 Bad\r\n\r\n", BLOCK))
    with pytest.raises(LostAnswerError, match="the answer has no end"), bounded(2.0):
        client(server).msd_write("a.iso", ImageFile(str(source)))


def frame(payload: bytes, opcode: int = 1) -> bytes:
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x80 | opcode, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


def greeting(talk: Conversation) -> bytes:
    """The answer that opens a WebSocket."""
    key = re.search(r"Sec-WebSocket-Key: (\S+)", talk.head, re.IGNORECASE)
    assert key
    magic = (key.group(1) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()
    accept = base64.b64encode(hashlib.sha1(magic).digest())  # noqa: S324 - the protocol wants it
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept
        + b"\r\n\r\n"
    )


def socket_of(*blocks: bytes, again: bytes = b"") -> Script:
    def script(talk: Conversation) -> None:
        talk.send(greeting(talk))
        for block in blocks:
            talk.send(block)
        while not talk.server.stopped.is_set():
            if again:
                talk.send(again)
            else:
                talk.wait(1.0)

    return script


def test_message_that_is_too_long_breaks_the_socket(raw: Serve, client: Connect) -> None:
    server = raw(socket_of(struct.pack("!BBQ", 0x81, 127, LONGEST_EVENT + 1), again=BLOCK))
    broken = pytest.raises(AnswerError, match="the socket broke")
    with contextlib.closing(client(server, timeout=2.0).events()) as socket, bounded(2.0), broken:
        socket.receive(2.0)


NOISE = {"junk": frame(b"{}") * 2000, "binary": frame(b"\x00", 2) * 2000, "pings": frame(b"x", 9) * 2000}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_endless_noise_does_not_outlast_the_time_to_listen(raw: Serve, client: Connect, noise: bytes) -> None:
    server = raw(socket_of(again=noise))
    with contextlib.closing(client(server, timeout=1.0).events()) as socket, bounded(3.0, 4 * LONGEST_BACKLOG):
        with contextlib.suppress(AnswerError):
            assert socket.receive(0.5) is None
        with contextlib.suppress(AnswerError):
            assert not socket.flush(0.5)


def receive_for_ever(socket: EventSocket) -> None:
    while True:
        socket.receive(5.0)


def test_events_that_nobody_receives_fill_no_memory(raw: Serve, client: Connect) -> None:
    event = frame(json.dumps({"event_type": "atx", "event": {"a": "x" * 100_000}}).encode())
    server = raw(socket_of(again=event))
    with contextlib.closing(client(server, timeout=1.0).events()) as socket, bounded(8.0, 4 * LONGEST_BACKLOG):
        time.sleep(2.0)
        with pytest.raises(AnswerError, match="the socket broke"):
            receive_for_ever(socket)


def test_events_of_ever_new_kinds_are_forgotten(raw: Serve, client: Connect) -> None:
    kinds = b"".join(frame(json.dumps({"event_type": f"k{n}", "event": {}}).encode()) for n in range(500))
    server = raw(socket_of(kinds))
    with contextlib.closing(client(server).events()) as socket:
        while socket.receive(1.0) != "k499":
            pass
        assert "k0" in socket.state
        assert "k499" not in socket.state


def send_for_ever(socket: EventSocket) -> None:
    while True:
        socket.send("key", {"key": "x" * MIB})


def test_socket_that_takes_nothing_is_given_up(raw: Serve, client: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "FAREWELL", 0.5)
    server = raw(socket_of())
    socket = client(server, timeout=TIMEOUT).events()
    with contextlib.closing(socket), bounded(4.0, 64 * MIB), pytest.raises(AnswerError, match="the socket broke"):
        send_for_ever(socket)


def test_socket_that_never_opens_is_given_up(raw: Serve, client: Connect) -> None:
    server = raw(dripping(b"HTTP/1.1 101 Switching", b"a"))
    with pytest.raises(AnswerError, match="no socket"), bounded(2 * TIMEOUT):
        client(server, timeout=TIMEOUT).events()


def test_redirect_takes_nothing_elsewhere(raw: Serve, client: Connect) -> None:
    elsewhere = raw(lambda talk: talk.answer())
    server = raw(lambda talk: talk.answer(302, b"", Location=f"{elsewhere.url}/x"))
    for ask in (lambda pikvm: pikvm.atx(), lambda pikvm: pikvm.atx_click("power"), lambda pikvm: pikvm.events()):
        with pytest.raises(PikvmError):
            ask(client(server, timeout=1.0))
    assert elsewhere.connections == 0
