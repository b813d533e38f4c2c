# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How images come into the simulator's storage, and how that fails."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support import web
from tests.support.raw import closed_port, until
from tests.support.web import DATA

from .client import Client, HeldBody, Start, begin, error_of


def test_refusal_comes_before_the_body_which_is_then_discarded(pikvm: Start) -> None:
    client = pikvm()
    client.upload("taken.iso", DATA)
    with begin(client, "/api/msd/write?image=taken.iso", 10**9) as upload:
        assert upload.recv(65536).startswith(b"HTTP/1.1 400 ")
        for _block in range(8):
            upload.sendall(DATA)
    assert client.state("msd")["busy"] is False


def test_refused_upload_can_be_cut_off_at_once(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("refusal_close")
    client.upload("taken.iso", DATA)
    with begin(client, "/api/msd/write?image=taken.iso", 10**9) as upload:
        assert b"MsdImageExistsError" in upload.recv(65536)
        with pytest.raises((ConnectionError, ssl.SSLError)):
            upload.sendall(DATA * 64)


def test_length_must_be_announced(pikvm: Start) -> None:
    client = pikvm()
    answer = client.post("/api/msd/write?image=a.iso", data=iter([DATA]))
    assert answer.status_code == 400
    assert answer.json()["result"] == {"error": "ValidatorError", "error_msg": "None argument is not a valid int"}


@pytest.mark.parametrize(("kvmd", "size"), [("4.197", len(DATA)), ("4.20", 100000), ("3.334", 100000)])
def test_cut_off_upload_leaves_an_incomplete_image(pikvm: Start, kvmd: str, size: int) -> None:
    client = pikvm(kvmd=kvmd)
    client.sim.fault("upload_cut", bytes=100000)
    with pytest.raises(requests.ConnectionError):
        client.post("/api/msd/write?image=a.iso", data=DATA)
    until(lambda: "a.iso" in client.images())
    image = client.images()["a.iso"]
    assert (image["complete"], image["size"]) == (False, size)
    assert client.sim.writes[-1].bytes_received == 100000
    assert error_of(client.post("/api/msd/write?image=a.iso", data=DATA)) == (400, "MsdImageExistsError")
    client.insert("a.iso")
    assert client.state("msd")["drive"]["image"]["complete"] is False


def test_sender_that_leaves_interrupts_its_upload(pikvm: Start) -> None:
    client = pikvm()
    with begin(client, "/api/msd/write?image=a.iso", len(DATA)) as upload:
        upload.sendall(DATA[:5000])
        until(lambda: client.state("msd")["storage"]["uploading"] is not None)
    until(lambda: not client.state("msd")["busy"] and "a.iso" in client.images())
    assert client.images()["a.iso"]["complete"] is False


def test_progress_is_shown_while_an_upload_runs(pikvm: Start) -> None:
    client = pikvm()
    body = HeldBody(DATA)
    with Client(client.sim) as other:
        upload = threading.Thread(target=other.post, args=("/api/msd/write?image=a.iso",), kwargs={"data": body})
        upload.start()
        expected = {"name": "a.iso", "size": len(DATA), "written": len(DATA) // 2}
        until(lambda: client.state("msd")["storage"]["uploading"] == expected)
        assert error_of(client.post("/api/msd/remove?image=b.iso")) == (409, "MsdIsBusyError")
        body.release()
        upload.join()
    assert client.state("msd")["storage"]["uploading"] is None


@pytest.mark.parametrize(
    ("kvmd", "seconds", "stays"), [("4.20", 0.1, False), ("4.197", 0.1, True), ("4.197", 3, False)]
)
def test_remove_incomplete_is_not_honoured_early_on(pikvm: Start, kvmd: str, seconds: float, stays: bool) -> None:
    client = pikvm(kvmd=kvmd)
    client.sim.fault("slow_card", bytes_per_second=100000 / seconds)
    client.sim.fault("upload_cut", bytes=100000)
    with pytest.raises(requests.ConnectionError):
        client.post("/api/msd/write?image=a.iso&remove_incomplete=1", data=DATA)
    until(lambda: not client.state("msd")["busy"])
    assert ("a.iso" in client.sim.device.storage.images) is stays


def test_list_lags_behind_uploads_and_removals(pikvm: Start) -> None:
    client = pikvm(speed=2.0)
    assert client.post("/api/msd/write?image=a.iso", data=DATA).ok
    assert client.images() == {}
    assert error_of(client.post("/api/msd/set_params?image=a.iso")) == (400, "MsdUnknownImageError")
    until(lambda: "a.iso" in client.images())
    assert client.post("/api/msd/remove?image=a.iso").ok
    assert "a.iso" in client.images()
    assert error_of(client.post("/api/msd/write?image=a.iso", data=DATA)) == (400, "MsdImageExistsError")
    until(lambda: client.images() == {})
    assert client.post("/api/msd/write?image=a.iso", data=DATA).ok


@pytest.mark.parametrize("kvmd", ["4.20", "3.334"])
def test_older_versions_list_at_once(pikvm: Start, kvmd: str) -> None:
    client = pikvm(kvmd=kvmd, speed=0.01)
    assert client.post("/api/msd/write?image=a.iso", data=DATA).ok
    assert client.images()["a.iso"]["complete"] is True
    assert client.post("/api/msd/remove?image=a.iso").ok
    assert client.images() == {}


@pytest.mark.parametrize("kvmd", ["4.197", "4.20"])
def test_full_storage_is_a_bare_500_that_leaves_a_rest(pikvm: Start, kvmd: str) -> None:
    client = pikvm(kvmd=kvmd)
    client.sim.fault("full_disk", free=1000)
    assert client.state("msd")["storage"]["parts"][""]["free"] == 1000
    answer = client.post("/api/msd/write?image=a.iso&remove_incomplete=1", data=DATA)
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
    assert answer.text == "500 Internal Server Error\n\nServer got itself in trouble"
    left = client.sim.device.storage.images.get("a.iso")
    assert (left is not None) == (kvmd == "4.197")
    client.sim.clear_faults("full_disk")
    assert client.state("msd")["storage"]["parts"][""]["free"] > len(DATA)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("  a b.iso ", "a b.iso"), ("/ü#&'%.iso", "ü#&'%.iso"), ("a\tb\nc.iso", "a_b_c.iso"), ("n" * 249, "n" * 249)],
)
def test_names_are_cleaned(pikvm: Start, sent: str, stored: str) -> None:
    client = pikvm(kvmd="4.20")
    answer = client.post("/api/msd/write", params={"image": sent}, data=b"x")
    assert answer.json()["result"] == {"image": {"name": stored, "size": 1, "written": 1}}
    assert list(client.images()) == [stored]


