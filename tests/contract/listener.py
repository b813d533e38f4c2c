# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebSocket client that is driven step by step."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from .client import ADMIN, PATIENCE, Client

Event = tuple[str, Any]

FAREWELL = 0.03
"""Seconds in which the event loop sees the closed connection off."""


class Listener:
    """One WebSocket to a simulator."""

    def __init__(
        self, client: Client, query: str = "stream=0", headers: dict[str, str] | None = None, autoping: bool = True
    ) -> None:
        self._autoping = autoping
        self._url = f"{client.sim.url}/api/ws?{query}"
        self._headers = ADMIN if headers is None else headers
        self._trust = ssl.create_default_context(cafile=client.sim.ca_path)
        self._runner = asyncio.Runner()
        self._closing = contextlib.AsyncExitStack()

    def __enter__(self) -> Listener:
        try:
            self._socket = self._runner.run(self._open())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        session = await self._closing.enter_async_context(aiohttp.ClientSession())
        return await self._closing.enter_async_context(
            session.ws_connect(self._url, headers=self._headers, ssl=self._trust, autoping=self._autoping)
        )

    def close(self) -> None:
        """Close the connection."""
        self._runner.run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        await self._closing.aclose()
        await asyncio.sleep(FAREWELL)

    def send(self, name: str, event: Any) -> None:
        """Send an event."""
        self.send_text(json.dumps({"event_type": name, "event": event}))

    def send_text(self, text: str) -> None:
        """Send a text message."""
        self._runner.run(self._socket.send_str(text))

    def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""
        self._runner.run(self._socket.send_bytes(data))

    def receive(self, patience: float = PATIENCE) -> aiohttp.WSMessage:
        """The next message; `TimeoutError` where none comes."""
        return self._runner.run(self._socket.receive(patience))

    def event(self) -> Event:
        """The next event."""
        message = json.loads(self.receive().data)
        return message["event_type"], message["event"]

    def until(self, seen: Callable[[str, Any], bool]) -> list[Event]:
        """Events up to the first that is the wanted one."""
        events, end = [self.event()], time.monotonic() + PATIENCE
        while not seen(*events[-1]):
            assert time.monotonic() < end, f"waited in vain, last were {events[-3:]}"
            events.append(self.event())
        return events

    def burst(self, names: set[str]) -> list[Event]:
        """Events until each of some names has come."""
        missing = set(names)

        def complete(name: str, _event: Any) -> bool:
            missing.discard(name)
            return not missing

        return self.until(complete)
