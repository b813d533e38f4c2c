# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The body of an answer, read within bounds, and what an exception of those who read it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import TracebackType
from typing import Callable

from .answer import Request
from .bounds import BLOCK, LONGEST_LINE
from .errors import AnswerError, quote

try:
    import requests
    from requests import exceptions as failures
    from urllib3.exceptions import HTTPError
except ImportError:
    pass  # require_requests() reports it before anything here is used


class Stream:
    """The body of a successful answer, read piece by piece. Close it by leaving its `with` block.

    Args:
        hang_up: closes the connection, which is of no use once a body was left unread.
        patience: seconds that a block, or a line, may take.
    """

    def __init__(
        self, request: Request, response: requests.Response, hang_up: Callable[[], None], patience: float
    ) -> None:
        self.request = request
        length = response.headers.get("Content-Length", "")
        self.length = int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
        self._response = response
        self._hang_up = hang_up
        self._patience = patience
        self._ended = False

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._response.close()
        if exc is not None or not self._ended:
            self._hang_up()

    def blocks(self, longest: int | None = None) -> Iterator[bytes]:
        """The body in blocks. Raises AnswerError where it breaks off, is short, or goes on after `longest` bytes."""
        size = 0
        while True:
            block = self._guarded(self._block)
            if not block:
                break
            size += len(block)
            if longest is not None and size > longest:
                raise AnswerError(f"{self.request}: the answer has no end: given up after {longest} bytes")
            yield block
        if self.length not in (None, size):
            raise AnswerError(f"{self.request}: the answer broke off after {size} of {self.length} bytes")
        self._ended = True

    def lines(self) -> Iterator[bytes]:
        """The lines of the body as they come. Raises AnswerError where it breaks off, or where a line has no end."""
        found = pieces(self._response)
        rest = b""
        while True:
            allow(self._response, self._patience)
            piece = self._guarded(lambda: next(found, b""))
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
            if len(rest) > LONGEST_LINE:
                raise AnswerError(f"{self.request}: a line of the answer has no end")
            if not piece:
                break
        self._ended = True
        if rest:
            yield rest

    def _block(self) -> bytes:
        allow(self._response, self._patience)
        block: bytes = self._response.raw.read(BLOCK, decode_content=False)
        return block

    def _guarded(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except (failures.RequestException, HTTPError, OSError) as exc:
            raise AnswerError(f"{self.request}: the answer broke off: {words_of(exc)}") from exc


def allow(response: requests.Response, seconds: float) -> None:
    """Limit the time for what is read from now on. There is no connection any more where all has been read."""
    connection = getattr(response.raw, "connection", None)
    if connection is not None:
        connection.allow(seconds)


def pieces(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes. `iter_content` waits for whole blocks, however slowly their bytes drip in."""
    if not hasattr(response.raw, "read1"):  # urllib3 before 2.1
        yield from iter(lambda: response.raw.read(1024, decode_content=False), b"")
        return
    while True:
        piece: bytes = response.raw.read1(64 * 1024, decode_content=False)
        if not piece:
            return
        yield piece


def reason_of(exc: BaseException) -> BaseException:
    """The exception at the bottom of what requests and urllib3 wrapped around it."""
    inner = getattr(exc, "reason", None) or (exc.args[0] if exc.args else None)
    return reason_of(inner) if isinstance(inner, BaseException) else exc


def words_of(exc: BaseException) -> str:
    """What an exception says, without the names of urllib3's objects in front."""
    return quote(re.sub(r"^\S*(HTTPS?Connection(Pool)?\(.*?\)|object at 0x\w+>): ", "", str(reason_of(exc))))
