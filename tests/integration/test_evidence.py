# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role leaves of a play with a server that is reinstalled and two that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.simulator import Simulator
from tests.support.ansible import LOCAL, Ansible, of_the_host
from tests.support.browser import Browser
from tests.support.device import switch_on
from tests.support.evidence import STATES, check_report
from tests.support.expect import Start

SLOW = 40.0
"""Seconds that an installer takes, so that its server is seen to be on even on a busy machine."""


def reinstall(ansible: Ansible, servers: dict[str, tuple[Simulator, dict[str, Any]]]) -> str:
    """Play the role for all of them at once; returns the output."""
    image = ansible.folder / "installer.iso"
    image.write_bytes(b"installer" * 100_000)
    shared = {
        **LOCAL,
        "reinstall_confirm": "{{ inventory_hostname }}",
        "reinstall_image": str(image),
        "reinstall_artifacts_dir": str(ansible.folder / "evidence"),
        "reinstall_led_stable_for": 0.2,
        "reinstall_poweroff_stable_for": 0.2,
        "reinstall_boot_timeout": 30,
        "reinstall_install_timeout": 60,
        "reinstall_fail_text": ["Kernel panic"],
    }
    hosts = {name: {**of_the_host(sim), **more} for name, (sim, more) in servers.items()}
    return ansible.playbook("community.pikvm.reinstall", {"all": {"vars": shared, "hosts": hosts}})


def test_a_play_leaves_its_evidence(ansible: Ansible, simulator: Start, tmp_path: Path) -> None:
    good = simulator(speed=5, machine={"installer_seconds": SLOW})
    bad = simulator(kvmd="4.20", speed=5, machine={"installer_seconds": SLOW, "installer": "panic"})
    for sim in (good, bad):
        switch_on(sim)
    wrong = {"pikvm_password": "not this one"}
    output = reinstall(ansible, {"good": (good, {}), "bad": (bad, {}), "locked": (simulator(), wrong)})
    evidence = tmp_path / "evidence"
    runs = {name: next((evidence / name).iterdir(), tmp_path) for name in ("good", "bad", "locked")}
    reports = {name: check_report(folder) for name, folder in runs.items()}
    found = {name: (report["result"], report["failed_state"]) for name, report in reports.items()}
    expected = {"good": ("succeeded", None), "bad": ("failed", "install"), "locked": ("failed", "preflight")}
    assert found == expected, output
    assert len({report["play"] for report in reports.values()}) == 1
    check_transitions(reports)
    check_files(runs)
    check_junit(runs)
    check_page(evidence, reports)


def check_transitions(reports: dict[str, dict[str, Any]]) -> None:
    good = [(entry["state"], entry["event"]) for entry in reports["good"]["transitions"]]
    assert good == [(state, event) for state in STATES for event in ("entered", "done")] + [("clean", "succeeded")]
    bad = [(entry["state"], entry["event"]) for entry in reports["bad"]["transitions"]]
    assert bad[-2:] == [("install", "entered"), ("install", "failed")]
    assert reports["bad"]["error"]["class"] == "failed"
    assert reports["locked"]["error"]["class"] == "refused"


def check_files(runs: dict[str, Path]) -> None:
    """The log of the PiKVM is kept of each run in which somebody could log in."""
    logs = {name: (folder / "kvmd.log").exists() for name, folder in runs.items()}
    assert logs == {"good": True, "bad": True, "locked": False}
    assert "kvmd" in (runs["good"] / "kvmd.log").read_text()
    assert all("not this one" not in path.read_text() for path in runs["locked"].iterdir())


def check_junit(runs: dict[str, Path]) -> None:
    suites = {name: ElementTree.parse(folder / "junit.xml").getroot()[0] for name, folder in runs.items()}
    counts = {name: (suite.get("tests"), suite.get("failures"), suite.get("skipped")) for name, suite in suites.items()}
    assert counts == {"good": ("10", "0", "0"), "bad": ("10", "1", "4"), "locked": ("10", "1", "9")}
    failure = suites["bad"].find("testcase[@name='install']/failure")
    assert failure is not None
    assert failure.get("type") == "failed"
    assert "Kernel panic" in str(failure.get("message"))


def check_page(evidence: Path, reports: dict[str, dict[str, Any]]) -> None:
    page = (evidence / "index.html").read_text()
    assert page.count('<article class="host failed"') == 2
    assert page.count('<article class="host succeeded"') == 1
    frames = sum(bool(state["frame"]) for report in reports.values() for state in report["states"])
    assert page.count('src="data:image/jpeg;base64,') == frames + 1
    (kept,) = (evidence / "plays").glob("*.html")
    assert kept.stem == reports["good"]["play"]
    copied = evidence.parent / "copied.html"
    copied.write_text(page)
    Browser.needed()
    for width in (390, 1280):
        with Browser(width) as browser:
            browser.check(copied)
            assert browser.pictures() == (frames + 1, frames + 1)
