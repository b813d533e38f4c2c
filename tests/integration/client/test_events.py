# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PiKVM's events over a real, encrypted WebSocket."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.api import Pikvm
from ansible_collections.community.pikvm.plugins.module_utils._client.console import KEYS
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import (
    AnswerError,
    DeviceError,
    ForbiddenError,
    ReadOnlyError,
    ServerFault,
    UnauthorizedError,
    UnreachableError,
    UntrustedCertificateError,
)
from ansible_collections.community.pikvm.plugins.module_utils._client.events import EventSocket
from tests.simulator import Simulator, hub, keyboard
from tests.simulator.certificate import certificate
from tests.support.device import switch_on
from tests.support.expect import Start
from tests.support.raw import Conversation, Serve, closed_port, until

Connect = Callable[..., Pikvm]
Open = Callable[..., EventSocket]

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OTHER_SECRET = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"
PASSWORD = "geheim"
WRONG_PIN = "00:" * 31 + "00"
WHOLE, PARTS = ("3.334", "4.20", "4.29"), ("4.35", "4.50", "4.197")
"""Versions that tell everything each time, and those that tell only what has changed."""
KINDS = {"atx", "msd", "gpio", "hid", "hid_keymaps", "ocr", "streamer", "info"}
PATIENCE = 5.0


@pytest.fixture
def listen(client: Connect) -> Iterator[Open]:
    """Opens sockets to simulators."""
    with contextlib.ExitStack() as stack:

        def start(server: Any, stream: bool = False, **options: Any) -> EventSocket:
            return stack.enter_context(contextlib.closing(client(server, **options).events(stream)))

        yield start


def over_http(pikvm: Pikvm, kind: str) -> dict[str, Any]:
    """What a GET tells of one kind, without what events leave out."""
    state = pikvm.transport.get(
        {"ocr": "/api/streamer/ocr", "hid_keymaps": "/api/hid/keymaps"}.get(kind, f"/api/{kind}")
    )
    return without_totals(state["ocr"] if kind == "ocr" else state)


def without_totals(state: dict[str, Any]) -> dict[str, Any]:
    """Before 4.36 a GET tells the totals of the storage beside its parts, partial events do not."""
    if not isinstance(state.get("storage"), dict):
        return state
    return {**state, "storage": {k: v for k, v in state["storage"].items() if k not in ("size", "free")}}


def await_state(socket: EventSocket, kind: str, wanted: Callable[[], dict[str, Any]]) -> None:
    """Receive until the events have told what a GET tells."""
    end = time.monotonic() + PATIENCE
    while without_totals(socket.state.get(kind)) != wanted():
        assert time.monotonic() < end, differences(socket.state.get(kind), wanted())
        socket.receive(0.05)


