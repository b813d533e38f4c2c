# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MSD: the drive's state, its operations, and the four ways bytes move."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web

from . import validators
from .errors import CrashError, KvmdError, NamedError
from .faults import ABRUPT
from .msd import Reading, Upload
from .routes import Call, Route

CHUNK = 65536
REPORT_SECONDS = 2.0
REMOTE_SILENCE = 7 * 24 * 3600.0


async def state(call: Call) -> Any:
    """GET /msd."""
    return call.device.msd.state()


async def set_params(call: Call) -> Any:
    """POST /msd/set_params."""
    image = call.arguments.optional("image")
    if image is not None:
        remote = "://" in image and call.device.dialect.remote_drive
        image = image.strip() and (image if remote else validators.image_name(image))
    cdrom, rw = call.arguments.optional_flag("cdrom"), call.arguments.optional_flag("rw")
    if rw and call.fault("drop_rw"):
        rw = None
    await call.device.msd.set_params(image, cdrom, rw)
    return {}


async def set_connected(call: Call) -> Any:
    """POST /msd/set_connected."""
    await call.device.msd.set_connected(call.arguments.flag("connected"))
    return {}


async def remove(call: Call) -> Any:
    """POST /msd/remove."""
    await call.device.msd.remove(validators.image_name(call.arguments.optional("image")))
    return {}


async def reset(call: Call) -> Any:
    """POST /msd/reset."""
    await call.device.msd.reset()
    return {}


async def write(call: Call) -> Any:
    """POST /msd/write: refusals are answered before a byte of the body is read."""
    name = _name(call, call.arguments.text("image"))
    if call.request.content_length is None:
        validators.refuse(None, "int")
    remove_incomplete = call.arguments.flag("remove_incomplete", default=False)
    async with call.device.msd.writing(name, call.request.content_length, remove_incomplete) as upload:
        async for chunk in _body(call):
            await upload.write(chunk)
    return {"image": upload.progress()}


async def read(call: Call) -> web.StreamResponse:
    """GET /msd/read: the stored bytes."""
    name = validators.image_name(call.arguments.optional("image"))
    if call.arguments.text("compress", "none") not in ("", "none"):
        validators.refuse(call.arguments.text("compress"), "MSD compression of this device")
    async with call.device.msd.reads(name) as reading:
        quoted = urllib.parse.quote(name.rpartition("/")[2], safe="")
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f"attachment; filename*=UTF-8''{quoted}",
            }
        )
        response.content_length = reading.size
        await response.prepare(call.request)
        await _send_file(call, reading, response)
        await response.write_eof()
    return response


async def write_remote(call: Call) -> web.StreamResponse:
    """POST /msd/write_remote: fetch a URL; once progress is streamed a failure comes with HTTP 200."""
    url = _url(call.arguments.optional("url"))
    insecure = call.arguments.flag("insecure", default=False)
    timeout = call.arguments.decimal("timeout", least=0.1, default=10.0)
    remove_incomplete = call.arguments.flag("remove_incomplete", default=False)
    limits = aiohttp.ClientTimeout(total=None, connect=timeout, sock_connect=timeout, sock_read=REMOTE_SILENCE)
    download = _Download(call)
    try:
        async with (
            aiohttp.ClientSession(timeout=limits) as session,
            session.get(url, ssl=not insecure) as remote,
        ):
            return await download.run(remote, remove_incomplete)
    except (aiohttp.ClientError, TimeoutError, KvmdError, CrashError) as error:
        if download.response is not None:
            return await download.fail(error)
        if isinstance(error, (KvmdError, CrashError)):
            raise
        raise NamedError(type(error).__name__, str(error)) from error


