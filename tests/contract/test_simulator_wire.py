# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between a client and kvmd: nginx, TLS, and everything that can go wrong there."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time

import pytest
import requests

from tests.simulator import Simulator
from tests.simulator.faults import NAMES
from tests.support.raw import until

from .client import ADMIN, Client, HeldBody, Start, begin

ON = "/api/atx/power?action=on&wait=1"


def test_trailing_slash_redirects_out_of_the_api(pikvm: Start) -> None:
    answer = pikvm().get("/api/msd/")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/msd")


def test_unknown_path_and_wrong_method_need_no_credentials(pikvm: Start) -> None:
    client = pikvm()
    for method, path, status in (
        ("GET", "/api/nosuch/", 404),
        ("PUT", "/api/msd/write", 405),
        ("HEAD", "/api/atx", 405),
    ):
        answer = client.send(method, path, headers={})
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert client.send("PUT", "/api/msd/write").headers["Allow"] == "POST"


@pytest.mark.parametrize(("size", "status"), [(4096, 200), (4097, 413)])
def test_small_body_limit(pikvm: Start, size: int, status: int) -> None:
    client = pikvm()
    for body in (b"x" * size, iter([b"x" * size])):
        answer = client.post("/api/msd/set_params", data=body)
        assert answer.status_code == status
    assert ("413 Request Entity Too Large" in answer.text) == (status == 413)


def test_large_body_is_refused_unread(pikvm: Start) -> None:
    with begin(pikvm(), "/api/msd/set_params", 10**9) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_typing_has_no_small_limit(pikvm: Start) -> None:
    client = pikvm()
    assert client.post("/api/hid/print?limit=0", data=b"x" * 10000).status_code == 200
    assert client.sim.device.hid.events[0]["text"] == "x" * 10000


def test_json_is_printed_as_kvmd_prints_it(pikvm: Start) -> None:
    answer = pikvm().post("/api/msd/set_params?cdrom=1")
    assert answer.text == '{\n    "ok": true,\n    "result": {}\n}'
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


def test_body_is_asked_for(pikvm: Start) -> None:
    client = pikvm()
    answer = client.post("/api/msd/write?image=a.iso", headers={**ADMIN, "Expect": "100-continue"}, data=b"abc")
    assert answer.json()["result"]["image"]["written"] == 3


def test_path_prefix(pikvm: Start) -> None:
    client = pikvm(prefix="/pikvm7")
    assert client.sim.url.endswith("/pikvm7")
    assert client.get("/api/atx").status_code == 200
    assert client.get("/redfish/v1", headers={}).status_code == 200
    root = client.sim.url.removesuffix("/pikvm7")
    assert client.http.get(f"{root}/api/atx", headers=ADMIN, verify=client.sim.ca_path).status_code == 404


def test_requests_are_recorded(pikvm: Start) -> None:
    client = pikvm()
    client.get("/api/msd")
    client.post("/api/msd/write", params={"image": "a b.iso"}, data=b"12345")
    client.post("/api/atx/power?action=explode")
    records = [(r.method, r.path, r.query, r.status, r.bytes_received) for r in client.sim.requests]
    assert records == [
        ("GET", "/api/msd", {}, 200, 0),
        ("POST", "/api/msd/write", {"image": "a b.iso"}, 200, 5),
        ("POST", "/api/atx/power", {"action": "explode"}, 400, 0),
    ]
    assert client.sim.writes == client.sim.requests[1:]
    client.http.close()
    client.get("/api/msd")
    first, *others, last = [record.connection for record in client.sim.requests]
    assert set(others) == {first} != {last}
    client.sim.clear_requests()
    assert client.sim.requests == []


@pytest.mark.parametrize("abrupt", [False, True])
@pytest.mark.parametrize(("when", "powered"), [("before", False), ("after", True)])
def test_dropped_request(pikvm: Start, when: str, powered: bool, abrupt: bool) -> None:
    client = pikvm()
    client.sim.fault("drop_request", when=when, writes=True, times=1, abrupt=abrupt)
    assert client.get("/api/atx").status_code == 200
    with pytest.raises(requests.ConnectionError):
        client.post(ON)
    assert client.sim.machine.powered is powered
    assert client.sim.writes[-1].status is None
    assert client.post(ON).status_code == 200


