# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kvmd's HTTP side: which path leads where, who may go there, and how answers and errors are wrapped."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from . import answers, validators
from .device import Device
from .dialect import Dialect
from .errors import CrashError, ForbiddenError, KvmdError, UnauthorizedError
from .faults import Faults
from .validators import Arguments

LOG = logging.getLogger(__name__)

COOKIE = "auth_token"


class Notes(Protocol):
    """Where it is written down what becomes of a request before it is answered."""

    def received(self, count: int) -> None:
        """So many more bytes of a streamed body have come."""

    def answered(self, status: int) -> None:
        """An answer has begun that does not end soon."""


@dataclass
class Call:
    """One request on its way through kvmd."""

    request: web.BaseRequest
    path: str
    """With the `/api` that nginx takes away."""
    device: Device
    faults: Faults
    arguments: Arguments
    notes: Notes

    def fault(self, name: str) -> dict[str, Any] | None:
        """The parameters of a fault that strikes this call."""
        return self.faults.take(name, self.request.method, self.path)


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True)
class Route:
    """A method and a path; a handler returns an envelope's `result` or a whole response."""

    method: str
    path: str
    handler: Handler
    open: bool = False
    """Answers without credentials."""
    exists: Callable[[Dialect], bool] = lambda _dialect: True


class Kvmd:
    """The daemon behind nginx."""

    def __init__(self, device: Device, faults: Faults, routes: list[Route]) -> None:
        self.crashes: list[Exception] = []
        """Exceptions that are the simulator's own fault."""
        self._device = device
        self._faults = faults
        self._routes: dict[str, dict[str, Route]] = {}
        for route in routes:
            if route.exists(device.dialect):
                self._routes.setdefault(route.path, {})[route.method] = route

    async def answer(self, request: web.BaseRequest, path: str, inner: str, notes: Notes) -> web.StreamResponse:
        """Answer a request that was asked for at `path` and reaches kvmd as `inner`."""
        found = self._find(request.method, inner)
        if isinstance(found, web.Response):
            return found
        arguments = Arguments(request.query, self._device.dialect.raw_limit)
        call = Call(request, path, self._device, self._faults, arguments, notes)
        try:
            if not found.open and self._device.sessions.enabled:
                self._authenticate(call)
            result = await found.handler(call)
        except KvmdError as error:
            return answers.refusal(error)
        except CrashError as error:
            self._device.log.write("http", f"Internal Server Error: {error}")
            return answers.crash()
        except ConnectionError:
            raise
        except Exception as error:
            LOG.exception("the simulator failed at %s %s", request.method, path)
            self.crashes.append(error)
            return answers.crash()
        return result if isinstance(result, web.StreamResponse) else answers.envelope(result)

    def _find(self, method: str, path: str) -> Route | web.Response:
        methods = self._routes.get(path)
        if methods is None:
            bare = path.rstrip("/")
            if path != bare and method in self._routes.get(bare, {}):
                return answers.plain(308, "308: Permanent Redirect", {"Location": bare})
            return answers.plain(404, "404: Not Found")
        if method not in methods:
            return answers.plain(405, "405: Method Not Allowed", {"Allow": ",".join(sorted(methods))})
        return methods[method]

    def _authenticate(self, call: Call) -> None:
        """The first kind of credential present decides, whatever else comes with it."""
        headers, sessions = call.request.headers, self._device.sessions
        token = call.request.cookies.get(COOKIE, "")
        if headers.get("X-KVMD-User"):
            user = validators.username(headers["X-KVMD-User"])
            allowed = sessions.authorize(user, validators.password(headers.get("X-KVMD-Passwd", "")))
        elif token:
            token = validators.token(token)
            if call.fault("session_expired"):
                sessions.forget(token)
            allowed = sessions.check(token) is not None
        elif headers.get("Authorization", "").lower().startswith("basic "):
            user, password = _basic(headers["Authorization"])
            allowed = sessions.authorize(validators.username(user), validators.password(password))
        else:
            raise UnauthorizedError
        if not allowed:
            raise ForbiddenError


def _basic(header: str) -> tuple[str, str]:
    try:
        user, password = base64.b64decode(header[6:]).decode().split(":")
    except (ValueError, binascii.Error) as error:
        raise UnauthorizedError from error
    return user, password
