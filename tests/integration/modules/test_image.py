# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in the storage: present and whole, or absent."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import DIALECTS, insert, snapshot
from tests.support.expect import Refusal, Start, check_refusals, fault, portions
from tests.support.raw import until
from tests.support.web import DATA, library

MODULE = "pikvm_msd_image"
WRITE, REMOVE, FETCH = "msd/write", "msd/remove", "msd/write_remote"
SHA256 = hashlib.sha256(DATA).hexdigest()
CHANGED = DATA[::-1]
SHORTER = DATA[:100000]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path) -> None:
    for name, data in {"a.iso": DATA, "changed.iso": CHANGED, "shorter.iso": SHORTER, "empty.iso": b""}.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder").mkdir()


@pytest.fixture
def shelf() -> Iterator[str]:
    with library() as url:
        yield url


def image(**options: Any) -> dict[str, Any]:
    return task(MODULE, **{"src": "a.iso", **options})


def absent(name: str = "a.iso", **options: Any) -> dict[str, Any]:
    return task(MODULE, state="absent", name=name, **options)


def stored(sim: Simulator, name: str = "a.iso") -> Any:
    found = sim.device.storage.images.get(name)
    return found and (found.sha256, found.complete)


@pytest.mark.parametrize("kvmd", DIALECTS)
def test_way_of_an_image(ansible: Ansible, simulator: Start, subtests: pytest.Subtests, kvmd: str) -> None:
    whole, short = ({"name": "a.iso", "size": len(data), "complete": True} for data in (DATA, SHORTER))
    rows = [
        (check(MODULE, src="a.iso"), None, whole, []),
        (image(), None, whole, [WRITE]),
        (image(), whole, whole, []),
        (image(compare="content", checksum=f"sha256:{SHA256}"), whole, whole, []),
        (check(MODULE, src="shorter.iso", name="a.iso"), whole, short, []),
        (image(src="shorter.iso", name="a.iso"), whole, short, [REMOVE, WRITE]),
        (check(MODULE, state="absent", name="a.iso"), short, None, []),
        (absent(), short, None, [REMOVE]),
        (absent(), None, None, []),
    ]
    sim = simulator(kvmd=kvmd)
    outcomes = ansible.play({"server": Host(sim, [row[0] for row in rows])}, ("--diff",)).hosts["server"]
    for index, (outcome, (_task, before, after, writes)) in enumerate(zip(outcomes, rows, strict=True)):
        with subtests.test(msg=f"task {index}"):
            assert outcome.ok, outcome.msg
            assert outcome.writes == writes
            assert outcome.changed is (before != after)
            assert outcome["diff"] == {"before": {"image": before}, "after": {"image": after}}
            found = outcome["image"]
            assert (found and {key: found[key] for key in after or {}}) == after
            sent = after["size"] if WRITE in writes and after else 0
            assert (outcome["transferred"], outcome["rate"] > 0) == (sent, sent > 0)
    assert [outcomes[index]["image"]["sha256"] for index in (2, 3)] == [None, SHA256]
    assert sim.device.storage.images == {}


def test_content_decides_where_it_is_compared(ansible: Ansible, sim: Simulator) -> None:
    sim.put_image("a.iso", CHANGED)
    rows = [
        (image(), False, []),
        (check(MODULE, src="a.iso", compare="content"), True, []),
        (image(compare="content"), True, [REMOVE, WRITE]),
        (image(force=True), True, [REMOVE, WRITE]),
        (
            image(src="changed.iso", name="a.iso", checksum=f"sha256:{hashlib.sha256(CHANGED).hexdigest()}"),
            True,
            [REMOVE, WRITE],
        ),
    ]
    outcomes = ansible.run(sim, *(row[0] for row in rows))
    assert [(outcome.changed, outcome.writes) for outcome in outcomes] == [row[1:] for row in rows]
    assert outcomes[2]["image"]["sha256"] == SHA256
    assert stored(sim) == (hashlib.sha256(CHANGED).hexdigest(), True)


def test_spaces_and_umlauts_are_welcome(ansible: Ansible, sim: Simulator) -> None:
    name = "Größe #1 & 100% 'neu'.iso"
    outcomes = ansible.run(sim, image(name=name), image(name=name), absent(name))
    assert [outcome.changed for outcome in outcomes] == [True, False, True]
    assert outcomes[0]["image"]["name"] == name
    assert stored(sim, name) is None


