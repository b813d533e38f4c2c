# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WebSocket /api/ws: events out, keys and mouse in."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from . import answers, hid, validators
from .device import Device
from .errors import ValidatorError
from .events import Voice
from .hub import Hub, Listener
from .keyboard import BUTTON_CODES, KEY_CODES
from .routes import COOKIE, Call, Route

PING, KEY, BUTTON, MOVE, RELATIVE, WHEEL = range(6)
"""The first byte of a binary message."""

STATE, FINISH, NUMBER = 0x01, 0x02, 0x80
"""Flags of a key or button in a binary message."""

PONG = b"\xff"


def routes(hub: Hub) -> list[Route]:
    """The route of one device's hub."""

    async def listen(call: Call) -> web.StreamResponse:
        """GET /ws."""
        return await _listen(hub, call)

    return [Route("GET", "/ws", listen)]


async def _listen(hub: Hub, call: Call) -> web.StreamResponse:
    dialect = call.device.dialect
    stream = call.arguments.flag("stream", default=True)
    legacy = dialect.ws_legacy is not None and call.arguments.flag("legacy", default=dialect.ws_legacy)
    socket = web.WebSocketResponse(autoping=False)
    if not socket.can_prepare(call.request):
        return answers.plain(400, 'No WebSocket UPGRADE hdr: None\n Can "Upgrade" only to "WebSocket".')
    await socket.prepare(call.request)
    call.notes.answered(socket.status)
    call.device.log.write("ws", "Registered a new websocket session")
    listener = Listener(socket, call.request, Voice.of(dialect, legacy), stream)
    sender = call.device.background.spawn(listener.send())
    session = call.device.sessions.hold(call.request.cookies.get(COOKIE, ""))
    hub.join(listener)
    try:
        await _hear(hub, listener, call.device)
    finally:
        sender.cancel()
        call.device.sessions.release(session)
        hub.leave(listener)
        call.device.log.write("ws", "Removed a websocket session")
    return socket


async def _hear(hub: Hub, listener: Listener, device: Device) -> None:
    async for message in listener.socket:
        listener.alive = True
        if message.type is WSMsgType.PING:
            if not hub.silent:
                await listener.socket.pong(message.data)
        elif message.type is WSMsgType.TEXT:
            _hear_text(hub, listener, device, message.data)
        elif message.type is WSMsgType.BINARY:
            await _hear_binary(hub, listener, device, message.data)
        hub.look()


def _hear_text(hub: Hub, listener: Listener, device: Device, text: str) -> None:
    try:
        message = json.loads(text)
        name, event = message["event_type"], message["event"]
        if name == "ping":
            if not hub.silent:
                listener.tell([("pong", {})])
        elif name in INPUTS:
            INPUTS[name](device, event)
        else:
            device.log.write("ws", f"Unknown websocket event: {name!r}")
    except (ValueError, KeyError, TypeError, AttributeError, ValidatorError) as error:
        device.log.write("ws", f"Can't parse the websocket event: {error!r}")


async def _hear_binary(hub: Hub, listener: Listener, device: Device, data: bytes) -> None:
    try:
        if data[0] == PING:
            if device.dialect.ws_binary_pong and not hub.silent:
                await listener.socket.send_bytes(PONG)
        elif data[0] in BINARY_INPUTS:
            BINARY_INPUTS[data[0]](device, data[1:])
        else:
            device.log.write("ws", f"Unknown websocket binary event: {data[:1]!r}")
    except (ValueError, IndexError, struct.error, ValidatorError) as error:
        device.log.write("ws", f"Can't parse the websocket event: {error!r}")


def _key(device: Device, event: dict[str, Any]) -> None:
    finish = device.dialect.key_finish and _flag(event.get("finish", False))
    device.hid.key(validators.key(event["key"]), _flag(event["state"]), finish)


def _button(device: Device, event: dict[str, Any]) -> None:
    device.hid.button(validators.button(event["button"]), _flag(event["state"]))


def _move(device: Device, event: dict[str, Any]) -> None:
    device.hid.move(int(event["to"]["x"]), int(event["to"]["y"]))


def _deltas(kind: str) -> Callable[[Device, dict[str, Any]], None]:
    def turn(device: Device, event: dict[str, Any]) -> None:
        given = event["delta"]
        deltas = [(int(delta["x"]), int(delta["y"])) for delta in (given if isinstance(given, list) else [given])]
        device.hid.delta(kind, deltas, squash=_flag(event.get("squash", False)))

    return turn


def _flag(value: Any) -> bool:
    return validators.Arguments({"value": str(value)}, raw_limit=False).flag("value")


def _binary_key(device: Device, data: bytes) -> None:
    finish = device.dialect.key_finish and bool(data[0] & FINISH)
    device.hid.key(validators.key(_name(device, data, KEY_CODES)), bool(data[0] & STATE), finish)


def _binary_button(device: Device, data: bytes) -> None:
    device.hid.button(validators.button(_name(device, data, BUTTON_CODES)), bool(data[0] & STATE))


def _name(device: Device, data: bytes, codes: dict[int, str]) -> str:
    if data[0] & NUMBER and device.dialect.ws_key_numbers:
        (number,) = struct.unpack(">H", data[1:])
        return codes.get(number, "")
    return data[1:].decode("ascii")


def _binary_move(device: Device, data: bytes) -> None:
    device.hid.move(*struct.unpack(">hh", data))


def _binary_deltas(kind: str) -> Callable[[Device, bytes], None]:
    def turn(device: Device, data: bytes) -> None:
        numbers = struct.unpack(f"{len(data) - 1}b", data[1:])
        deltas = list(zip(numbers[::2], numbers[1::2], strict=True))
        device.hid.delta(kind, deltas, squash=bool(data[0] & STATE))

    return turn


INPUTS: dict[str, Callable[[Device, dict[str, Any]], None]] = {
    "key": _key,
    "mouse_button": _button,
    "mouse_move": _move,
    "mouse_relative": _deltas(hid.RELATIVE),
    "mouse_wheel": _deltas(hid.WHEEL),
}

BINARY_INPUTS: dict[int, Callable[[Device, bytes], None]] = {
    KEY: _binary_key,
    BUTTON: _binary_button,
    MOVE: _binary_move,
    RELATIVE: _binary_deltas(hid.RELATIVE),
    WHEEL: _binary_deltas(hid.WHEEL),
}
