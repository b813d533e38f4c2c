# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images on their way to a PiKVM and back."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client import transport
from ansible_collections.community.pikvm.plugins.module_utils._client.api import Pikvm, Transferred
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import (
    AnswerError,
    DeviceError,
    LostAnswerError,
    MsdConnectedError,
    MsdImageExistsError,
    MsdIsBusyError,
    OptionError,
    PikvmError,
    ServerFault,
)
from ansible_collections.community.pikvm.plugins.module_utils._client.upload import ImageFile
from tests.simulator import Simulator
from tests.support.device import insert
from tests.support.expect import Start
from tests.support.raw import Conversation, Serve, closed_port, until
from tests.support.web import DATA, library

Connect = Callable[..., Pikvm]

MIB = 1024 * 1024
SPEED = 20.0
"""Device seconds in a real one."""
BIG = int(os.environ.get("UPLOAD_GIB", "1")) * 1024 * MIB
"""Bytes of an image that no buffer holds. More than fits into 32 bits: UPLOAD_GIB=5 make unit ARGS="-k flat"."""
IN_FLIGHT = 32 * MIB
"""More than both sides' buffers hold; far less than BIG."""

MEMORY_LIMIT = 80 * MIB


@pytest.fixture
def source(tmp_path: Path) -> ImageFile:
    path = tmp_path / "a.iso"
    path.write_bytes(DATA)
    return ImageFile(str(path))


@pytest.fixture
def big(tmp_path: Path) -> ImageFile:
    return ImageFile(sparse(tmp_path, BIG))


def sparse(folder: Path, size: int) -> str:
    path = folder / "big.iso"
    with path.open("wb") as file:
        file.truncate(size)
    return str(path)


def stored(sim: Simulator, name: str) -> Any:
    return sim.device.storage.images.get(name)


def occupy(sim: Simulator) -> None:
    sim.fault("msd_busy", seconds=1000.0)


def take_name(sim: Simulator) -> None:
    sim.put_image("a.iso", b"taken")


def test_image_arrives_whole(sim: Simulator, client: Connect, source: ImageFile) -> None:
    done = client(sim).msd_write("ü#&.iso", source)
    assert done == Transferred("ü#&.iso", len(DATA), len(DATA))
    assert stored(sim, "ü#&.iso").sha256 == hashlib.sha256(DATA).hexdigest()
    assert stored(sim, "ü#&.iso").complete
    assert sim.writes[0].bytes_received == len(DATA)


@pytest.mark.parametrize("closing", [False, True], ids=["discarding the rest", "cutting the line"])
@pytest.mark.parametrize(
    ("prepare", "error"), [(insert, MsdConnectedError), (take_name, MsdImageExistsError), (occupy, MsdIsBusyError)]
)
def test_early_refusal_is_heard(
    sim: Simulator,
    client: Connect,
    big: ImageFile,
    prepare: Callable[[Simulator], None],
    error: type[PikvmError],
    closing: bool,
) -> None:
    prepare(sim)
    if closing:
        sim.fault("refusal_close")
    with pytest.raises((error, LostAnswerError) if closing else error):
        client(sim).msd_write("a.iso", big)
    assert big.sent < IN_FLIGHT
    assert len(sim.writes) == 1


def refuse_and_stop_reading(talk: Conversation) -> None:
    talk.refuse("MsdImageExistsError", "This image is already exists")
    talk.wait(10.0)


def refuse_once_the_line_is_full(talk: Conversation) -> None:
    talk.wait(1.0)
    refuse_and_stop_reading(talk)


def refuse_and_reset(talk: Conversation) -> None:
    talk.refuse("MsdImageExistsError", "This image is already exists")
    talk.wait(0.3)
    talk.reset()


def refuse_in_mid_upload(talk: Conversation) -> None:
    talk.receive(4 * MIB)
    talk.refuse("MsdImageExistsError", "This image is already exists")
    talk.wait(10.0)


def refuse_drop_by_drop(talk: Conversation) -> None:
    body = json.dumps({"ok": False, "result": {"error": "MsdImageExistsError", "error_msg": "exists"}}).encode()
    for byte in b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body):
        talk.send(bytes([byte]))
        talk.wait(0.001)
    talk.wait(10.0)


@pytest.mark.parametrize(
    "script",
    [
        refuse_and_stop_reading,
        refuse_once_the_line_is_full,
        refuse_and_reset,
        refuse_in_mid_upload,
        refuse_drop_by_drop,
    ],
)
@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "plain"])
def test_refusal_is_heard_however_the_server_goes_on(
    raw: Serve, client: Connect, big: ImageFile, script: Callable[[Conversation], None], tls: bool
) -> None:
    server = raw(script, tls=tls)
    start = time.monotonic()
    with pytest.raises(
        MsdImageExistsError, match="POST /api/msd/write image=a.iso .*was answered 400 MsdImageExistsErr"
    ):
        client(server).msd_write("a.iso", big)
    assert big.sent < IN_FLIGHT
    assert time.monotonic() - start < 9.0
    assert len(server.heads) == 1


