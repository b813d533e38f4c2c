# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The man in the middle: a TLS server that asks a simulator and spoils what it answers."""

from __future__ import annotations

import contextlib
import http.client
import random
import select
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from tests.simulator import Simulator
from tests.simulator.certificate import certificate
from tests.support.threaded import PATIENCE, ThreadedServer, reset

from . import answers, events
from .wire import FIN, RST, Act, Answer, Spoiled

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
UPLOAD = "/api/msd/write"
FEW_EVENTS = 0.15
"""How much less often an event is spoiled than an answer: there are many."""


@dataclass(frozen=True)
class Doom:
    """What is spoiled in a run.

    Attributes:
        seed: makes each choice together with the number of the exchange.
        rate: the share of answers that are spoiled.
        patience: the client's timeout.
        secret: what the client sends, for a device that tells it.
    """

    seed: str
    rate: float
    patience: float
    secret: str


@dataclass
class _Request:
    method: str
    target: str
    head: bytes
    headers: list[tuple[str, str]]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


class _Side:
    """One side's socket, and what was read from it and not used yet."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self.sock = sock
        self.read = b""

    def until(self, end: bytes) -> bytes:
        """Up to and with `end`; empty where the connection ends before."""
        while end not in self.read:
            if not self._more():
                return b""
        found, _end, self.read = self.read.partition(end)
        return found + end

    def exactly(self, count: int) -> bytes:
        while len(self.read) < count and self._more():
            pass
        found, self.read = self.read[:count], self.read[count:]
        return found

    def now(self) -> bytes | None:
        """What has come; None where nothing has, empty where nothing will."""
        self.sock.settimeout(0)
        try:
            return self.sock.recv(65536)
        except ssl.SSLWantReadError:
            return None
        finally:
            self.sock.settimeout(PATIENCE)

    def _more(self) -> bool:
        data = self.sock.recv(65536)
        self.read += data
        return bool(data)


class Proxy(ThreadedServer):
    """Serves until the `with` block ends.

    Attributes:
        exchanges, events: how many went through it.
        done: what was spoiled, with the number of the exchange.
    """

    def __init__(self, sim: Simulator, doom: Doom) -> None:
        super().__init__()
        self.exchanges = self.events = 0
        self.done: list[Spoiled] = []
        self._sim = sim
        self._doom = doom
        self._past: list[tuple[str, Answer]] = []
        self._certificate = certificate("factory")
        self._trust = ssl.create_default_context(cafile=sim.ca_path)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def fingerprint(self) -> str:
        return self._certificate.fingerprint

    @property
    def lied(self) -> bool:
        return any(spoiled.lie for spoiled in self.done)

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException), contextlib.ExitStack() as stack:
            stack.callback(plain.close)
            sock = stack.enter_context(self._certificate.context.wrap_socket(plain, server_side=True))
            self._open.append(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            device = http.client.HTTPSConnection("127.0.0.1", self._sim.port, timeout=PATIENCE, context=self._trust)
            stack.callback(device.close)
            client = _Side(sock)
            while (request := _request(client)) and self._converse(client, device, request):
                pass

    def _converse(self, client: _Side, device: http.client.HTTPSConnection, request: _Request) -> bool:
        """One exchange. Whether the connection goes on."""
        self.exchanges += 1
        rng = random.Random(f"{self._doom.seed}/{self.exchanges}")
        struck = rng.random() < self._doom.rate
        if struck and rng.random() < 0.1:
            return self._undelivered(rng, client, device, request)
        if request.header("upgrade"):
            self._relay(rng if struck else None, client, request)
            return False
        body = client.exactly(int(request.header("content-length") or 0))
        answer = _ask(device, request, body)
        if not struck:
            client.sock.sendall(answer.wire())
            self._past.append((request.path, answer))
            return True
        doom = self._doom
        exchange = answers.Exchange(
            rng, request.method, request.path, answer, doom.patience, self._past[-20:], doom.secret
        )
        self._past.append((request.path, answer))
        return self._act(client.sock, self._note(rng.choice(answers.WAYS)(exchange)).acts)

    def _note(self, spoiled: Spoiled) -> Spoiled:
        self.done.append(Spoiled(f"{self.exchanges}: {spoiled.name}", spoiled.acts, spoiled.lie, spoiled.detail))
        return spoiled

    def _undelivered(
        self, rng: random.Random, client: _Side, device: http.client.HTTPSConnection, request: _Request
    ) -> bool:
        """The device gets nothing of the request, or half of its body; or it is refused before it has all come."""
        size = int(request.header("content-length") or 0)
        how = rng.choice((FIN, RST))
        if request.path == UPLOAD and rng.random() < 0.5:
            self._note(Spoiled("refused early", []))
            client.sock.sendall(Answer(500, "Early", [("Connection", "close")], b"").wire())
            client.exactly(size)
        elif size:
            self._note(Spoiled(f"half a request, {how}", [], detail=request.path))
            _put(device, request, client.exactly(size // 2))
        else:
            self._note(Spoiled(f"lost request, {how}", [], detail=request.path))
        self._act(client.sock, [how])
        return False

    def _act(self, sock: ssl.SSLSocket, acts: list[Act]) -> bool:
        """Whether the connection goes on."""
        for act in acts:
            if isinstance(act, bytes):
                sock.sendall(act)
            elif isinstance(act, float):
                self.stopped.wait(act)
            else:
                if act == RST:
                    reset(sock)
                else:
                    sock.close()
                return False
        return True

    def _relay(self, rng: random.Random | None, client: _Side, request: _Request) -> None:
        """A WebSocket: its handshake, then its frames."""
        with (
            socket.create_connection(("127.0.0.1", self._sim.port), PATIENCE) as plain,
            self._trust.wrap_socket(plain, server_hostname="127.0.0.1") as sock,
        ):
            device = _Side(sock)
            sock.sendall(request.head)
            head = device.until(b"\r\n\r\n")
            if rng is not None and rng.random() < 0.5:
                self._note(Spoiled("WebSocket handshake", []))
                self._act(client.sock, _handshakes(rng, head))
                return
            client.sock.sendall(head)
            self._pass_frames(client, device, rng)

    def _pass_frames(self, client: _Side, device: _Side, rng: random.Random | None) -> None:
        number = 0
        while not self.stopped.is_set():
            for side in _ready(client, device):
                data = side.now()
                if data == b"":
                    return
                if side is client:
                    device.sock.sendall(data or b"")
                    continue
                device.read += data or b""
                for payload, wire in _frames(device):
                    number += 1
                    self.events += 1
                    if not self._pass_frame(client, payload, wire, number if rng else 0):
                        return

    def _pass_frame(self, client: _Side, payload: bytes, wire: bytes, number: int) -> bool:
        rng = random.Random(f"{self._doom.seed}/{self.exchanges}/{number}")
        if wire[0] != events.END | events.TEXT or not number or rng.random() >= FEW_EVENTS:
            client.sock.sendall(wire)
            return True
        return self._act(client.sock, self._note(rng.choice(events.WAYS)(rng, payload, self._doom.patience)).acts)


def _request(client: _Side) -> _Request | None:
    head = client.until(b"\r\n\r\n")
    if not head:
        return None
    line, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _version = line.split(" ")
    headers = [(name, value.strip()) for name, _colon, value in (text.partition(":") for text in rest)]
    return _Request(method, target, head, headers)


def _put(device: http.client.HTTPSConnection, request: _Request, body: bytes) -> None:
    """Pass a request on as it came, with so much of its body."""
    device.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers:
        device.putheader(name, value)
    device.endheaders(body)


def _ask(device: http.client.HTTPSConnection, request: _Request, body: bytes) -> Answer:
    """What the simulator answers, on a new connection where the old one has died."""
    for last in (False, True):
        try:
            _put(device, request, body)
            response = device.getresponse()
            kept = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP]
            return Answer(response.status, response.reason, kept, response.read())
        except (OSError, http.client.HTTPException):
            device.close()
            if last or request.method != "GET":
                raise
    raise AssertionError("unreachable")


def _handshakes(rng: random.Random, head: bytes) -> list[Act]:
    """Ways to spoil the answer that opens a WebSocket."""
    key = b"Sec-WebSocket-Accept: "
    spoiled: list[list[Act]] = [
        [head.replace(b"101", b"200", 1), FIN],
        [head.replace(b"101", b"403", 1), FIN],
        [b"HTTP/1.1 503 Words\r\nContent-Length: 3\r\n\r\n\x1b\xff", FIN],
        [b"HTTP/1.1 302 Found\r\nLocation: wss://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", FIN],
        [head.replace(key, key + b"x"), 0.2],
        [head[: len(head) // 2], RST],
        [head[: len(head) // 2], 2.0],
        [b"\x00\xff" * 300, FIN],
        [head.replace(b"\r\n\r\n", b"\r\nX: " + b"a" * 70_000 + b"\r\n\r\n"), FIN],
        [head.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"), 0.2],
        [2.0],
        [head, FIN],
    ]
    return rng.choice(spoiled)


def _ready(*sides: _Side) -> list[_Side]:
    waiting = [side for side in sides if side.sock.pending()]
    if waiting:
        return waiting
    readable, _w, _x = select.select([side.sock for side in sides], [], [], 0.1)
    return [side for side in sides if side.sock in readable]


def _frames(device: _Side) -> Iterator[tuple[bytes, bytes]]:
    """The whole frames that have come: payload, and all of it."""
    while len(device.read) >= 2:
        size, start = device.read[1] & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(device.read[2:start], "big")
        if len(device.read) < start + size:
            return
        whole, device.read = device.read[: start + size], device.read[start + size :]
        yield whole[start:], whole
