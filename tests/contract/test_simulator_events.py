# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WebSocket /api/ws of the simulated PiKVM: both ways of telling, and what may be said to it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from tests.simulator import hub
from tests.support.raw import until

from .client import ADMIN, Client, Start, keys
from .listener import Event, Listener

ORGANS = {"gpio", "atx", "msd", "ocr", "streamer", "info", "hid_keymaps", "hid"}
GONE = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.ERROR)


@contextlib.contextmanager
def listen(client: Client, query: str = "stream=0", quiet: bool = True) -> Iterator[Listener]:
    """A WebSocket; a quiet one's opening burst is over."""
    with Listener(client, query) as listener:
        if quiet:
            hear_all(listener)
        yield listener


def hear_all(listener: Listener) -> list[Event]:
    """What has been told so far, and all that was sent has been heard."""
    listener.send("ping", {})
    return listener.until(lambda name, _event: name == "pong")


def test_old_burst_is_whole_and_ends_with_loop(pikvm: Start) -> None:
    client = pikvm(kvmd="4.20")
    with Listener(client) as ws:
        burst = ws.until(lambda name, _event: name == "loop")
    told = dict(burst)
    assert told.pop("loop") == {}
    infos = {f"info_{name}_state" for name in ("auth", "extras", "fan", "hw", "meta", "system")}
    organs = {f"{name}_state" for name in ("gpio_model", "gpio", "atx", "msd", "streamer", "streamer_ocr", "hid")}
    assert set(told) == infos | organs | {"hid_keymaps_state"}
    assert told["gpio_state"] == client.state("gpio")["state"]
    assert told["msd_state"] == client.state("msd")
    assert len(burst) == len(told) + 1


def test_new_burst_begins_with_loop(pikvm: Start) -> None:
    client = pikvm()
    with Listener(client) as ws:
        assert ws.event() == ("loop", {"version": {"major": 4, "minor": 197}})
        burst = ws.burst({*ORGANS, "clients"})
        assert ("clients", {"count": 1}) in burst
        told = dict(burst)
        assert told["gpio"] == client.state("gpio")
        assert told["ocr"] == {"enabled": True, "langs": {"default": ["eng"], "available": ["eng", "osd"]}}
        assert set(told["hid_keymaps"]) == {"keymaps"}


def test_info_comes_category_by_category(pikvm: Start) -> None:
    with Listener(pikvm()) as ws:
        infos = [event for name, event in ws.until(lambda name, _event: name == "hid") if name == "info"]
        infos += [event for name, event in ws.until(lambda _name, event: "uptime" in event) if name == "info"]
    assert {next(iter(event)) for event in infos} >= {"auth", "fan", "health", "meta", "node", "system", "uptime"}
    assert all(len(event) == 1 for event in infos)


@pytest.mark.parametrize(
    ("kvmd", "query", "name", "whole"),
    [
        ("4.20", "", "atx_state", True),
        ("4.29", "", "atx_state", True),
        ("4.29", "&legacy=0", "atx_state", False),
        ("4.35", "", "atx_state", False),
        ("4.35", "&legacy=1", "atx_state", True),
        ("4.36", "", "atx", False),
        ("4.197", "&legacy=1", "atx", False),
    ],
)
def test_names_and_parts_by_version(pikvm: Start, kvmd: str, query: str, name: str, whole: bool) -> None:
    client = pikvm(kvmd=kvmd)
    with listen(client, f"stream=0{query}") as ws:
        client.post("/api/atx/power?action=on")
        ws.until(lambda told, event: told == name and event["leds"]["power"])
        client.post("/api/gpio/switch?channel=relay1&state=1&wait=1")
        gpio = "gpio" if name == "atx" else "gpio_state"
        event = ws.until(lambda told, _event: told == gpio)[-1][1]
    outputs = (event if whole else event["state"])["outputs"]
    assert (len(outputs) == 1) is not whole