def differences(told: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return {key: (told.get(key), wanted.get(key)) for key in {*told, *wanted} if told.get(key) != wanted.get(key)}


@pytest.mark.parametrize("kvmd", [*WHOLE, *PARTS])
def test_opening_burst_tells_what_http_tells(simulator: Start, client: Connect, listen: Open, kvmd: str) -> None:
    sim = simulator(kvmd=kvmd)
    sim.put_image("a.iso", b"a")
    socket = listen(sim)
    assert socket.await_kinds(KINDS, PATIENCE)
    pikvm = client(sim)
    for kind in KINDS - {"info"}:
        assert without_totals(socket.state.get(kind)) == over_http(pikvm, kind)
    while "system" not in socket.state.get("info"):
        assert socket.receive(PATIENCE)
    assert socket.state.get("info")["system"]["kvmd"]["version"] == kvmd
    assert sim.requests[0].query == {"stream": "0"}


@pytest.mark.parametrize("kvmd", [*WHOLE, *PARTS])
def test_each_change_told_is_what_http_tells_then(simulator: Start, client: Connect, listen: Open, kvmd: str) -> None:
    sim = simulator(kvmd=kvmd, streamer="viewers")
    pikvm, socket = client(sim), listen(sim)
    changes: list[tuple[str, Callable[[], Any]]] = [
        ("atx", lambda: switch_on(sim)),
        ("hid", lambda: pikvm.console.hid_set_params(mouse_output="usb_rel", jiggler=True)),
        ("gpio", lambda: pikvm.gpio_switch("relay1", True)),
        ("gpio", lambda: pikvm.gpio_pulse("button1", 0.1)),
        ("msd", lambda: sim.put_image("a.iso", b"abc")),
        ("msd", lambda: pikvm.msd_set_params("a.iso", cdrom=False)),
        ("msd", lambda: pikvm.msd_set_connected(True)),
        ("msd", lambda: sim.fault("msd_offline")),
        ("msd", lambda: sim.clear_faults("msd_offline")),
        ("streamer", lambda: pikvm.transport.post("/api/streamer/set_params", {"quality": 50})),
        ("ocr", lambda: sim.fault("ocr_disabled")),
        ("atx", lambda: sim.fault("atx_disabled")),
    ]
    for kind, change in changes:
        assert socket.await_kinds({kind}, PATIENCE)
        change()
        await_state(socket, kind, lambda kind=kind: over_http(pikvm, kind))  # type: ignore[misc]


def test_ports_of_a_switch_are_told(simulator: Start, client: Connect, listen: Open) -> None:
    sim = simulator(switch=True)
    pikvm, socket = client(sim), listen(sim)
    for change in (
        lambda: pikvm.switch.set_active(2),
        lambda: pikvm.switch.set_beacon(1, True),
        lambda: pikvm.switch.set_port_params(3, name="four", dummy=False, click_delays={"power": 1.0}),
        lambda: pikvm.switch.atx_click(2, "power"),
    ):
        assert socket.await_kinds({"switch"}, PATIENCE)
        change()
        await_state(socket, "switch", lambda: over_http(pikvm, "switch"))


def test_work_of_somebody_else_is_told_while_it_goes_on(simulator: Start, listen: Open) -> None:
    sim = simulator(speed=1.0)
    socket = listen(sim)
    assert socket.await_kinds({"msd"}, PATIENCE)
    sim.fault("msd_busy", seconds=1.0)
    while not socket.state.get("msd")["busy"]:
        assert socket.receive(PATIENCE)
    while socket.state.get("msd")["busy"]:
        assert socket.receive(PATIENCE)
    assert set(socket.state.get("msd")) == {"enabled", "online", "busy", "storage", "drive"}


def test_viewer_makes_the_video_run(simulator: Start, client: Connect, listen: Open) -> None:
    sim = simulator(streamer="viewers")
    listen(sim)
    assert client(sim).console.streamer().running is False
    listen(sim, stream=True)
    until(lambda: client(sim).console.streamer().running)


@pytest.mark.parametrize(
    "options",
    [{"tls_fingerprint": WRONG_PIN}, {"tls_fingerprint": WRONG_PIN, "validate_certs": False}, {"ca_path": None}],
    ids=["pin", "pin alone", "authority"],
)
def test_wrong_server_sees_no_login(raw: Serve, client: Connect, options: dict[str, Any]) -> None:
    server = raw(lambda talk: talk.answer(), kind="factory")
    with pytest.raises(UntrustedCertificateError, match="No credential was sent"):
        client(server, password=PASSWORD, **options).events()
    assert (server.heads, server.connections) == ([], 1)


@pytest.mark.parametrize("kind", ["factory", "expired"])
def test_pinned_certificate_replaces_every_other_check(simulator: Start, listen: Open, kind: str) -> None:
    sim = simulator(certificate=kind)
    assert listen(sim, ca_path=None, tls_fingerprint=sim.fingerprint).await_kinds({"atx"}, PATIENCE)
    assert listen(sim, ca_path=None, validate_certs=False).await_kinds({"atx"}, PATIENCE)


def test_path_in_front_of_the_api_is_kept(simulator: Start, listen: Open) -> None:
    sim = simulator(prefix="/kvm/one")
    assert listen(sim).await_kinds({"atx"}, PATIENCE)
    assert sim.requests[0].path == "/kvm/one/api/ws"


def test_login_goes_in_headers_of_kvmd(raw: Serve, client: Connect) -> None:
    server = raw(lambda talk: talk.answer())
    with pytest.raises(AnswerError):
        client(server, password="pass:word").events()
    assert server.heads[0].startswith("GET /api/ws?stream=0 HTTP/1.1\r\n")
    assert "X-KVMD-User: admin\r\nX-KVMD-Passwd: pass:word" in server.heads[0]
    assert "authorization" not in server.heads[0].lower()


@pytest.mark.parametrize(
    ("device", "options", "requests", "message"),
    [
        ({}, {"password": PASSWORD}, 1, "Wrong user name or password for user admin; or two-factor login is on, and"),
        ({"totp_secret": SECRET}, {}, 1, "or two-factor login is on, and totp_secret is needed"),
        (
            {"totp_secret": SECRET},
            {"totp_secret": OTHER_SECRET},
            2,
            "The clocks of the PiKVM and of this machine agree",
        ),
        ({}, {"auth_token": "a" * 64}, 1, "The session of auth_token has ended or never was: get a new one"),
    ],
)
def test_refused_login_says_what_to_look_at(
    simulator: Start, client: Connect, device: dict[str, Any], options: dict[str, Any], requests: int, message: str
) -> None:
    sim = simulator(**device)
    with pytest.raises(ForbiddenError, match="^GET /api/ws stream=0 was answered 403 ForbiddenError: ") as caught:
        client(sim, **options).events()
    assert message in str(caught.value)
    assert not [secret for secret in (PASSWORD, SECRET, OTHER_SECRET, "a" * 64) if secret in str(caught.value)]
    assert [(record.path, record.status) for record in sim.requests] == [("/api/ws", 403)] * requests


def test_missing_login_is_told(sim: Simulator, client: Connect) -> None:
    with pytest.raises(UnauthorizedError, match=r"Set password \(or auth_token\)"):
        client(sim, password=None).events()


@pytest.mark.parametrize("skew", [0.0, 30.0])
def test_second_factor_is_sent_and_the_next_code_where_the_first_was_refused(
    simulator: Start, listen: Open, skew: float
) -> None:
    sim = simulator(kvmd="4.20", totp_secret=SECRET)
    sim.fault("clock_skew", seconds=skew)
    assert listen(sim, totp_secret=SECRET).await_kinds({"atx"}, PATIENCE)
    assert len(sim.requests) == (2 if skew else 1)


def test_session_opens_a_socket(simulator: Start, listen: Open) -> None:
    sim = simulator(totp_secret=SECRET)
    token = sim.call(sim.device.sessions.login, "admin", 0)
    assert listen(sim, password=None, auth_token=token).await_kinds({"atx"}, PATIENCE)


def test_device_without_authentication_needs_nothing(simulator: Start, listen: Open) -> None:
    assert listen(simulator(auth=False), password=None).await_kinds({"atx"}, PATIENCE)


def html(talk: Conversation) -> None:
    talk.answer(502, b"<html>Bad Gateway</html>", Content_Type="text/html")


def redirect(talk: Conversation) -> None:
    talk.answer(301, b"", Location="https://elsewhere.example/api/ws")


def garbage(talk: Conversation) -> None:
    talk.send(b"\x00\xff\r\n\r\n" * 10)


def silence(talk: Conversation) -> None:
    talk.wait(10.0)


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        (html, ServerFault, r"^GET /api/ws stream=0 was answered 502 .*Bad Gateway"),
        (
            redirect,
            AnswerError,
            r"^GET /api/ws stream=0 was answered 301, a redirect to https://elsewhere.example/api/ws",
        ),
        (lambda talk: talk.answer(), AnswerError, "^GET /api/ws stream=0 was answered 200, not with a socket$"),
        (lambda talk: talk.answer(404, b"Not Found"), DeviceError, "^GET /api/ws stream=0 was answered 404 "),
        (garbage, AnswerError, "^GET /api/ws stream=0: no socket: "),
        (lambda talk: talk.reset(), AnswerError, "^GET /api/ws stream=0: no socket: "),
        (silence, AnswerError, "^GET /api/ws stream=0: no socket: timed out"),
    ],
    ids=["html", "redirect", "no upgrade", "not found", "garbage", "reset", "silence"],
)
def test_what_is_no_socket_is_told(raw: Serve, client: Connect, script: Any, kind: Any, message: str) -> None:
    server = raw(script)
    with pytest.raises(kind, match=message):
        client(server, timeout=0.5).events()


