# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked again, and what never is."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.api import Pikvm
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import (
    AnswerError,
    LostAnswerError,
    PikvmError,
    ReadOnlyError,
    ServerFault,
    UnreachableError,
)
from ansible_collections.community.pikvm.plugins.module_utils._client.transport import Connection, Transport
from tests.simulator import Simulator
from tests.support.raw import Conversation, Serve, closed_port, deaf_port, until

Connect = Callable[..., Pikvm]


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "drop_request"},
        {"name": "drop_request", "abrupt": True},
        {"name": "truncate"},
        {"name": "html", "status": 502},
        {"name": "html", "status": 504},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_read_without_an_answer_is_asked_again(sim: Simulator, client: Connect, fault: dict[str, Any]) -> None:
    sim.fault(times=1, **fault)
    assert client(sim, retries=1).atx().enabled
    assert [record.method for record in sim.requests] == ["GET", "GET"]


def test_reads_are_asked_again_as_often_as_told(sim: Simulator, client: Connect) -> None:
    sim.fault("drop_request")
    for retries in (0, 2):
        sim.clear_requests()
        with pytest.raises(AnswerError, match="GET /api/atx: the connection to https://.* broke before an answer came"):
            client(sim, retries=retries).atx()
        assert len(sim.requests) == retries + 1


def test_silent_server_is_given_up_in_time(sim: Simulator, client: Connect) -> None:
    sim.fault("silent")
    start = time.monotonic()
    with pytest.raises(AnswerError) as caught:
        client(sim, timeout=1.0).atx()
    assert str(caught.value) == f"GET /api/atx: {sim.url} was connected, but gave no answer in time (timeout 1 s)"
    assert 1.0 <= time.monotonic() - start < 6.0


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (
            {"name": "error500"},
            ServerFault,
            "answered 500 Internal Server Error: text/plain: 500 Internal Server Error",
        ),
        ({"name": "garbage"}, AnswerError, "was answered 200, but not as a PiKVM answers: application/json: "),
        ({"name": "html", "status": 500}, ServerFault, "was answered 500 "),
    ],
    ids=lambda value: str(value.get("name")) if isinstance(value, dict) else "",
)
def test_answers_that_asking_again_would_not_mend(
    sim: Simulator, client: Connect, fault: dict[str, Any], error: type[PikvmError], words: str
) -> None:
    sim.fault(**fault)
    with pytest.raises(error) as caught:
        client(sim, retries=3).atx()
    assert words in str(caught.value)
    assert len(sim.requests) == 1