def test_parts_of_the_drive(pikvm: Start) -> None:
    client = pikvm()
    with listen(client) as ws:
        client.upload("a.iso", b"x" * 1000)
        listed = ws.until(lambda name, event: name == "msd" and "a.iso" in event.get("storage", {}).get("images", {}))
        assert "enabled" not in listed[-1][1]
        client.post("/api/msd/set_params?image=a.iso")
        event = ws.until(lambda name, event: name == "msd" and "drive" in event)[-1][1]
        assert set(event) <= {"drive", "busy"}
        assert event["drive"]["image"]["name"] == "a.iso"
        client.sim.fault("msd_offline")
        event = ws.until(lambda name, _event: name == "msd")[-1][1]
        assert event == {"enabled": True, "online": False, "busy": False, "storage": None, "drive": None}


def test_event_comes_at_once(pikvm: Start) -> None:
    client = pikvm(speed=1.0)
    with listen(client) as ws:
        client.post("/api/atx/click?button=power")
        pressed = time.monotonic()
        ws.until(lambda name, event: name == "atx" and event["busy"])
        assert time.monotonic() - pressed < 0.5


def test_newcomer_makes_everybody_hear_everything(pikvm: Start) -> None:
    for kvmd, hears in (("4.197", True), ("4.20", False)):
        client = pikvm(kvmd=kvmd)
        with listen(client) as first, listen(client):
            told = {name for name, _event in hear_all(first)}
            assert ("gpio" in told) is hears


def test_pongs(pikvm: Start) -> None:
    with listen(pikvm()) as ws:
        ws.send_bytes(b"\0")
        while (message := ws.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.data == b"\xff"


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [({}, "", 401), ({**ADMIN, "X-KVMD-Passwd": "wrong"}, "", 403), (ADMIN, "stream=maybe", 400)],
)
def test_refusal_comes_before_the_upgrade(pikvm: Start, headers: dict[str, str], query: str, status: int) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused, Listener(pikvm(), query, headers):
        pass
    assert refused.value.status == status


def test_plain_request_is_refused(pikvm: Start) -> None:
    assert pikvm().get("/api/ws").status_code == 400