def test_nobody_there_is_told(client: Connect, sim: Simulator) -> None:
    with pytest.raises(UnreachableError, match="no connection: .*Is the PiKVM up"):
        client(sim, url=f"https://127.0.0.1:{closed_port()}").events()


def test_ping_is_answered_once_all_before_it_was_read(simulator: Start, listen: Open) -> None:
    sim = simulator()
    switch_on(sim)
    socket = listen(sim)
    for pressed in (True, False):
        socket.send("key", {"key": "KeyA", "state": pressed})
    assert socket.flush(PATIENCE)
    assert [(e["key"], e["state"]) for e in sim.device.hid.events] == [("KeyA", True), ("KeyA", False)]


def test_missing_pong_is_noticed(sim: Simulator, listen: Open) -> None:
    socket = listen(sim)
    sim.fault("ws_silent")
    start = time.monotonic()
    assert socket.flush(0.3) is False
    assert 0.3 <= time.monotonic() - start < 2.0


def test_pings_of_the_server_are_answered_while_nobody_receives(
    simulator: Start, listen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "HEARTBEAT", 0.1)
    socket = listen(simulator())
    time.sleep(1.0)
    assert socket.flush(PATIENCE)


def test_quiet_socket_outlives_the_timeout(simulator: Start, listen: Open) -> None:
    socket = listen(simulator(speed=0.1), timeout=0.3)
    while socket.receive(0.2):
        pass
    assert socket.receive(1.0) is None
    assert socket.flush(PATIENCE)