def test_page_of_a_proxy_is_quoted_without_its_tags(sim: Simulator, client: Connect) -> None:
    sim.fault("html", status=502)
    with pytest.raises(ServerFault, match=r"GET /api/atx was answered 502 Bad Gateway: text/html: 502 Bad Gateway"):
        client(sim).atx()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "fault",
    [
        {"name": "drop_request"},
        {"name": "drop_request", "abrupt": True},
        {"name": "silent"},
        {"name": "html", "status": 502},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_write_is_sent_once_and_its_fate_is_left_open(
    sim: Simulator, client: Connect, fault: dict[str, Any], when: str
) -> None:
    sim.fault(when=when, **fault)
    pikvm = client(sim, retries=3, timeout=1.0)
    with pytest.raises(LostAnswerError, match="It may or may not have been carried out$"):
        pikvm.transport.post("/api/atx/click", {"button": "power", "wait": False})
    assert len(sim.writes) == 1
    until(lambda: sim.machine.powered is (when == "after"))


def test_write_whose_answer_breaks_off_is_lost(sim: Simulator, client: Connect) -> None:
    sim.fault("truncate", writes=True)
    with pytest.raises(LostAnswerError, match="the answer broke off: .*It may or may not have been carried out$"):
        client(sim, retries=3).atx_click("power", wait=False)
    assert len(sim.writes) == 1


def test_write_that_kvmd_crashed_on_is_not_sent_again(sim: Simulator, client: Connect) -> None:
    sim.fault("error500")
    with pytest.raises(ServerFault):
        client(sim, retries=3).atx_click("power", wait=False)
    assert len(sim.writes) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_connection_that_could_not_be_made_is_tried_again(method: str) -> None:
    late = Simulator(speed=20.0, port=closed_port())
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            late.start()

    url = f"https://127.0.0.1:{late.port}"
    connection = Connection(url, password="admin", ca_path=late.ca_path, retries=3)
    with contextlib.closing(Transport(connection, sleep=sleep)) as transport:
        try:
            transport.get("/api/atx") if method == "GET" else transport.post("/api/atx/click", {"button": "power"})
            assert [record.method for record in late.requests] == [method]
        finally:
            late.stop()
    assert pauses == [0.25, 0.5]


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (f"127.0.0.1:{closed_port()}", "no connection: .*Connection refused"),
        ("no-such-host.invalid", "no connection: .*Failed to resolve 'no-such-host.invalid'"),
    ],
    ids=["closed port", "unknown host"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_server_that_is_not_there(host: str, words: str, method: str) -> None:
    pauses: list[float] = []
    transport = Transport(Connection(host, password="admin", retries=2), sleep=pauses.append)
    with pytest.raises(UnreachableError, match=f"^https://{host}: {words}.*Is the address right, and the PiKVM up"):
        transport.get("/api/atx") if method == "GET" else transport.post("/api/atx/click")
    assert pauses[:2] == [0.25, 0.5]


def test_port_that_says_nothing_is_given_up_in_time() -> None:
    start = time.monotonic()
    with deaf_port() as port:
        connection = Connection(f"127.0.0.1:{port}", password="admin", timeout=0.3, retries=0)
        with contextlib.closing(Transport(connection)) as transport, pytest.raises(UnreachableError):
            transport.post("/api/atx/click")
    assert time.monotonic() - start < 6.0


def test_port_that_speaks_no_tls_is_no_lost_write(raw: Serve) -> None:
    server = raw(lambda talk: talk.answer(), tls=False)
    connection = Connection(f"https://127.0.0.1:{server.port}", password="geheim", timeout=1.0, retries=0)
    with contextlib.closing(Transport(connection)) as transport, pytest.raises(UnreachableError) as caught:
        transport.post("/api/atx/click")
    assert "geheim" not in "".join(server.heads) + str(caught.value)


def test_connection_that_the_server_closed_meanwhile_swallows_no_write(raw: Serve, client: Connect) -> None:
    server = raw(lambda talk: talk.answer())
    pikvm = client(server)
    for _request in range(5):
        pikvm.atx_click("power")
        time.sleep(0.02)
    assert (len(server.heads), server.connections) == (5, 5)


def test_connection_is_kept_while_it_is_used_and_dropped_when_idle(raw: Serve) -> None:
    now = [0.0]
    server = raw(lambda talk: (talk.answer(), True)[1])
    connection = Connection(server.url, password="admin", ca_path=server.ca_path)
    with contextlib.closing(Transport(connection, clock=lambda: now[0])) as transport:
        for moment, connections in ((0.0, 1), (4.0, 1), (8.0, 1), (18.0, 2), (19.0, 2)):
            now[0] = moment
            transport.get("/api/atx")
            assert server.connections == connections


def test_endless_answer_is_given_up(raw: Serve, client: Connect) -> None:
    def pour(talk: Conversation) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while not talk.server.stopped.is_set():
            talk.send(b" " * 65536)

    with pytest.raises(AnswerError, match="GET /api/atx: the answer has no end: given up after 8[0-9]{6} bytes"):
        client(raw(pour)).atx()


@pytest.mark.parametrize(
    "data",
    [
        b"this is not HTTP\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"\x00" * 100,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"",
    ],
    ids=["no HTTP", "no status", "zeros", "many headers", "short", "bad chunk", "no gzip", "nothing"],
)
def test_garbage_on_the_wire_is_a_missing_answer(raw: Serve, client: Connect, data: bytes) -> None:
    server = raw(lambda talk: talk.send(data))
    with pytest.raises(AnswerError, match="^GET /api/atx"):
        client(server).atx()
    with pytest.raises(LostAnswerError, match=r"^POST /api/atx/click .*It may or may not have been carried out$"):
        client(server, retries=3).atx_click("power")
    assert len(server.heads) == 2


def test_reading_client_sends_no_write(sim: Simulator, client: Connect) -> None:
    pikvm = client(sim, read_only=True)
    assert pikvm.msd().online
    for write in (
        lambda: pikvm.atx_power("on"),
        lambda: pikvm.msd_remove("a.iso"),
        lambda: pikvm.gpio_pulse("button1", None),
        lambda: pikvm.msd_write_remote("a.iso", "http://127.0.0.1/", 1, False, 1),
        pikvm.console.forget_snapshot,
        lambda: pikvm.console.snapshot(True, save=True),
    ):
        with pytest.raises(ReadOnlyError, match="was not sent: this run must not write"):
            write()
    assert sim.writes == []
    assert sim.device.streamer.saved is None
