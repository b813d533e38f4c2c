# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that do what no faithful PiKVM does: each conversation follows a script."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

from tests.simulator.certificate import certificate

from .threaded import PATIENCE, ThreadedServer, reset

HEAD_END = b"\r\n\r\n"


class Conversation:
    """One request and the connection it came on."""

    def __init__(self, server: RawServer, sock: socket.socket, head: bytes, rest: bytes) -> None:
        self.server = server
        self.sock = sock
        self.head = head.decode("latin-1")
        self.received = len(rest)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, status: int = 200, body: bytes | None = None, **headers: str) -> None:
        """A whole answer; by default a success without a result. `_` in a header's name is a hyphen."""
        if body is None:
            body = json.dumps({"ok": status == 200, "result": {}}).encode()
        lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def refuse(self, name: str, message: str = "words") -> None:
        """kvmd's refusal."""
        body = json.dumps({"ok": False, "result": {"error": name, "error_msg": message}}).encode()
        self.answer(400, body, Content_Type="application/json")

    def receive(self, count: int) -> None:
        """Read so many bytes of the body, or less if no more come."""
        while self.received < count:
            data = self.sock.recv(65536)
            if not data:
                return
            self.received += len(data)

    def reset(self) -> None:
        """Cut the line."""
        reset(self.sock)

    def wait(self, seconds: float) -> None:
        """Do nothing for a while, or until the server is stopped."""
        self.server.stopped.wait(seconds)


Script = Callable[[Conversation], bool | None]


class RawServer(ThreadedServer):
    """Serves until the `with` block ends. A script that returns true goes on with the next request on its connection.

    `heads` are the requests received, without their bodies.
    """

    def __init__(self, script: Script, tls: bool = True, kind: str = "san") -> None:
        super().__init__()
        self.heads: list[str] = []
        self._script = script
        self._certificate = certificate(kind) if tls else None

    @property
    def connections(self) -> int:
        """How many were accepted."""
        return len(self._open)

    @property
    def url(self) -> str:
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self.port}"

    @property
    def ca_path(self) -> str | None:
        return str(self._certificate.ca_path) if self._certificate else None

    def _serve(self, plain: socket.socket) -> None:
        sock = plain
        with contextlib.suppress(OSError, ValueError), contextlib.ExitStack() as open_sockets:
            open_sockets.enter_context(plain)
            if self._certificate:
                sock = open_sockets.enter_context(self._certificate.context.wrap_socket(plain, server_side=True))
            while self._converse(sock):
                pass

    def _converse(self, sock: socket.socket) -> bool:
        data = b""
        while HEAD_END not in data:
            piece = sock.recv(65536)
            if not piece:
                return False
            data += piece
        head, _end, rest = data.partition(HEAD_END)
        self.heads.append(head.decode("latin-1"))
        return bool(self._script(Conversation(self, sock, head, rest)))


Serve = Callable[..., RawServer]
"""Starts servers, as the fixture `raw` does."""


class Tunnel(RawServer):
    """An HTTP proxy that knows CONNECT only."""

    def __init__(self) -> None:
        super().__init__(self._connect, tls=False)

    def _connect(self, talk: Conversation) -> None:
        method, target, _version = talk.head.splitlines()[0].split(" ")
        if method != "CONNECT":
            talk.answer(405)
            return
        host, _colon, port = target.rpartition(":")
        with socket.create_connection((host, int(port)), PATIENCE) as other:
            talk.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(other, talk.sock))
            back.start()
            _pump(talk.sock, other)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def deaf_port() -> Iterator[int]:
    """A port at which connections are accepted and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def until(seen: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait for something to come true; `AssertionError` when it does not."""
    end = time.monotonic() + patience
    while not seen():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
