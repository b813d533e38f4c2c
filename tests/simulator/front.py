# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nginx before kvmd, the wire around it, and the record of all that was asked."""

from __future__ import annotations

import asyncio
import email.utils
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from . import answers
from .device import Device
from .faults import ABRUPT, Faults
from .hub import Hub
from .routes import Kvmd

BODY_LIMIT = 4096
UNLIMITED = ("/api/msd/write", "/api/hid/print")
STREAMED = "/api/msd/write"
SILENCE_STEP = 0.1
SPOILING = ("silent", "drop_request", "truncate", "garbage", "html", "error500", "ignore_write")


@dataclass
class Record:
    """One request; `status` stays null where no answer was sent, or not all of it.

    `connection` is the same number for all requests of a connection: the client's port.
    """

    at: float
    method: str
    path: str
    query: dict[str, str]
    status: int | None = None
    bytes_received: int = 0
    connection: int = 0

    def received(self, count: int) -> None:
        """So many more bytes of the body have come."""
        self.bytes_received += count

    def answered(self, status: int) -> None:
        """The answer has begun."""
        self.status = status

    def describe(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


class Front:
    """Takes every request that is for the PiKVM."""

    def __init__(self, device: Device, faults: Faults, kvmd: Kvmd, hub: Hub, prefix: str) -> None:
        self.records: list[Record] = []
        self._device = device
        self._faults = faults
        self._kvmd = kvmd
        self._hub = hub
        self._prefix = prefix

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer, spoil the answer, or close the connection without one."""
        record = Record(
            self._device.clock.wall(), request.method, request.path, dict(request.query), connection=_port(request)
        )
        self.records.append(record)
        try:
            response = await self._answer(request, record)
            if not response.prepared:
                response.headers["Server"] = "nginx"
                response.headers["Date"] = email.utils.formatdate(self._device.clock.wall(), usegmt=True)
            record.status = response.status
            if self._leaves_early(request):
                await self._finish_and_close(request, response)
            return response
        except ConnectionError as error:
            _close(request, abrupt=str(error) == ABRUPT)
            return web.Response(status=499)

    async def _answer(self, request: web.BaseRequest, record: Record) -> web.StreamResponse:
        method, path = request.method, request.path
        self._faults.arriving(method, path)
        if self._faults.restarting:
            return answers.proxy_page(502)
        slow = self._faults.take("slow", method, path)
        if slow and slow["when"] == "before":
            await asyncio.sleep(slow["seconds"])
        response = await self._spoil(request, None)
        if response is None:
            response = await self._pass_on(request, record)
        if self._faults.restarting and not response.prepared:
            return answers.proxy_page(502)
        if slow and slow["when"] == "after":
            await asyncio.sleep(slow["seconds"])
        spoiled = await self._spoil(request, response)
        return response if spoiled is None else spoiled

    async def _pass_on(self, request: web.BaseRequest, record: Record) -> web.StreamResponse:
        """Hand the request to kvmd the way nginx does."""
        path = request.path
        if not path.startswith(f"{self._prefix}/"):
            return answers.proxy_page(404)
        path = path[len(self._prefix) :]
        if path == "/":
            return web.Response(status=302, headers={"Location": f"{self._prefix}/login"})
        inner = path.removeprefix("/api")
        if inner == path and not path.startswith("/redfish/"):
            return answers.proxy_page(404)
        if _too_large(request, path):
            return answers.proxy_page(413)
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        if path != STREAMED:
            body = await request.read()
            record.bytes_received = len(body)
            if len(body) > BODY_LIMIT and path not in UNLIMITED:
                return answers.proxy_page(413)

        try:
            return await self._kvmd.answer(request, request.path, inner, record)
        finally:
            self._hub.look()

    async def _spoil(self, request: web.BaseRequest, response: web.StreamResponse | None) -> web.StreamResponse | None:
        """The answer of the fault that strikes before (without a response) or after kvmd has worked; null for none."""
        when = "before" if response is None else "after"
        if response is not None and response.prepared:
            return None
        for name in SPOILING:
            params = self._faults.take(name, request.method, request.path, when)
            if params is not None:
                return await self._spoiled(name, params, request, response)
        return None

    async def _spoiled(
        self, name: str, params: dict[str, Any], request: web.BaseRequest, response: web.StreamResponse | None
    ) -> web.StreamResponse:
        while name == "silent" and request.transport is not None:  # noqa: ASYNC110 - nothing tells that a client left
            await asyncio.sleep(SILENCE_STEP)
        if name in ("silent", "drop_request"):
            raise ConnectionResetError(ABRUPT if params.get("abrupt") else name)
        if name == "truncate" and isinstance(response, web.Response):
            await _truncate(request, response)
            raise ConnectionResetError(name)
        if name == "html":
            return answers.proxy_page(params["status"])
        if name == "error500":
            return answers.crash()
        if name == "ignore_write":
            await _discard(request)
            return answers.envelope({})
        return web.Response(body=b"\x00\xffthis is not JSON {", content_type="application/json")

    def _leaves_early(self, request: web.BaseRequest) -> bool:
        unread = request.path.endswith("/msd/write") and not request.content.at_eof()
        return unread and self._faults.take("refusal_close", request.method, request.path) is not None

    @staticmethod
    async def _finish_and_close(request: web.BaseRequest, response: web.StreamResponse) -> None:
        await response.prepare(request)
        await response.write_eof()
        _close(request, abrupt=True)


def _port(request: web.BaseRequest) -> int:
    """The client's port; 0 where it has left already."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return int(peer[1]) if peer else 0


def _too_large(request: web.BaseRequest, path: str) -> bool:
    return path not in UNLIMITED and (request.content_length or 0) > BODY_LIMIT


def _close(request: web.BaseRequest, abrupt: bool = False) -> None:
    """Close the connection, with the farewell TLS has for that or without."""
    if request.transport is not None and abrupt:
        request.transport.abort()
    elif request.transport is not None:
        request.transport.close()


async def _discard(request: web.BaseRequest) -> None:
    while not request.content.at_eof():
        await request.content.readany()


async def _truncate(request: web.BaseRequest, response: web.Response) -> None:
    body = response.body if isinstance(response.body, bytes) else b""
    short = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
    short.content_length = len(body)
    await short.prepare(request)
    await short.write(body[: len(body) // 2])