@pytest.mark.parametrize("kvmd", DIALECTS)
def test_upload_cut_in_the_middle_leaves_nothing_and_the_next_run_repairs(
    ansible: Ansible, simulator: Start, kvmd: str
) -> None:
    sim = simulator(kvmd=kvmd)
    sim.fault("upload_cut", bytes=100000, times=1)
    cut, again, drive = ansible.run(sim, image(), image(), task("pikvm_msd_drive", state="connected", image="a.iso"))
    assert cut.outcome == "failed"
    assert cut.msg.startswith("POST /api/msd/write image=a.iso ")
    assert "It may or may not have been carried out" in cut.msg
    assert cut.writes in ([WRITE], [WRITE, REMOVE])
    assert again.changed
    assert again.writes == [WRITE]
    assert drive.ok
    assert stored(sim) == (SHA256, True)


def test_incomplete_image_of_full_size_is_recognised(ansible: Ansible, sim: Simulator) -> None:
    sim.put_image("a.iso", DATA, complete=False)
    mounting, repair = ansible.run(sim, task("pikvm_msd_drive", state="connected", image="a.iso"), image())
    assert "is incomplete: its upload was cut off" in mounting.msg
    assert mounting.writes == []
    assert repair.writes == [REMOVE, WRITE]
    assert stored(sim) == (SHA256, True)


def test_busy_msd_is_waited_for(ansible: Ansible, sim: Simulator) -> None:
    sim.fault("msd_busy", path="/api/msd$", seconds=20.0)
    (outcome,) = ansible.run(sim, image())
    assert outcome.changed
    assert stored(sim) == (SHA256, True)


def test_msd_that_turns_busy_before_the_write_is_waited_for(ansible: Ansible, sim: Simulator) -> None:
    sim.fault("msd_busy", path="/api/msd/write$", seconds=20.0)
    (outcome,) = ansible.run(sim, image())
    assert outcome.ok, outcome.msg
    assert outcome.changed
    assert stored(sim) == (SHA256, True)


@pytest.mark.parametrize(("path", "when"), [("msd/write", "after"), ("msd/remove", "after"), ("msd/remove", "before")])
def test_lost_answers_are_looked_for(ansible: Ansible, sim: Simulator, path: str, when: str) -> None:
    sim.put_image("a.iso", SHORTER)
    sim.fault("drop_request", path=path, when=when, times=1)
    (outcome,) = ansible.run(sim, image())
    assert outcome.ok, outcome.msg
    assert outcome.changed
    assert stored(sim) == (SHA256, True)
    assert outcome.writes.count(WRITE) == 1


def test_pikvm_fetches_an_image(ansible: Ansible, sim: Simulator, shelf: str) -> None:
    fetch = {"download_url": f"{shelf}/images/a.iso", "checksum": f"sha256:{SHA256}"}
    outcomes = ansible.run(sim, check(MODULE, **fetch), task(MODULE, **fetch), task(MODULE, **fetch))
    assert [(outcome.changed, outcome.writes) for outcome in outcomes] == [(True, []), (True, [FETCH]), (False, [])]
    assert outcomes[1]["transferred"] == len(DATA)
    assert outcomes[1]["image"] == {"name": "a.iso", "size": len(DATA), "complete": True, "sha256": SHA256}


def test_fetching_that_fails_leaves_nothing(ansible: Ansible, sim: Simulator, shelf: str) -> None:
    broken, wrong, missing = ansible.run(
        sim,
        task(MODULE, download_url=f"{shelf}/short/a.iso"),
        task(MODULE, download_url=f"{shelf}/a.iso", checksum="sha256:" + "0" * 64),
        task(MODULE, download_url=f"{shelf}/missing/a.iso"),
    )
    assert broken["error"]["name"] == "ClientPayloadError"
    assert "It failed after the transfer had begun" in broken.msg
    assert f"has arrived with another content: its SHA-256 is {SHA256}, not 0000" in wrong.msg
    assert (missing["error"]["status"], missing["error"]["name"]) == (400, "ClientResponseError")
    assert {outcome.outcome for outcome in (broken, wrong, missing)} == {"failed"}
    assert sim.device.storage.images == {}


def test_kvmd_that_restarts_in_mid_upload(ansible: Ansible, sim: Simulator) -> None:
    sim.fault("slow_card", bytes_per_second=len(DATA) / 20)

    def restart() -> None:
        until(lambda: sim.device.msd.upload is not None, 30.0)
        sim.fault("restarting", seconds=10.0)
        sim.clear_faults("slow_card")

    interruption = threading.Thread(target=restart)
    interruption.start()
    first, second = ansible.run(sim, image(), image())
    interruption.join()
    assert first.outcome == "failed"
    assert second.ok, second.msg
    assert stored(sim) == (SHA256, True)


def small(sim: Simulator) -> None:
    sim.fault("full_disk", free=len(DATA) - 1)


