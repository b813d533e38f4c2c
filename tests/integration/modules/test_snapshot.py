# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the screen, and the text in them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import DIALECTS, switch_on
from tests.support.expect import Refusal, Start, check_refusals, fault

MODULE = "pikvm_snapshot"
PROMPT = {"left": 0, "top": 50, "right": 1280, "bottom": 90}
"""The second line of the screen."""


def snapshot(**options: Any) -> dict[str, Any]:
    return task(MODULE, **options)


def size(path: Path) -> tuple[int, int]:
    return Image.open(io.BytesIO(path.read_bytes())).size


def test_pictures_and_text_without_another_viewer(ansible: Ansible, simulator: Start, tmp_path: Path) -> None:
    sims = {kvmd: simulator(kvmd=kvmd, streamer="viewers") for kvmd in ("4.197", "4.20")}
    rows = [
        check(MODULE, dest="foretold.jpg", ocr=True),
        snapshot(dest="whole.jpg"),
        snapshot(dest="small.jpg", width=320, quality=50),
        snapshot(ocr=True, region=PROMPT, ocr_langs=["eng"]),
    ]
    for sim in sims.values():
        switch_on(sim)
    for outcomes in ansible.play({f"kvmd_{kvmd}": Host(sim, rows) for kvmd, sim in sims.items()}).hosts.values():
        foretold, whole, small, prompt = outcomes
        assert [outcome.msg for outcome in outcomes if not outcome.ok] == []
        assert [outcome.changed for outcome in outcomes] == [True, True, True, False]
        assert all((o["online"], o["width"], o["height"]) == (True, 1280, 720) for o in outcomes)
        assert (whole["text"], small["text"]) == (None, None)
        assert foretold["text"].splitlines() == ["System installed from the factory", "server login:"]
        assert prompt["text"] == "server login:\n"
        assert not [request for outcome in outcomes for request in outcome.writes]
        assert outcomes[1].requests[0].query == {"stream": "1"}
    assert not (tmp_path / "foretold.jpg").exists()
    assert (size(tmp_path / "whole.jpg"), size(tmp_path / "small.jpg")) == ((1280, 720), (320, 180))
    assert (tmp_path / "whole.jpg").stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in tmp_path.glob("*.jpg")) == ["small.jpg", "whole.jpg"]
    assert not list(tmp_path.glob(".pikvm-*"))


def test_screen_without_a_signal_is_told_and_no_failure(ansible: Ansible, sim: Simulator, tmp_path: Path) -> None:
    (tmp_path / "dark.jpg").write_bytes(b"an older picture")
    (outcome,) = ansible.run(sim, snapshot(dest="dark.jpg", ocr=True))
    assert outcome.ok, outcome.msg
    assert (outcome["online"], outcome["text"]) == (False, None)
    assert size(tmp_path / "dark.jpg") == (640, 480)


def test_picture_that_the_device_keeps(
    ansible: Ansible, simulator: Start, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    text = ["System installed from the factory", "server login:"]
    rows: list[tuple[dict[str, Any], bool, list[str]]] = [
        (check(MODULE, saved="keep"), True, []),
        (snapshot(saved="keep", dest="now.jpg", ocr=True), True, []),
        (snapshot(saved="load", dest="kept.jpg", ocr=True, width=320), True, []),
        (snapshot(saved="load", ocr=True), False, []),
        (check(MODULE, saved="load", dest="foretold.jpg"), True, []),
        (check(MODULE, saved="forget"), True, []),
        (snapshot(saved="forget"), True, ["streamer/snapshot"]),
        (snapshot(saved="forget"), False, []),
        (snapshot(saved="keep"), True, []),
    ]
    sims = {kvmd: simulator(kvmd=kvmd, streamer="viewers") for kvmd in DIALECTS}
    for sim in sims.values():
        switch_on(sim)
    hosts = {f"kvmd_{kvmd}": Host(sim, [row[0] for row in rows]) for kvmd, sim in sims.items()}
    for name, outcomes in ansible.play(hosts, ("--diff",)).hosts.items():
        for index, (outcome, (_task, changed, writes)) in enumerate(zip(outcomes, rows, strict=True)):
            with subtests.test(msg=f"{name} task {index}"):
                assert outcome.ok, outcome.msg
                assert (outcome.changed, outcome.writes) == (changed, writes)
        for outcome in outcomes[1:4]:
            assert (outcome["text"].splitlines(), outcome["online"], outcome["width"]) == (text, True, 1280)
        assert not any("save" in record.query for record in outcomes[0].requests)
        before = {"saved": {"online": True, "width": 1280, "height": 720}}
        assert [outcome["diff"]["before"] for outcome in outcomes[5:8]] == [before, before, {"saved": None}]
        assert [outcome["online"] for outcome in outcomes[5:8]] == [None, None, None]
        assert hosts[name].sim.device.streamer.saved is not None
    assert (size(tmp_path / "now.jpg"), size(tmp_path / "kept.jpg")) == ((1280, 720), (320, 180))
    assert not (tmp_path / "foretold.jpg").exists()


def never_starts(sim: Simulator) -> None:
    sim.device.clock.speed = 0.001


REFUSALS = {
    "directory": Refusal(snapshot(dest="."), r"^dest: \S+ is a directory; a file is needed$"),
    "missing directory": Refusal(snapshot(dest="no/where/a.jpg"), "^dest: there is no directory /.*/no/where$"),
    "not writable": Refusal(
        snapshot(dest="/proc/a.jpg"), "^dest: (/proc cannot be written to|cannot write /proc/a.jpg: )"
    ),
    "no Tesseract": Refusal(
        snapshot(ocr=True),
        "^ocr: this PiKVM cannot read text: Tesseract is not installed on it$",
        fault("ocr_disabled"),
    ),
    "unknown language": Refusal(
        snapshot(ocr=True, ocr_langs=["eng", "xx"]), "^ocr_langs: the PiKVM does not know 'xx'; it knows: eng, osd$"
    ),
    "nothing": Refusal(snapshot(ocr=False), "^dest: is needed, or ocr=true, or both$"),
    "nothing to load": Refusal(
        snapshot(saved="load", dest="a.jpg"), "^The PiKVM keeps no picture to load; saved=keep lets it keep one$"
    ),
    "loaded for nothing": Refusal(snapshot(saved="load"), "^dest: is needed, or ocr=true, or both$"),
    "forgotten and read": Refusal(
        check(MODULE, saved="forget", ocr=True), "^saved: forget takes no picture: it goes with neither dest nor ocr$"
    ),
    "region of nothing": Refusal(
        snapshot(dest="a.jpg", region=PROMPT), "^region: is for the text of the screen, and needs ocr=true$"
    ),
    "not a picture": Refusal(
        snapshot(dest="a.jpg"),
        "^GET /api/streamer/snapshot allow_offline=1 was answered 200, but not with a JPEG picture$",
        fault("garbage", path="/api/streamer/snapshot"),
    ),
    "video that does not start": Refusal(
        snapshot(dest="a.jpg", wait_timeout=0.5),
        "^GET /api/streamer/snapshot allow_offline=1 was answered 503 UnavailableError: Service Unavailable",
        never_starts,
        {"streamer": "viewers"},
        error=(503, "UnavailableError"),
    ),
}


def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests, tmp_path: Path) -> None:
    check_refusals(ansible, simulator, subtests, REFUSALS)
    assert not list(tmp_path.glob("*.jpg"))