@pytest.mark.parametrize("name", ["no/such.iso", "n" * 250])
def test_names_the_card_cannot_hold_are_a_bare_500(pikvm: Start, name: str) -> None:
    client = pikvm()
    answer = client.post("/api/msd/write", params={"image": name}, data=DATA)
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
    assert client.sim.device.storage.images == {}


@pytest.mark.parametrize("name", ["..", "a/../b.iso", "lost+found", "a/.b"])
def test_names_kvmd_refuses(pikvm: Start, name: str) -> None:
    answer = pikvm().post("/api/msd/write", params={"image": name}, data=DATA)
    assert error_of(answer) == (400, "ValidatorError")
    assert answer.json()["result"]["error_msg"].endswith("is not a valid MSD image name")


@pytest.fixture
def library() -> Iterator[str]:
    with web.library() as address:
        yield address


def lines_of(answer: requests.Response) -> tuple[list[dict[str, Any]], bool]:
    """The lines of a streamed answer, and whether the stream broke off."""
    lines: list[dict[str, Any]] = []
    whole = True
    try:
        lines.extend(json.loads(line) for line in answer.iter_lines(chunk_size=1) if line)
    except requests.exceptions.ChunkedEncodingError:
        whole = False
    return lines, not whole


def test_remote_image_is_fetched(pikvm: Start, library: str) -> None:
    client = pikvm()
    answer = client.post("/api/msd/write_remote", params={"url": f"{library}/some/a.iso"}, stream=True)
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines, broken = lines_of(answer)
    sizes = {"name": "a.iso", "size": len(DATA)}
    assert lines[0] == {"ok": True, "result": {"image": {**sizes, "written": 0}}}
    assert lines[-1] == {"ok": True, "result": {"image": {**sizes, "written": len(DATA)}}}
    assert not broken
    until(lambda: client.images().get("a.iso", {}).get("complete", False))
    assert client.get("/api/msd/read?image=a.iso").content == DATA


def test_remote_image_fails_after_a_200(pikvm: Start, library: str) -> None:
    client = pikvm()
    answer = client.post("/api/msd/write_remote", params={"url": f"{library}/short/a.iso"}, stream=True)
    assert answer.status_code == 200
    lines, broken = lines_of(answer)
    assert broken
    assert lines[-1]["ok"] is False
    assert lines[-1]["result"]["error"] == "ClientPayloadError"
    assert lines[-2]["result"]["image"]["written"] == len(DATA) // 2
    until(lambda: "a.iso" in client.images())
    assert client.images()["a.iso"]["complete"] is False


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("/missing/a.iso", "ClientResponseError", "404, message='Not Found', url="),
        ("/", "ClientError", "Can't determine filename"),
        ("/taken.iso", "MsdImageExistsError", "This image is already exists"),
    ],
)
def test_remote_image_is_refused_before_streaming(
    pikvm: Start, library: str, path: str, error: str, words: str
) -> None:
    client = pikvm()
    client.sim.put_image("taken.iso", b"x")
    answer = client.post("/api/msd/write_remote", params={"url": library + path})
    assert error_of(answer) == (400, error)
    assert answer.json()["result"]["error_msg"].startswith(words)


def test_remote_server_that_is_not_there(pikvm: Start) -> None:
    client = pikvm()
    url = f"http://127.0.0.1:{closed_port()}/a.iso"
    assert error_of(client.post("/api/msd/write_remote", params={"url": url})) == (400, "ClientConnectorError")
    assert error_of(client.post("/api/msd/write_remote", params={"url": "ftp://x/a"})) == (400, "ValidatorError")


def test_stored_bytes_are_read_back(pikvm: Start) -> None:
    client = pikvm()
    client.upload("a b.iso", DATA)
    answer = client.get("/api/msd/read", params={"image": "a b.iso"})
    assert answer.content == DATA
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%20b.iso"
    client.sim.fault("truncate", path="/msd/read")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        assert client.get("/api/msd/read", params={"image": "a b.iso"}).content
