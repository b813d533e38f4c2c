# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A socket that is read and written at the same time, by whoever must neither wait nor hoard for ever.

OpenSSL wants to be called by one thread at a time, and websockets has a thread that always reads. Where that one waits
inside of OpenSSL, now and then what another one writes is lost: mostly when the session tickets of TLS 1.3 arrive.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
import time
from typing import Any

from .bounds import LONGEST_BACKLOG

LOOK = 0.5
"""Seconds after which a waiting thread sees that the socket was closed."""


class DuplexSocket:
    """A socket that waits outside of TLS, so that each call into it is short and can be made alone.

    Args:
        stall: seconds that the other side may take to let us send more.

    Attributes:
        backlog: bytes that were read and that nobody has received yet, as the receiver counts them.
    """

    def __init__(self, sock: socket.socket, stall: float) -> None:
        sock.setblocking(False)
        self.backlog = 0
        self._sock = sock
        self._stall = stall
        self._alone = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def settimeout(self, seconds: float | None) -> None:
        """No timeout is kept: whoever closes the socket ends all waiting."""

    def recv(self, size: int) -> bytes:
        while True:
            try:
                with self._alone:
                    data = self._sock.recv(size)
            except (ssl.SSLWantReadError, BlockingIOError):
                self._wait(readable=True)
            except ssl.SSLWantWriteError:
                self._wait(readable=False)
            else:
                self.backlog += len(data)
                if self.backlog > LONGEST_BACKLOG:
                    raise OSError(f"{self.backlog} bytes came faster than they could be used")
                return data

    def sendall(self, data: bytes) -> None:
        left = memoryview(data)
        deadline = time.monotonic() + self._stall
        while left:
            try:
                with self._alone:
                    left = left[self._sock.send(left) :]
            except ssl.SSLWantReadError:
                self._wait(readable=True)
            except (ssl.SSLWantWriteError, BlockingIOError):
                self._wait(readable=False)
            if left and time.monotonic() >= deadline:
                raise OSError(f"the other side has taken nothing for {self._stall:g} s")

    def shutdown(self, how: int) -> None:
        """End the conversation, and let whoever waits come back."""
        with self._alone:
            self._sock.shutdown(how)

    def close(self) -> None:
        """Close, and let whoever waits come back."""
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)
        with self._alone:
            self._sock.close()

    def _wait(self, readable: bool) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._sock, selectors.EVENT_READ if readable else selectors.EVENT_WRITE)
                selector.select(LOOK)
        except ValueError as exc:
            raise OSError("the socket was closed") from exc