@pytest.mark.parametrize("fault", ["ws_drop", "restarting"])
def test_sockets_are_cut_off(pikvm: Start, fault: str) -> None:
    client = pikvm()
    with listen(client) as ws:
        client.sim.fault(fault)
        while (message := ws.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.type in GONE


def test_silent_socket_says_nothing_until_it_is_well_again(pikvm: Start) -> None:
    client = pikvm(speed=0.1)
    with listen(client) as ws:
        client.sim.fault("ws_silent")
        client.post("/api/gpio/switch?channel=relay1&state=1")
        ws.send("ping", {})
        with pytest.raises(TimeoutError):
            ws.receive(0.3)
        client.sim.clear_faults()
        ws.until(lambda name, event: name == "gpio" and "relay1" in event["state"]["outputs"])


def test_keys_and_mouse_in_json(pikvm: Start) -> None:
    client = pikvm()
    with listen(client) as ws:
        ws.send("key", {"key": "KeyA", "state": True})
        ws.send("key", {"key": "KeyA", "state": False})
        ws.send("key", {"key": "KeyB", "state": True, "finish": True})
        ws.send("key", {"key": "ControlLeft", "state": True, "finish": True})
        ws.send("mouse_button", {"button": "left", "state": True})
        ws.send("mouse_move", {"to": {"x": 99999, "y": -5}})
        ws.send("mouse_wheel", {"delta": [{"x": 0, "y": 5}, {"x": 0, "y": -300}]})
        hear_all(ws)
        both = [("KeyA", True), ("KeyA", False), ("KeyB", True), ("KeyB", False)]
        assert keys(client) == [*both, ("ControlLeft", True)]
        mouse = [_without_time(event) for event in client.sim.device.hid.events if event["kind"].startswith("mouse")]
        assert mouse == [
            {"kind": "mouse_button", "button": "left", "state": True},
            {"kind": "mouse_move", "x": 32767, "y": -5},
            {"kind": "mouse_wheel", "x": 0, "y": 5},
            {"kind": "mouse_wheel", "x": 0, "y": -127},
        ]


def test_relative_mouse_moves_only_in_its_mode(pikvm: Start) -> None:
    client = pikvm()
    with listen(client) as ws:
        ws.send("mouse_relative", {"delta": {"x": 1, "y": 2}})
        hear_all(ws)
        client.post("/api/hid/set_params?mouse_output=usb_rel")
        ws.send("mouse_relative", {"delta": [{"x": 3, "y": 4}, {"x": 5, "y": 6}], "squash": True})
        ws.send("mouse_move", {"to": {"x": 0, "y": 0}})
        hear_all(ws)
    events = [_without_time(event) for event in client.sim.device.hid.events]
    assert {"kind": "mouse_relative", "x": 8, "y": 10} in events
    assert [event["kind"] for event in events].count("mouse_relative") == 1
    assert not [event for event in events if event["kind"] == "mouse_move"]


def test_binary_input(pikvm: Start) -> None:
    client = pikvm()
    with listen(client) as ws:
        ws.send_bytes(b"\x01\x03KeyA")
        ws.send_bytes(b"\x01\x81" + (30).to_bytes(2, "big"))
        ws.send_bytes(b"\x02\x01right")
        ws.send_bytes(b"\x03" + (-7).to_bytes(2, "big", signed=True) + (8).to_bytes(2, "big"))
        ws.send_bytes(b"\x05\x00\x01\xff")
        ws.send_bytes(b"\x63nonsense")
        ws.send_bytes(b"\x01")
        hear_all(ws)
        assert keys(client) == [("KeyA", True), ("KeyA", False), ("KeyA", True)]
        mouse = [_without_time(event) for event in client.sim.device.hid.events if event["kind"].startswith("mouse")]
    assert mouse == [
        {"kind": "mouse_button", "button": "right", "state": True},
        {"kind": "mouse_move", "x": -7, "y": 8},
        {"kind": "mouse_wheel", "x": 1, "y": -1},
    ]


@pytest.mark.parametrize(
    "text",
    ["no json", "[]", "{}", '{"event_type": "nose", "event": {}}', '{"event_type": "key", "event": {"key": "?"}}'],
)
def test_nonsense_is_logged_and_ignored(pikvm: Start, text: str) -> None:
    client = pikvm()
    with listen(client) as ws:
        ws.send_text(text)
        hear_all(ws)
    assert keys(client) == []
    assert "websocket event" in client.get("/api/log").text


@pytest.mark.parametrize(("kvmd", "released"), [("4.197", True), ("4.110", False)])
def test_sockets_release_keys(pikvm: Start, kvmd: str, released: bool) -> None:
    client = pikvm(kvmd=kvmd)
    client.post("/api/hid/events/send_key?key=ShiftLeft&state=1")
    with listen(client):
        assert (client.sim.device.hid.pressed == set()) is released
        client.post("/api/hid/events/send_key?key=AltLeft&state=1")
    until(lambda: client.sim.device.hid.pressed == set())


def test_heads_are_counted(pikvm: Start) -> None:
    client = pikvm()
    with listen(client) as first:
        with listen(client):
            first.until(lambda name, event: (name, event) == ("clients", {"count": 2}))
        first.until(lambda name, event: (name, event) == ("clients", {"count": 1}))


def test_progress_is_told_about_once_a_second(pikvm: Start) -> None:
    client = pikvm(speed=5.0)
    client.sim.fault("slow_card", bytes_per_second=200_000.0)
    with listen(client) as ws:
        client.upload("a.iso", b"x" * 1_200_000)
        told = ws.until(lambda name, event: name == "msd" and "a.iso" in event.get("storage", {}).get("images", {}))
    transfers = [event["storage"].get("uploading") for name, event in told if name == "msd" and "storage" in event]
    written = [transfer["written"] for transfer in transfers if transfer]
    assert written == sorted(set(written))
    assert 3 <= len(written) <= 10


def test_peer_that_never_pongs_is_dropped(pikvm: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "HEARTBEAT", 0.2)
    client = pikvm()
    with listen(client) as patient, Listener(client, autoping=False) as deaf:
        ended = time.monotonic() + 1.0
        while time.monotonic() < ended:
            patient.event()
        while (message := deaf.receive()).type not in GONE:
            assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.PING)
        hear_all(patient)


def _without_time(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "at"}