@pytest.mark.parametrize("use", ["receive", "send", "flush"])
def test_broken_socket_is_told(sim: Simulator, listen: Open, use: str) -> None:
    socket = listen(sim)
    assert socket.await_kinds({"atx", "hid"}, PATIENCE)
    sim.fault("ws_drop")
    uses: dict[str, Callable[[], Any]] = {
        "receive": lambda: socket.receive(PATIENCE),
        "send": lambda: socket.send("key", {"key": "KeyA", "state": False}),
        "flush": lambda: socket.flush(PATIENCE),
    }

    def use_until_it_breaks() -> None:
        while True:
            uses[use]()

    with pytest.raises(AnswerError, match="the socket broke"):
        use_until_it_breaks()


def test_nothing_comes_in_time(sim: Simulator, listen: Open) -> None:
    sim.fault("ws_silent")
    socket = listen(sim)
    assert socket.receive(0.1) == "loop"
    assert socket.receive(0.1) is None
    assert socket.await_kinds({"atx"}, 0.1) is False


def test_socket_of_a_run_that_must_not_write_sends_no_input(sim: Simulator, client: Connect) -> None:
    switch_on(sim)
    with contextlib.closing(client(sim, read_only=True).events()) as socket:
        with pytest.raises(ReadOnlyError, match="^key was not sent: this run must not write$"):
            socket.send("key", {"key": "KeyA", "state": True})
        assert socket.flush(PATIENCE)
    assert sim.device.hid.events == []


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_many_sockets_open_and_close_at_once(
    sim: Simulator, client: Connect, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(certificate("san").context, "maximum_version", ssl.TLSVersion[version])
    pikvm = client(sim, timeout=PATIENCE)
    for _pair in range(100):
        start = time.monotonic()
        with contextlib.closing(pikvm.events()) as socket:
            assert socket.await_kinds({"atx"}, PATIENCE)
        assert time.monotonic() - start < PATIENCE / 2


def test_silent_peer_does_not_hold_up_the_end(sim: Simulator, client: Connect) -> None:
    socket = client(sim).events()
    sim.fault("ws_silent")
    start = time.monotonic()
    socket.close()
    assert time.monotonic() - start < PATIENCE


def test_keys_known_here_are_those_of_the_device() -> None:
    assert keyboard.KEYS == KEYS
