# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The open WebSockets of one device, and the news they are sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from . import events
from .device import Device
from .events import Event, Voice

LOOK_SECONDS = 0.01
"""Real seconds between two looks at the organs while somebody listens."""

HEARTBEAT = 15.0
"""Real seconds between two pings; who has not answered the last one is dropped."""


@dataclass(eq=False)
class Listener:
    """One open WebSocket."""

    socket: web.WebSocketResponse
    request: web.BaseRequest
    voice: Voice
    stream: bool
    alive: bool = True
    _queue: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def tell(self, told: Iterable[Event]) -> None:
        """Send events when their turn comes."""
        for name, event in told:
            self._queue.put_nowait(json.dumps({"event_type": name, "event": event}))

    async def send(self) -> None:
        """Send what is to be told until the connection is gone."""
        with contextlib.suppress(ConnectionError, RuntimeError):
            while True:
                await self.socket.send_str(await self._queue.get())

    def drop(self) -> None:
        """Cut the connection without farewell."""
        if self.request.transport is not None:
            self.request.transport.abort()


class Hub:
    """Tells every listener what changes."""

    def __init__(self, device: Device) -> None:
        self.silent = False
        self._device = device
        self._listeners: list[Listener] = []
        self._states: events.States = {}
        self._progress_at = 0.0
        self._watch: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """How many WebSockets are open."""
        return len(self._listeners)

    def join(self, listener: Listener) -> None:
        """A WebSocket has been opened."""
        self.look()
        self._listeners.append(listener)
        self._audience_changed(self._device.dialect.ws_opening_releases)
        if not self._device.dialect.ws_partial:
            self._states = events.collect(self._device)
            listener.tell(events.opening(self._states, listener.voice))
            listener.tell([("loop", {})])
        else:
            listener.tell([("loop", {"version": self._version()})])
            self._count_heads()
            self._tell_everything()
        if self._watch is None:
            self._watch = self._device.background.spawn(self._keep_watch())

    def leave(self, listener: Listener) -> None:
        """A WebSocket has been closed."""
        self._listeners.remove(listener)
        self._audience_changed(releases=True)
        self._count_heads()
        if not self._listeners and self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def drop(self) -> None:
        """Cut every connection."""
        for listener in self._listeners:
            listener.drop()

    def look(self) -> None:
        """Tell what has changed since the last look."""
        if not self._listeners or self.silent:
            return
        before, now = self._states, events.collect(self._device)
        if events.hold_back(before, now) and self._device.clock.now() - self._progress_at < events.PROGRESS_SECONDS:
            now["msd"] = before["msd"]
        elif now["msd"] != before["msd"]:
            self._progress_at = self._device.clock.now()
        if now != before:
            self._states = now
            for listener in self._listeners:
                listener.tell(events.changes(before, now, listener.voice))

    async def _keep_watch(self) -> None:
        loop = asyncio.get_running_loop()
        next_ping = loop.time() + HEARTBEAT
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()
            if loop.time() >= next_ping:
                next_ping += HEARTBEAT
                await self._ping()

    async def _ping(self) -> None:
        for listener in list(self._listeners):
            if not listener.alive:
                listener.drop()
            elif not self.silent:
                listener.alive = False
                with contextlib.suppress(ConnectionError, RuntimeError):
                    await listener.socket.ping()

    def _audience_changed(self, releases: bool) -> None:
        if releases:
            self._device.hid.release_all()
        self._device.streamer.watched_by(sum(listener.stream for listener in self._listeners))

    def _count_heads(self) -> None:
        if self._device.dialect.ws_clients and not self.silent:
            for listener in self._listeners:
                listener.tell([("clients", {"count": self.count})])

    def _tell_everything(self) -> None:
        """Since events are partial, each newcomer makes everybody hear everything."""
        self._states = events.collect(self._device)
        if not self.silent:
            for listener in self._listeners:
                listener.tell(events.opening(self._states, listener.voice))

    def _version(self) -> dict[str, Any]:
        major, minor = self._device.dialect.version.split(".")
        return {"major": int(major), "minor": int(minor)}
