# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Connections that hear an answer given before the upload has ended, and that do not wait for one without an end.

kvmd refuses an upload before it has read the body, and the web server in front of it goes on swallowing the rest for
half a minute before it cuts the line. So the line is listened to between blocks; once there is an answer, sending stops
and the answer is read.

A timeout is for each wait for bytes: an answer that drips in, or that begins with one interim answer after the other,
never meets it. So there is a time for the whole of what is read, too. Everything else is urllib3's.
"""

from __future__ import annotations

import errno
import io
import math
import socket
import ssl
import time
from typing import Any

from .bounds import HEAD_WAITS
from .upload import ImageFile

HEARING_POOLS: dict[str, Any] = {}

LISTEN_EVERY = 0.5
"""Seconds between two looks for an answer while the line is blocked: who has refused may read no more."""

ANSWER_AFTER_BREAK = 5.0
"""Seconds to look for an answer once the connection has broken under the sender."""


class _TimedSocket:
    """A socket whose answers are read within a time; one from which the first byte was taken gives it back first."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self.first = b""
        self.wait: float | None = None
        self.deadline = math.inf

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def allow(self, seconds: float) -> None:
        """From now on, that is the time for all that is read."""
        self.deadline = time.monotonic() + seconds

    def makefile(self, *_args: Any, **_kwargs: Any) -> io.BufferedReader:
        return io.BufferedReader(_Timed(self, self._sock.makefile("rb", buffering=0)))


class _Timed(io.RawIOBase):
    def __init__(self, sock: _TimedSocket, rest: Any) -> None:
        self._sock = sock
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._sock.first:
            buffer[:1], self._sock.first = self._sock.first, b""
            return 1
        left = self._sock.deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("it takes too long as a whole")
        if left < math.inf:
            self._sock.settimeout(left if self._sock.wait is None else min(self._sock.wait, left))
        read: int | None = self._rest.readinto(buffer)
        return read

    def close(self) -> None:
        self._rest.close()
        super().close()


class _Hearing:
    """Mixed into urllib3's connections. An `ImageFile` as body makes it listen."""

    _image: ImageFile | None = None
    _broken = False
    _timed: _TimedSocket
    sock: Any
    timeout: Any

    def connect(self) -> None:
        """As urllib3, but a failed handshake is a failed connection: nothing has been sent yet."""
        try:
            super().connect()  # type: ignore[misc]
        except ssl.SSLCertVerificationError:
            raise
        except OSError as exc:
            raise NewConnectionError(self, f"the TLS handshake failed: {exc}") from exc  # type: ignore[arg-type]
        self.sock = self._timed = _TimedSocket(self.sock)

    def allow(self, seconds: float) -> None:
        """From now on, that is the time for all that is read of an answer."""
        self._timed.allow(seconds)  # `sock` is given up as soon as the head says that the connection will be closed

    def request(self, method: str, url: str, body: Any = None, *args: Any, **kwargs: Any) -> None:
        self._image = body if isinstance(body, ImageFile) else None
        self._broken = False
        super().request(method, url, body, *args, **kwargs)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        if self._image is None or self.sock is None:
            super().send(data)  # type: ignore[misc]
            return
        try:
            self._send_listening(memoryview(data), self._image.stall)
        except OSError as exc:
            # urllib3 goes on to read the answer after this error, and only after this one
            self._broken = not self.sock.first
            raise BrokenPipeError(errno.EPIPE, str(exc)) from exc

    def _send_listening(self, block: memoryview, stall: float) -> None:
        """Send a block within `stall` seconds, and listen before it and whenever the line is blocked."""
        end = time.monotonic() + stall
        sent = 0
        while sent < len(block):
            if self._answered():
                raise BrokenPipeError(errno.EPIPE, "answered before the end of the upload")
            self.sock.settimeout(LISTEN_EVERY)
            try:
                sent += self.sock.send(block[sent:])
            except socket.timeout:
                if time.monotonic() >= end:
                    raise

    def getresponse(self, *args: Any, **kwargs: Any) -> Any:
        if self._broken:
            self.timeout = ANSWER_AFTER_BREAK
        self.sock.wait = self.timeout
        self.sock.allow(HEAD_WAITS * self.timeout)
        return super().getresponse(*args, **kwargs)  # type: ignore[misc]

    def _answered(self) -> bool:
        if not wait_for_read(self.sock, timeout=0):
            return False
        patience = self.sock.gettimeout()
        self.sock.settimeout(0)
        try:
            first = self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False  # bytes of TLS itself (a session ticket), not of an answer
        except OSError:
            first = b""
        finally:
            self.sock.settimeout(patience)
        self.sock.first = first
        return True


try:
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import NewConnectionError
    from urllib3.util.wait import wait_for_read
except ImportError:
    pass  # requests brings urllib3: its absence is reported where requests is needed
else:

    class _HearingHTTPConnection(_Hearing, HTTPConnection):
        pass

    class _HearingHTTPSConnection(_Hearing, HTTPSConnection):
        pass

    class _HearingHTTPPool(HTTPConnectionPool):
        ConnectionCls = _HearingHTTPConnection

    class _HearingHTTPSPool(HTTPSConnectionPool):
        ConnectionCls = _HearingHTTPSConnection

    HEARING_POOLS.update(http=_HearingHTTPPool, https=_HearingHTTPSPool)