CONNECTED = (
    r"image while the drive is connected \(with 'theirs\.iso'\): the server may be reading it\. Disconnect it first"
)
DISABLED, OFFLINE = r"^MSD is disabled on this PiKVM", r"^The MSD is offline: the PiKVM has no virtual drive now"
REFUSALS = {
    "missing file": Refusal(image(src="missing.iso"), r"^src: cannot read missing\.iso: No such file or directory$"),
    "folder": Refusal(image(src="folder"), r"^src: folder is a directory; an image file is needed$"),
    "empty file": Refusal(image(src="empty.iso"), r"^src: empty\.iso is empty$"),
    "address as file": Refusal(
        image(src="https://example.com/a.iso"), "^src: is a file; use download_url for an address"
    ),
    "other checksum": Refusal(
        image(checksum="sha256:" + "0" * 64), rf"^checksum: src is not the image that is .*{SHA256}$"
    ),
    "no checksum": Refusal(image(checksum="md5:0"), "^checksum: must be sha256: and 64 hexadecimal digits$"),
    "name above the storage": Refusal(
        image(name="../a.iso"), r"^name: '\.\./a\.iso' is not a valid image name: no part may"
    ),
    "hidden name": Refusal(
        image(name=".a.iso"), r"^name: '\.a\.iso' is not a valid image name: no part may begin with a dot"
    ),
    "long name": Refusal(image(name="n" * 250), "^name: is too long: 250 bytes, and 249 is the most$"),
    "folder that is not there": Refusal(
        image(name="debian/a.iso"),
        r"answered 500 Internal Server Error: .*A PiKVM answers so where the folder 'debian' does not exist",
        error=(500, "Internal Server Error"),
    ),
    "no space": Refusal(
        image(),
        rf"^Cannot store 'a\.iso': it has {len(DATA)} bytes, and the PiKVM has {len(DATA) - 1} bytes free\. Remove",
        small,
    ),
    "space that ends on the way": Refusal(
        image(),
        r"answered 500 Internal Server Error: .*A PiKVM answers so when its storage fills up or fails",
        fault("full_disk", path="/api/msd/write", free=1000),
        error=(500, "Internal Server Error"),
    ),
    "disabled": Refusal(image(), DISABLED, fault("msd_disabled")),
    "offline": Refusal(image(), OFFLINE, fault("msd_offline")),
    "offline, old kvmd": Refusal(image(), OFFLINE, fault("msd_offline"), {"kvmd": "3.334"}),
    "busy": Refusal(
        image(wait_timeout=0.5), r"^The MSD is busy with another operation, still", fault("msd_busy", seconds=1e6)
    ),
    "connected by somebody else": Refusal(image(), rf"^Cannot upload an {CONNECTED}", insert),
    "connected, foretold": Refusal(check(MODULE, src="a.iso"), rf"^Cannot upload an {CONNECTED}", insert),
    "connected, removing": Refusal(absent("theirs.iso"), rf"^Cannot remove an {CONNECTED}", insert),
    "connected, comparing": Refusal(
        image(name="theirs.iso", compare="content"),
        r"^The drive is connected with 'theirs\.iso', and a PiKVM reads no image back meanwhile: compare=content",
        lambda sim: insert(sim, data=DATA),
    ),
    "upload that is not carried out": Refusal(
        image(wait_timeout=0.5), "was answered 200 without saying what was written", fault("ignore_write")
    ),
    "removal that is not carried out": Refusal(
        absent("b.iso", wait_timeout=0.5),
        r"^Removing 'b\.iso' was answered 200, but after 0\.5 s it is still listed$",
        lambda sim: (sim.put_image("b.iso", b"b"), sim.fault("ignore_write")),
        changes=True,
    ),
    "upload whose line is cut before anything is stored": Refusal(
        image(wait_timeout=1.0), "It may or may not have been carried out", fault("drop_request", writes=True)
    ),
    "neither file nor address": Refusal(
        task(MODULE), "state is present but any of the following are missing: src, download"
    ),
    "both file and address": Refusal(
        image(download_url="http://example.com/a.iso"), r"parameters are mutually exclusive: src\|download_url"
    ),
    "absent without a name": Refusal(
        task(MODULE, state="absent"), "state is absent but all of the following are missing: name"
    ),
}


@portions(REFUSALS)
def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests, cases: dict[str, Refusal]) -> None:
    check_refusals(ansible, simulator, subtests, cases)


def test_connected_image_that_is_right_is_left_alone(ansible: Ansible, sim: Simulator) -> None:
    insert(sim, "a.iso", DATA)
    before = snapshot(sim)
    size, checksum = ansible.run(sim, image(), image(checksum=f"sha256:{SHA256}"))
    assert (size.changed, checksum.changed, size.writes + checksum.writes) == (False, False, [])
    assert "could not be compared with checksum while the drive is connected" in str(checksum["warnings"])
    assert snapshot(sim) == before
