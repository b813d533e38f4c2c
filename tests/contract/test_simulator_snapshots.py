# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of the simulated PiKVM, and the text in them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from tests.support.raw import until

from .client import Client, Start, error_of
from .listener import Listener

SNAPSHOT = "/api/streamer/snapshot"


def running(pikvm: Start, **options: Any) -> Client:
    client = pikvm(**options)
    client.post("/api/atx/power?action=on&wait=1")
    until(lambda: client.sim.machine.state == "running")
    return client


def size(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg)) as image:
        assert image.format == "JPEG"
        return image.size


def test_picture_of_the_screen(pikvm: Start) -> None:
    client = running(pikvm)
    answer = client.get(SNAPSHOT)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert size(answer.content) == (1280, 720)
    told = [answer.headers[f"X-UStreamer-{name}"] for name in ("Online", "Width", "Height")]
    assert told == ["true", "1280", "720"]
    assert float(answer.headers["X-Timestamp"]) > 0
    again = client.get(SNAPSHOT).content
    assert again == answer.content
    client.post("/api/hid/events/send_key?key=KeyA")
    assert client.get(SNAPSHOT).content != again


def test_no_signal(pikvm: Start) -> None:
    client = pikvm()
    assert error_of(client.get(SNAPSHOT)) == (503, "UnavailableError")
    answer = client.get(f"{SNAPSHOT}?allow_offline=1")
    assert answer.headers["X-UStreamer-Online"] == "false"
    assert size(answer.content) == (640, 480)
    assert client.state("streamer")["streamer"]["source"]["online"] is False


def test_video_runs_only_while_somebody_watches(pikvm: Start) -> None:
    client = running(pikvm, streamer="viewers")
    assert client.state("streamer")["streamer"] is None
    assert error_of(client.get(f"{SNAPSHOT}?allow_offline=1")) == (503, "UnavailableError")
    with Listener(client, "stream=0") as ws:
        ws.event()
        assert client.state("streamer")["streamer"] is None
    with Listener(client, "stream=1") as ws:
        ws.until(lambda name, event: name == "streamer" and bool((event.get("streamer") or {}).get("source")))
        assert client.get(SNAPSHOT).ok
    assert client.get(SNAPSHOT).ok
    until(lambda: client.state("streamer")["streamer"] is None)
    assert client.get(SNAPSHOT).status_code == 503


def test_saved_snapshot(pikvm: Start) -> None:
    client = running(pikvm)
    assert client.get(f"{SNAPSHOT}?load=1").status_code == 503
    saved = client.get(f"{SNAPSHOT}?save=1").content
    assert client.state("streamer")["snapshot"] == {"saved": {"online": True, "width": 1280, "height": 720}}
    client.sim.fault("no_signal")
    assert client.get(SNAPSHOT).status_code == 503
    assert client.get(f"{SNAPSHOT}?load=1").content == saved
    assert client.send("DELETE", SNAPSHOT).ok
    assert client.get(f"{SNAPSHOT}?load=1").status_code == 503


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, (256, 144)),
        ({"preview_max_width": 640, "preview_max_height": 640}, (640, 360)),
        ({"preview_max_width": 640}, (640, 360)),
    ],
)
def test_preview(pikvm: Start, params: dict[str, int], expected: tuple[int, int]) -> None:
    answer = running(pikvm).get(SNAPSHOT, params={"preview": 1, **params})
    assert size(answer.content) == expected
    assert answer.headers["X-UStreamer-Width"] == "1280"


def test_text(pikvm: Start) -> None:
    client = running(pikvm)
    answer = client.get(f"{SNAPSHOT}?ocr=1&ocr_langs=eng")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text == "System installed from the factory\nserver login:\n"
    second = client.get(f"{SNAPSHOT}?ocr=1&ocr_top=54&ocr_bottom=84").text
    assert second == "server login:\n"
    first_word = client.get(f"{SNAPSHOT}?ocr=1&ocr_right=110&ocr_bottom=54").text
    assert first_word == "System\n"
    nothing = client.get(f"{SNAPSHOT}?ocr=1&ocr_top=500").text
    assert nothing == ""


def test_languages_of_text(pikvm: Start) -> None:
    client = running(pikvm)
    assert error_of(client.get(f"{SNAPSHOT}?ocr=1&ocr_langs=eng,tlh")) == (400, "ValidatorError")
    langs = {"default": ["eng"], "available": ["eng", "osd"]}
    assert client.state("streamer/ocr") == {"ocr": {"enabled": True, "langs": langs}}
    client.sim.fault("ocr_disabled")
    empty: dict[str, Any] = {"default": [], "available": []}
    assert client.state("streamer/ocr") == {"ocr": {"enabled": False, "langs": empty}}
    assert error_of(client.get(f"{SNAPSHOT}?ocr=1")) == (400, "OcrError")


def test_parameters_are_applied_later(pikvm: Start) -> None:
    client = pikvm(speed=2.0)
    assert client.post("/api/streamer/set_params?quality=50&desired_fps=100").ok
    state = client.state("streamer")
    assert (state["params"]["quality"], state["params"]["desired_fps"]) == (50, 40)
    assert state["applied"]["quality"] == 80
    until(lambda: client.state("streamer")["applied"]["quality"] == 50)
    refused = client.post("/api/streamer/set_params?resolution=640x480")
    assert error_of(refused) == (400, "StreamerResolutionNotSupported")


def test_reset_takes_the_picture_away_for_a_second(pikvm: Start) -> None:
    client = running(pikvm, speed=4.0)
    assert client.post("/api/streamer/reset").ok
    assert client.get(SNAPSHOT).status_code == 503
    until(lambda: client.get(SNAPSHOT).ok)