def test_connection_is_not_used_again_after_a_half_sent_upload(sim: Simulator, client: Connect, big: ImageFile) -> None:
    insert(sim)
    pikvm = client(sim)
    for _upload in range(3):
        with pytest.raises(MsdConnectedError):
            pikvm.msd_write("a.iso", big)
        assert pikvm.atx().enabled


def test_session_tickets_are_not_taken_for_an_answer(raw: Serve, client: Connect, source: ImageFile) -> None:
    versions: list[str | None] = []

    def read_late(talk: Conversation) -> None:
        versions.append(talk.sock.version())  # type: ignore[attr-defined]
        talk.wait(0.3)
        talk.receive(len(DATA))
        image = {"name": "a.iso", "size": len(DATA), "written": talk.received}
        talk.answer(body=json.dumps({"ok": True, "result": {"image": image}}).encode())

    assert client(raw(read_late)).msd_write("a.iso", source).written == len(DATA)
    assert versions == ["TLSv1.3"]


def test_slow_card_is_waited_for(sim: Simulator, client: Connect, source: ImageFile) -> None:
    sim.fault("slow_card", bytes_per_second=len(DATA) / (2 * SPEED))
    start = time.monotonic()
    assert client(sim, timeout=0.8).msd_write("a.iso", source).written == len(DATA)
    assert time.monotonic() - start > 1.6


def test_server_that_stops_reading_is_given_up(raw: Serve, client: Connect, big: ImageFile) -> None:
    big.stall = 0.5
    server = raw(lambda talk: talk.wait(20.0))
    start = time.monotonic()
    with pytest.raises(LostAnswerError, match="It may or may not have been carried out"):
        client(server, timeout=1.0).msd_write("a.iso", big)
    assert time.monotonic() - start < 15.0
    assert big.sent < IN_FLIGHT


@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "plain"])
def test_line_cut_in_the_middle_is_a_lost_answer(raw: Serve, client: Connect, big: ImageFile, tls: bool) -> None:
    def cut(talk: Conversation) -> None:
        talk.receive(MIB)
        talk.reset()

    with pytest.raises(
        LostAnswerError, match=r"POST /api/msd/write .* broke .*It may or may not have been carried out"
    ):
        client(raw(cut, tls=tls), timeout=1.0).msd_write("a.iso", big)


def test_file_that_shrinks_on_its_way_is_told(sim: Simulator, client: Connect, tmp_path: Path) -> None:
    path = Path(sparse(tmp_path, 8 * MIB))

    def shrink(_sent: int) -> None:
        with path.open("r+b") as file:
            file.truncate(MIB)

    with pytest.raises(OptionError, match=r"^src: .*big\.iso became shorter while it was read$"):
        client(sim).msd_write("a.iso", ImageFile(str(path), on_progress=shrink))
    until(lambda: not sim.device.msd.busy)
    assert stored(sim, "a.iso") is None or not stored(sim, "a.iso").complete


def test_full_storage_is_a_bare_500(sim: Simulator, client: Connect, source: ImageFile) -> None:
    sim.fault("full_disk", free=1000)
    with pytest.raises(ServerFault, match=r"answered 500 Internal Server Error: text/plain: 500 Internal Server Error"):
        client(sim).msd_write("a.iso", source)


def test_answer_to_an_upload_that_says_nothing_is_an_error(raw: Serve, client: Connect, source: ImageFile) -> None:
    def praise(talk: Conversation) -> None:
        talk.receive(len(DATA))
        talk.answer()

    with pytest.raises(AnswerError, match="was answered 200 without saying what was written"):
        client(raw(praise)).msd_write("a.iso", source)


UPLOAD = r"""
import re, sys
sys.path.insert(0, sys.argv[1])
from _client.api import Pikvm
from _client.transport import Connection
from _client.upload import ImageFile
url, ca_path, path = sys.argv[2:]
done = Pikvm(Connection(url, password="admin", ca_path=ca_path)).msd_write("big.iso", ImageFile(path))
with open("/proc/self/status") as status:  # ru_maxrss would tell of the process this one was forked from
    print(done.written, int(re.search(r"VmHWM:\s*(\d+) kB", status.read()).group(1)) * 1024)
"""