class _Download:
    """A remote upload and the stream of its progress."""

    def __init__(self, call: Call) -> None:
        self.response: web.StreamResponse | None = None
        self._call = call
        self._upload: Upload | None = None
        self._reported = 0.0

    async def run(self, remote: aiohttp.ClientResponse, remove_incomplete: bool) -> web.StreamResponse:
        """Copy what the other server sends into a new image."""
        if remote.status != 200:
            raise aiohttp.ClientResponseError(
                remote.request_info, remote.history, status=remote.status, message=remote.reason or ""
            )
        name = _name(self._call, self._call.arguments.text("image").strip() or _remote_name(remote))
        size = self._size(remote)
        async with self._call.device.msd.writing(name, size, remove_incomplete) as upload:
            self._upload = upload
            self.response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
            await self.response.prepare(self._call.request)
            await self._report()
            async for chunk in remote.content.iter_chunked(CHUNK):
                await upload.write(chunk)
                await self._report_now_and_then()
        await self._report()
        await self.response.write_eof()
        return self.response

    async def fail(self, error: Exception) -> web.StreamResponse:
        """One more line of progress, the error, and a stream that breaks off."""
        assert self.response is not None
        await self._report()
        name = "OSError" if isinstance(error, CrashError) else type(error).__name__
        await self._line(False, {"error": name, "error_msg": str(error)})
        if self._call.request.transport is not None:
            self._call.request.transport.close()
        return self.response

    def _size(self, remote: aiohttp.ClientResponse) -> int:
        if remote.content_length is None:
            if self._call.device.dialect.raw_limit:
                raise aiohttp.ClientError("No Content-Length found")
            validators.refuse(None, "int")
        return remote.content_length

    async def _report_now_and_then(self) -> None:
        now = self._call.device.clock.now()
        if not self._reported or now - self._reported >= REPORT_SECONDS:
            self._reported = now
            await self._report()

    async def _report(self) -> None:
        assert self._upload is not None
        await self._line(True, {"image": self._upload.progress()})

    async def _line(self, ok: bool, result: dict[str, Any]) -> None:
        assert self.response is not None
        await self.response.write(json.dumps({"ok": ok, "result": result}).encode() + b"\r\n")


def _name(call: Call, image: str) -> str:
    return validators.image_name(f"{call.arguments.text('prefix')}/{image}")


def _url(raw: str | None) -> str:
    parts = urllib.parse.urlsplit((raw or "").strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        validators.refuse(raw, "HTTP|HTTPS URL")
    return parts.geturl()


def _remote_name(remote: aiohttp.ClientResponse) -> str:
    disposition = remote.content_disposition
    name = disposition.filename if disposition and disposition.filename else remote.url.name
    if not name:
        raise aiohttp.ClientError("Can't determine filename")
    return name


async def _body(call: Call) -> AsyncIterator[bytes]:
    """The request's body as it comes, as far as nothing cuts it off."""
    cut = call.fault("upload_cut")
    left = cut["bytes"] if cut else None
    while True:
        chunk = await call.request.content.readany()
        if left is not None and len(chunk) >= left:
            call.notes.received(left)
            yield chunk[:left]
            raise ConnectionResetError(ABRUPT)
        if not chunk:
            return
        if left is not None:
            left -= len(chunk)
        call.notes.received(len(chunk))
        yield chunk


async def _send_file(call: Call, reading: Reading, response: web.StreamResponse) -> None:
    stop = reading.size // 2 if call.fault("truncate") else reading.size
    with reading.image.path.open("rb") as source:
        while reading.readed < stop:
            data = source.read(min(CHUNK, stop - reading.readed))
            await response.write(data)
            reading.readed += len(data)
    if stop < reading.size:
        raise ConnectionResetError("truncate")


ROUTES = [
    Route("GET", "/msd", state),
    Route("POST", "/msd/set_params", set_params),
    Route("POST", "/msd/set_connected", set_connected),
    Route("POST", "/msd/remove", remove),
    Route("POST", "/msd/reset", reset),
    Route("POST", "/msd/write", write),
    Route("POST", "/msd/write_remote", write_remote),
    Route("GET", "/msd/read", read),
]
