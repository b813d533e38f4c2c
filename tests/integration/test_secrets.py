# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret appears in any output, however talkative Ansible is, and whatever goes wrong."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.sessions import STEP_SECONDS, totp
from tests.support.ansible import Ansible, Host, check, connecting, task
from tests.support.device import EDID
from tests.support.expect import Start
from tests.support.web import library

PASSWORD = "geheim:4711/wort"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OTHER_SECRET = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"
OTHER_PASSWORD = "falsch-0815-wort"
TOKEN = "5ec2e7" * 10 + "abcd"
LOGIN = "download-4712-login"
TYPED = "getippt-4713"
VERBOSE = ("-vvvv", "--diff")


def everything(src: str, url: str) -> list[dict[str, Any]]:
    """A task of every module, foretold and done, and one that fails."""
    quick = {"stable_for": 0.1, "wait_timeout": 5}
    return [
        task("pikvm_info"),
        check("pikvm_atx_power", state="on", **quick),
        task("pikvm_atx_power", state="on", **quick),
        task("pikvm_atx_click", button="reset"),
        task("pikvm_gpio_channel", channel="relay1", state="on"),
        task("pikvm_gpio_channel", channel="nowhere", state="on"),
        task("pikvm_msd_image", src=src),
        task("pikvm_msd_image", download_url=url),
        task("pikvm_msd_drive", state="connected", image="a.iso"),
        task("pikvm_msd_drive", state="connected", image="missing.iso"),
        task("pikvm_wait_for", power="on", stable_for=0),
        task("pikvm_keyboard", text="root\n"),
        check("pikvm_keyboard", text=TYPED),
        task("pikvm_keyboard", text=TYPED),
        task("pikvm_keyboard", text=TYPED, keymap="xx"),
        task("pikvm_keyboard", keys=["ShiftLeft+KeyA"]),
        task("pikvm_mouse", click="left"),
        task("pikvm_hid", jiggler=True),
        task("pikvm_snapshot", ocr=True),
        task("pikvm_session"),
        task("pikvm_log_info"),
        task("pikvm_streamer", quality=70),
        task("pikvm_switch", colors={"active": "default"}),
        task("pikvm_switch_edid", name="ours", data=EDID),
        task("pikvm_switch_port", port="0", active=True),
    ]


SWITCH = ["pikvm_switch", "pikvm_switch_edid", "pikvm_switch_port"]
"""No switch is there."""


def leaks(text: str, *secrets: str) -> list[str]:
    return [secret for secret in secrets if secret in text]


def codes(since: float) -> list[str]:
    """All codes that could have been sent since then, and the ones after them."""
    steps = range(int(since) - STEP_SECONDS, int(time.time()) + 2 * STEP_SECONDS, STEP_SECONDS)
    return [totp(secret, step) for step in steps for secret in (SECRET, OTHER_SECRET)]


def test_nothing_leaks_from_any_module(ansible: Ansible, simulator: Start, tmp_path: Path) -> None:
    start = time.time()
    sim = simulator(password=PASSWORD, totp_secret=SECRET)
    (tmp_path / "a.iso").write_bytes(b"an image" * 1000)
    with library() as url:
        tasks = everything("a.iso", url.replace("//", f"//user:{LOGIN}@") + "/missing/b.iso")
        host = Host(sim, tasks, {"password": PASSWORD, "totp_secret": SECRET})
        played = ansible.play({"server": host}, VERBOSE)
    text = played.output + played.lines
    failed = [outcome.task for outcome in played.hosts["server"] if not outcome.ok]
    assert {row["name"] for row in tasks} == connecting()
    assert failed == ["pikvm_gpio_channel", "pikvm_msd_image", "pikvm_msd_drive", "pikvm_keyboard", *SWITCH]
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in text
    assert leaks(text, PASSWORD, SECRET, LOGIN, TYPED, *sim.device.sessions._sessions) == []
    assert [code for code in codes(start) if re.search(rf"(?<![\d.]){code}(?!\d)", text)] == []


FAILURES: dict[str, tuple[dict[str, Any], dict[str, Any], str | None]] = {
    "wrong password": ({}, {"password": OTHER_PASSWORD}, None),
    "wrong second factor": ({"totp_secret": SECRET}, {"totp_secret": OTHER_SECRET}, None),
    "bad second factor": ({}, {"totp_secret": OTHER_SECRET[:-1] + "1"}, None),
    "ended session": ({}, {"auth_token": TOKEN}, None),
    "no session": ({}, {"auth_token": TOKEN + "\n" + OTHER_PASSWORD}, None),
    "header": ({}, {"password": OTHER_PASSWORD + "\nX-Evil: 1"}, None),
    "untrusted": ({"certificate": "expired"}, {}, None),
    "fingerprint": ({}, {"tls_fingerprint": "0" * 64}, None),
    "login in the url": ({}, {"url": f"https://admin:{OTHER_PASSWORD}@127.0.0.1/"}, None),
    "login without a scheme": ({}, {"url": f"admin:{OTHER_PASSWORD}@127.0.0.1"}, None),
    "login with a slash": ({}, {"url": f"https://admin:{OTHER_PASSWORD}/x@127.0.0.1"}, None),
    "closed": ({}, {"url": "https://127.0.0.1:1"}, None),
    "silent": ({}, {"timeout": 0.3}, "silent"),
    "dropped": ({}, {}, "drop_request"),
    "garbage": ({}, {}, "garbage"),
    "html": ({}, {}, "html"),
    "crash": ({}, {}, "error500"),
}


def test_nothing_leaks_from_any_failure(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    hosts = {}
    for name, (device, options, fault) in FAILURES.items():
        sim = simulator(**{"password": PASSWORD, **device})
        if fault:
            sim.fault(fault)
        values = {"password": PASSWORD, "retries": 0, **options}
        hosts[name.replace(" ", "_")] = Host(sim, [task("pikvm_info")], values)
    start = time.time()
    played = ansible.play(hosts, VERBOSE)
    text = played.output + played.lines
    for name in FAILURES:
        with subtests.test(msg=name):
            (outcome,) = played.hosts[name.replace(" ", "_")]
            assert outcome.outcome == "failed"
            seen = outcome.msg + str(outcome.result)
            assert leaks(seen, PASSWORD, SECRET, OTHER_PASSWORD, OTHER_SECRET, OTHER_SECRET[:-1], TOKEN) == []
    assert leaks(text, PASSWORD, SECRET, OTHER_PASSWORD, OTHER_SECRET, OTHER_SECRET[:-1], TOKEN) == []
    assert [code for code in codes(start) if re.search(rf"(?<![\d.]){code}(?!\d)", text)] == []