@pytest.mark.timeout(300)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from Linux's /proc")
def test_memory_stays_flat(simulator: Start, tmp_path: Path, record_property: Callable[..., None]) -> None:
    sim = simulator(discard_data=True, storage_size=2 * BIG)
    utilities = Path(transport.__file__).parents[1]
    command = [sys.executable, "-c", UPLOAD, str(utilities), sim.url, sim.ca_path, sparse(tmp_path, BIG)]
    start = time.monotonic()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    written, memory = map(int, output.split())
    record_property("peak_memory_bytes", memory)
    record_property("seconds", round(time.monotonic() - start, 1))
    print(f"{BIG / MIB:.0f} MiB sent, {memory / MIB:.0f} MiB of memory, {time.monotonic() - start:.1f} s")
    assert written == BIG
    assert stored(sim, "big.iso").complete
    assert memory < MEMORY_LIMIT


@pytest.fixture
def shelf() -> Iterator[str]:
    with library() as url:
        yield url


def fetch(pikvm: Pikvm, url: str, name: str = "a.iso", stall: float = 10.0) -> Transferred:
    return pikvm.msd_write_remote(name, url, timeout=1.0, insecure=False, stall=stall)


def test_pikvm_fetches_an_image_itself(sim: Simulator, client: Connect, shelf: str) -> None:
    assert fetch(client(sim), f"{shelf}/x.iso") == Transferred("a.iso", len(DATA), len(DATA))
    assert stored(sim, "a.iso").sha256 == hashlib.sha256(DATA).hexdigest()


def test_failure_after_a_200_is_a_failure(sim: Simulator, client: Connect, shelf: str) -> None:
    with pytest.raises(DeviceError) as caught:
        fetch(client(sim), f"{shelf}/short/x.iso")
    assert (caught.value.status, caught.value.name) == (200, "ClientPayloadError")
    assert "It failed after the transfer had begun: the PiKVM answers 200 and says so at the end" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        ("/missing/x.iso", "ClientResponseError", "404, message='Not Found'"),
        ("", "ClientConnectorError", "Cannot conn"),
    ],
)
def test_refusal_to_fetch_is_told(
    sim: Simulator, client: Connect, shelf: str, path: str, name: str, words: str
) -> None:
    nobody = f"http://127.0.0.1:{closed_port()}/x.iso"
    with pytest.raises(DeviceError) as caught:
        fetch(client(sim), f"{shelf}{path}" if path else nobody)
    assert (caught.value.status, caught.value.name) == (400, name)
    assert words in caught.value.message


def progress(written: int, size: int = 100) -> bytes:
    line = {"ok": True, "result": {"image": {"name": "a.iso", "size": size, "written": written}}}
    return json.dumps(line).encode() + b"\r\n"


FAILED = b'{"ok": false, "result": {"error": "ClientPayloadError", "error_msg": "cut"}}\r\n'


@pytest.mark.parametrize(
    ("lines", "whole", "error", "words"),
    [
        ([progress(0), progress(50)], False, LostAnswerError, "broke off: .*The image may be incomplete"),
        ([progress(0), progress(100)], False, LostAnswerError, "broke off: .*The image may be incomplete"),
        ([progress(0), progress(50)], True, LostAnswerError, "ended after 50 of 100 bytes"),
        ([], True, LostAnswerError, "was answered 200 without a word about the image"),
        ([b"what?\r\n"], True, LostAnswerError, "was answered 200 without a word about the image"),
        ([b'{"ok": true, "result": {}}\r\n'], True, AnswerError, "without saying what was written"),
        ([progress(0), FAILED], False, DeviceError, "answered 200 ClientPayloadError: cut"),
        ([progress(0), FAILED], True, DeviceError, "answered 200 ClientPayloadError: cut"),
    ],
)
def test_stream_is_read_to_its_last_line(
    raw: Serve, client: Connect, lines: list[bytes], whole: bool, error: type[PikvmError], words: str
) -> None:
    def stream(talk: Conversation) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for line in lines:
            talk.send(b"%x\r\n%b\r\n" % (len(line), line))
        if whole:
            talk.send(b"0\r\n\r\n")

    with pytest.raises(error, match=words):
        fetch(client(raw(stream)), "http://127.0.0.1/x.iso")


def test_login_in_the_address_of_an_image_is_not_shown(sim: Simulator, client: Connect, shelf: str) -> None:
    with pytest.raises(DeviceError) as caught:
        fetch(client(sim), shelf.replace("//", "//user:geheim@") + "/missing/x.iso")
    assert "geheim" not in str(caught.value)


def test_stored_image_is_hashed(sim: Simulator, client: Connect) -> None:
    sim.put_image("a.iso", DATA * 8)
    assert client(sim).msd_sha256("a.iso") == hashlib.sha256(DATA * 8).hexdigest()


def test_reading_that_breaks_off_is_no_hash(sim: Simulator, client: Connect) -> None:
    sim.put_image("a.iso", DATA * 8)
    sim.fault("truncate", path="/msd/read")
    with pytest.raises(AnswerError, match="GET /api/msd/read image=a.iso: the answer broke off"):
        client(sim).msd_sha256("a.iso")
