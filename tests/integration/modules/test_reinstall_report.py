# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of whole fleets, of devices that lie, and of folders in any state: no PiKVM, only what is told of it."""

from __future__ import annotations

import fcntl
import io
import json
import threading
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageDraw

from ansible_collections.community.pikvm.plugins.module_utils import _page, _plays
from ansible_collections.community.pikvm.plugins.modules import reinstall_report
from tests.support.browser import Browser
from tests.support.evidence import PROOFS, STATES, check_report

HOSTILE = (
    "</pre></script><script>document.title='taken'</script><img src=https://evil.example/x onerror=alert(1)>"
    "\x1b[31m\x00\u202e\ud800]]>&"
)
RUN = "20261121T004141.077080Z"
Write = Callable[..., dict[str, Any]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Runs the module inside this process."""

    def module(state: str, host: str, **options: Any) -> dict[str, Any]:
        given = {"state": state, "artifacts_dir": str(tmp_path), "host": host, "run": RUN, "play": "one", **options}
        return reinstall_report.MODULE.answer("reinstall_report", given, False, False)

    return module


def at(seconds: float) -> str:
    return f"2026-11-21T00:{41 + int(seconds) // 60:02d}:{seconds % 60:09.6f}Z"


def screen(text: str, size: tuple[int, int] = (1280, 720)) -> bytes:
    picture = Image.new("RGB", size, "#101820")
    ImageDraw.Draw(picture).text((24, 24), text, fill="#d0e8d0", font_size=28)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=80)
    return data.getvalue()


def frame(folder: Path, number: int, state: str, text: str, size: tuple[int, int] = (1280, 720)) -> dict[str, Any]:
    name = f"{number:02d}-{state}.jpg"
    (folder / name).write_bytes(screen(text.encode("ascii", "replace").decode(), size))
    return {"file": name, "online": True, "text": text}


def done(folder: Path, names: list[str], text: str = "server login:") -> list[dict[str, Any]]:
    """States with a proof, and with a frame where the server is on."""
    return [
        {
            "state": state,
            "entered": at(20 * place),
            "ended": at(20 * place + 12.3),
            "seconds": 12.3,
            "proof": PROOFS[state],
            "frame": frame(folder, place + 1, state, text) if state in ("boot", "disk_boot", "clean") else None,
        }
        for place, state in enumerate(names)
    ]


def report(host: str, states: list[dict[str, Any]], error: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """As the role gives it to the module."""
    return {
        "run": RUN,
        "host": host,
        "entry_point": "main",
        "result": "failed" if error else "succeeded",
        "failed_state": error["state"] if error else None,
        "error": error,
        "cleanup": None,
        "started": at(0),
        "ended": at(312),
        "seconds": 312.4,
        "versions": {"collection": "1.0.0", "ansible_core": "2.21.5", "kvmd": "4.197"},
        "image": next((state["proof"] for state in states if state["state"] == "stage"), None),
        "led": [
            {"time": at(30), "state": "power_off", "power": "off"},
            {"time": at(80), "state": "boot", "power": "on"},
        ],
        "planned": STATES,
        "states": states,
        **more,
    }


def failed(state: str, msg: str) -> dict[str, Any]:
    return {
        "state": state,
        "class": "timeout",
        "task": "Wait",
        "msg": msg,
        "answer": None,
        "advice": "Look at the screen",
    }


def timeline(names: list[str], end: dict[str, Any]) -> list[dict[str, Any]]:
    lines = [
        {"time": at(20 * place + after), "state": state, "event": event}
        for place, state in enumerate(names)
        for after, event in ((0, "entered"), (12.3, "done"))
    ]
    return [*lines, end]


def succeed(write: Write, base: Path, host: str, **options: Any) -> None:
    write("begun", host, **options)
    last = {"time": at(312), "state": "clean", "event": "succeeded"}
    given = report(host, done(base / host / RUN, STATES))
    result = write("ended", host, report=given, timeline=timeline(STATES, last), log=["[kvmd] started"], **options)
    assert "failed" not in result, result


def fail(write: Write, base: Path, host: str, text: str, **options: Any) -> None:
    """A host that fails in install, in these words."""
    write("begun", host, **options)
    folder = base / host / RUN
    last = frame(folder, 6, "install-failed", text)
    words = f"Seen afterwards: {text}"
    cleanup = {
        "keys": "not used",
        "frame": last,
        "seen": None,
        "drive": "empty",
        "power": "left as it was",
        "words": words,
    }
    given = report(host, done(folder, STATES[:5], text), failed("install", text), cleanup=cleanup)
    lines = [
        {"time": at(110), "state": "install", "event": "entered"},
        {"time": at(311.5), "state": "install", "event": "failed"},
    ]
    result = write(
        "ended", host, report=given, timeline=timeline(STATES[:5], lines[0]) + lines[1:], log=[text], **options
    )
    assert "failed" not in result, result


class Tags(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_page_of_a_fleet_in_a_browser(write: Write, tmp_path: Path) -> None:
    long = "very-long-name-of-a-server." * 4 + "example.com"
    hosts = ["web1", "web2", "db1", long, "evil", "late", "never"]
    text = "Waited 3600.0 s for power off for 5 s; seen last: power on"
    for host in hosts[:3]:
        succeed(write, tmp_path, host, hosts=hosts)
    fail(write, tmp_path, long, text, hosts=hosts)
    fail(write, tmp_path, "evil", HOSTILE * 5, hosts=hosts)
    write("begun", "late", hosts=hosts, timeline=[{"time": at(5), "state": "install", "event": "entered"}])
    page = tmp_path / "index.html"
    assert [page.read_text().count(f'<article class="host {state}"') for state in _page.MARKS] == [2, 1, 3, 1]
    Browser.needed()
    for width in (390, 1280):
        for dark in (False, True):
            with Browser(width, dark=dark) as browser:
                browser.check(page)
                there, seen = browser.pictures()
                assert there == seen == 3 * 3 + 2 * 2
                assert browser.ask("return document.title").startswith("Reinstallation of 7 servers: 2 failed")
                assert browser.ask("return document.scripts.length") == 0


def test_a_frame_that_is_chosen_fills_the_window(write: Write, tmp_path: Path) -> None:
    Browser.needed()
    succeed(write, tmp_path, "web1")
    size = "return [...document.images].map(one => one.getBoundingClientRect().width)"
    with Browser(390) as browser:
        browser.open((tmp_path / "index.html").as_uri())
        before = browser.ask(size)
        browser.open((tmp_path / "index.html").as_uri() + "#h0-f1")
        after = browser.ask(size)
    assert max(before) < 130
    assert after[1] > 340


def test_pictures_beyond_the_limits_are_linked(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_page, "LARGEST_TOTAL", 2 * len(screen("server login:")) + 100)
    succeed(write, tmp_path, "web 1%")
    page = (tmp_path / "index.html").read_text()
    sources = [str(found["src"])[:40] for tag, found in Tags(page).found if tag == "img"]
    assert sources[0] == f"web%201%25/{RUN}/05-boot.jpg"[:40]
    assert [source.startswith("data:") for source in sources] == [False, True, True]
    Browser.needed()
    with Browser(1280) as browser:
        for path in (tmp_path / "index.html", *(tmp_path / "plays").glob("*.html")):
            browser.check(path)
            assert browser.pictures() == (3, 3)


def test_hostile_texts_become_no_elements(write: Write, tmp_path: Path) -> None:
    fail(write, tmp_path, "evil", HOSTILE)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    tags = Tags(page).found
    assert {tag for tag, _attributes in tags} & {"script", "iframe", "object", "form"} == set()
    assert all(str(found["src"]).startswith("data:") for tag, found in tags if tag == "img")
    assert not set(page) & set("\x00\x1b\u202e\ud800")
    assert {name for _tag, found in tags for name in found if name.startswith("on")} == set()
    assert "\x1b" not in (tmp_path / "evil" / RUN / "kvmd.log").read_text()


def test_report_and_junit_of_a_failure(write: Write, tmp_path: Path) -> None:
    fail(write, tmp_path, "evil", HOSTILE)
    folder = tmp_path / "evil" / RUN
    found = json.loads((folder / "report.json").read_text())
    assert found["error"]["msg"] == HOSTILE
    check_report(folder)
    suite = ElementTree.parse(folder / "junit.xml").getroot()[0]
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert list(cases) == STATES
    assert (cases["boot"].get("time"), cases["install"].get("time")) == ("12.3", "201.5")
    assert '"power": "on"' in str(cases["boot"].findtext("system-out"))
    assert [name for name, case in cases.items() if case.find("skipped") is not None] == STATES[6:]
    failure = cases["install"].find("failure")
    assert failure is not None
    assert failure.get("type") == "timeout"
    assert str(failure.get("message")).startswith("</pre></script><script>")
    assert "Look at the screen" in str(failure.text)


def test_log_is_bounded(write: Write, tmp_path: Path) -> None:
    write("begun", "web1")
    lines = [f"line {number} " + "x" * 5000 for number in range(400)]
    write("ended", "web1", report=report("web1", []), log=lines)
    folder = tmp_path / "web1" / RUN
    kept = (folder / "kvmd.log").read_text().splitlines()
    assert (folder / "kvmd.log").stat().st_size <= 1024 * 1024 + 100
    told = check_report(folder)["log"]
    assert (told["lines"], told["left_out"]) == (len(kept) - 1, 400 - len(kept) + 1)
    assert kept[0] == f"[{told['left_out']} older lines left out]"
    assert kept[-1].startswith("line 399 ")


def test_no_log_is_told(write: Write, tmp_path: Path) -> None:
    write("ended", "web1", report=report("web1", []), log_error="no route")
    assert check_report(tmp_path / "web1" / RUN)["log"] == {"file": None, "msg": "no route"}
    assert "no route" in (tmp_path / "index.html").read_text()


def test_hosts_that_end_at_once_are_all_on_the_page(write: Write, tmp_path: Path) -> None:
    hosts = [f"web{number}" for number in range(12)]
    threads = [
        threading.Thread(target=succeed, args=(write, tmp_path, host), kwargs={"hosts": hosts}) for host in hosts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "index.html").read_text().count('<article class="host succeeded"') == 12
    assert list(tmp_path.rglob(".index.html.*")) == []


def test_each_play_has_its_page_and_the_newest_the_index(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, play in enumerate(("one", "two")):
        monkeypatch.setattr(_plays, "now", lambda number=number: at(10 + number))
        succeed(write, tmp_path, "web1", play=play, run=f"run{number}") if number else succeed(write, tmp_path, "web1")
    write("begun", "web2", play="one")
    first, second = sorted((tmp_path / "plays").glob("*.html"))
    assert ("web2" in first.read_text(), "web2" in second.read_text()) == (True, False)
    index = (tmp_path / "index.html").read_text()
    assert "web2" not in index
    assert f'href="plays/{first.stem}.html"' in index
    assert f'href="../plays/{second.stem}.html"' in first.read_text()


def test_second_run_of_a_host_takes_its_row(write: Write, tmp_path: Path) -> None:
    fail(write, tmp_path, "web1", "It hangs")
    write("ended", "web1", report=report("web1", []), run="second")
    page = (tmp_path / "index.html").read_text()
    assert page.count("<article") == page.count('<article class="host succeeded"') == 1
    assert f'href="web1/second/../{RUN}/report.json"' in page


def test_what_others_left_there_does_no_harm(write: Write, tmp_path: Path) -> None:
    write("begun", "web1", hosts=["web1", "web2"])
    (note,) = (tmp_path / "plays").glob("*.json")
    (tmp_path / "web1" / RUN / "timeline.jsonl").write_text('{"time": "x"}\nno json\n[]\n{"half')
    (tmp_path / "web1" / RUN / "report.json").write_text("{")
    write("begun", "web2")
    assert (tmp_path / "index.html").read_text().count("<article") == 2
    note.write_text("[]")
    assert write("begun", "web3")["page"] == str(tmp_path / "index.html")


@pytest.mark.parametrize("name", ["..", "a/../../b", "/etc", "", "a\0b", "."])
def test_names_that_lead_elsewhere_are_refused(write: Write, tmp_path: Path, name: str) -> None:
    assert "cannot be the name of a folder" in write("begun", name)["msg"]
    assert "cannot be the name of a folder" in write("begun", "web1", run=name)["msg"]
    assert list(tmp_path.iterdir()) == []


def test_frames_that_lead_elsewhere_are_no_pictures(write: Write, tmp_path: Path) -> None:
    write("begun", "web1")
    (tmp_path / "secret.jpg").write_bytes(screen("secret"))
    state = {"state": "boot", "seconds": 1, "proof": PROOFS["boot"], "frame": {"file": "../../secret.jpg", "text": "x"}}
    write("ended", "web1", report=report("web1", [state]))
    page = (tmp_path / "index.html").read_text()
    assert "secret" not in page
    assert "no picture" in page


def test_a_folder_that_cannot_be_written_is_told(write: Write, tmp_path: Path) -> None:
    (tmp_path / "web1").write_text("a file")
    assert write("begun", "web1")["msg"].startswith(f"There can be no folder {tmp_path}/web1/{RUN}: ")


def test_a_page_that_cannot_be_written_is_a_warning(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("begun", "web1")
    monkeypatch.setattr(_plays, "PATIENCE", 0.1)
    with (tmp_path / "plays" / ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        result = write("ended", "web1", report=report("web1", []))
    assert result["page"] is None
    assert "is held by another process" in result["warnings"][0]
    assert check_report(tmp_path / "web1" / RUN)["result"] == "succeeded"


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    given = {"state": "begun", "artifacts_dir": str(tmp_path / "there"), "host": "web1", "run": RUN}
    result = reinstall_report.MODULE.answer("reinstall_report", given, True, True)
    assert result["changed"] is True
    assert list(tmp_path.iterdir()) == []


def test_the_end_needs_a_report(write: Write) -> None:
    assert write("ended", "web1")["msg"] == "state is ended but all of the following are missing: report"