def test_faults_strike_by_path_and_so_many_times(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("html", status=504, path="/api/(msd|gpio)$", times=2)
    statuses = [client.get(f"/api/{organ}").status_code for organ in ("atx", "msd", "gpio", "msd")]
    assert statuses == [200, 504, 504, 200]


def test_pages_that_are_not_kvmds(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("html", times=1)
    answer = client.post(ON)
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    client.sim.fault("error500", times=1)
    answer = client.post(ON)
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
    client.sim.fault("garbage", times=1)
    answer = client.post(ON)
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()
    assert not client.sim.machine.powered


def test_ignored_write(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("ignore_write", path="/atx/")
    assert client.post(ON).json() == {"ok": True, "result": {}}
    assert client.get("/api/atx").json()["result"]["enabled"] is True
    assert not client.sim.machine.powered


def test_truncated_answer(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("truncate")
    with pytest.raises(requests.exceptions.ChunkedEncodingError) as caught:
        client.get("/api/atx")
    assert isinstance(caught.value.args[0].args[1], http.client.IncompleteRead)


def test_slow_and_silent(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("slow", seconds=0.2)
    started = time.monotonic()
    assert client.get("/api/atx").status_code == 200
    assert time.monotonic() - started >= 0.2
    client.sim.fault("silent")
    client.sim.clear_faults("slow")
    with pytest.raises(requests.ReadTimeout):
        client.post(ON, timeout=0.2)
    assert not client.sim.machine.powered


def test_running_upload_dies_with_kvmd(pikvm: Start) -> None:
    client = pikvm()
    body, answers = HeldBody(b"x" * 100000), []
    with Client(client.sim) as other:
        upload = threading.Thread(
            target=lambda: answers.append(other.post("/api/msd/write?image=a.iso&remove_incomplete=1", data=body))
        )
        upload.start()
        until(lambda: client.state("msd")["storage"]["uploading"] is not None)
        client.sim.fault("restarting", seconds=20.0)
        body.release()
        upload.join()
    assert answers[0].status_code == 502
    assert client.sim.device.storage.images["a.iso"].complete is False


@pytest.mark.parametrize("name", NAMES)
def test_faults_are_described_and_cleared(pikvm: Start, name: str) -> None:
    client = pikvm()
    before = {organ: client.state(organ) for organ in ("atx", "msd", "gpio")}
    client.sim.fault(name)
    assert list(client.sim.faults.describe()) == [name]
    client.sim.clear_faults()
    assert client.sim.faults.describe() == {}
    assert {organ: client.state(organ) for organ in ("atx", "msd", "gpio")} == before


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("nonsense", {}, "no fault is called 'nonsense'"),
        ("slow", {"minutes": 1}, "slow has no parameter 'minutes'"),
        ("slow", {"seconds": "1"}, "seconds must be like 1.0"),
        ("slow", {"writes": 1}, "writes must be like False"),
        ("silent", {"when": "never"}, "when must be before or after"),
        ("silent", {"path": "("}, "not a regular expression"),
        ("msd_busy", {"times": 1}, "msd_busy has no parameter 'times'"),
    ],
)
def test_unknown_faults_are_refused(pikvm: Start, name: str, params: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        pikvm().sim.fault(name, **params)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("san", None), ("factory", "doesn't match|Hostname mismatch|mismatch"), ("expired", "certificate has expired")],
)
def test_certificates(pikvm: Start, kind: str, words: str | None) -> None:
    client = pikvm(certificate=kind)
    if words is None:
        assert client.get("/api/atx").status_code == 200
    else:
        with pytest.raises(requests.exceptions.SSLError, match=words):
            client.get("/api/atx")
    context = ssl.create_default_context(cafile=client.sim.ca_path)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", client.sim.port), timeout=5)
    with context.wrap_socket(plain) as connection:
        seen = ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b"")
    with open(client.sim.ca_path, encoding="ascii") as pem:
        assert pem.read() == seen


def test_bad_options_are_refused() -> None:
    with pytest.raises(ValueError, match="not a kvmd version"):
        Simulator(kvmd="latest")
    with pytest.raises(ValueError, match="older than"):
        Simulator(kvmd="2.1")
    with pytest.raises(ValueError, match="installer must be one of"):
        Simulator(machine={"installer": "sleeps"})
    with pytest.raises(ValueError, match="certificate must be one of"):
        Simulator(certificate="paper")


def test_taken_port_is_an_error_that_leaves_nothing_behind(pikvm: Start) -> None:
    other = Simulator(port=pikvm().sim.port)
    with pytest.raises(OSError, match=r"[Aa]ddress already in use"):
        other.start()
    with pytest.raises(RuntimeError, match="not running"):
        other.call(print)
