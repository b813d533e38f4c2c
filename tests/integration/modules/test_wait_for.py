# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what events and the screen tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import insert, press_power, switch_on, when_asked
from tests.support.expect import Refusal, Start, check_refusals, fault
from tests.support.raw import until

MODULE = "pikvm_wait_for"
AT_ONCE = {"stable_for": 0, "wait_timeout": 30}


def wait(**options: Any) -> dict[str, Any]:
    return task(MODULE, **{**AT_ONCE, **options})


def asked(sim: Simulator, path: str) -> int:
    return sum(record.path == path for record in sim.requests)


def test_every_condition_at_once(ansible: Ansible, simulator: Start) -> None:
    sims = {kvmd: simulator(kvmd=kvmd) for kvmd in ("4.197", "4.20")}
    conditions = {"power": "on", "hdd": "idle", "msd": "idle", "gpio": {"channel": "led1", "state": "off"}}
    rows = [wait(**conditions, screen_text="(?m)login:$", fail_text=["panic"], screen="stable", stable_for=1)]
    for sim in sims.values():
        switch_on(sim)
    for (outcome,) in ansible.play({f"kvmd_{kvmd}": Host(sim, rows) for kvmd, sim in sims.items()}).hosts.values():
        assert outcome.ok, outcome.msg
        held = {**conditions, "gpio": "off", "screen": "stable", "screen_text": True}
        assert (outcome["observed"], outcome["matched"], outcome.changed) == (held, True, False)
        assert (outcome["used"], outcome.writes) == ("events", [])
        assert outcome["text"].splitlines()[-1] == "server login:"
        assert outcome["elapsed"] >= 1.0
        assert {record.path for record in outcome.requests} == {"/api/ws", "/api/streamer/snapshot"}


@pytest.mark.parametrize("polls", [False, True])
def test_change_is_told_by_events_or_found_by_polling(
    ansible: Ansible, sim: Simulator, tmp_path: Path, polls: bool
) -> None:
    environment = {}
    if polls:
        (tmp_path / "lib").mkdir()
        (tmp_path / "lib" / "websockets.py").write_text("raise ImportError('not here')\n", encoding="utf-8")
        environment["PYTHONPATH"] = str(tmp_path / "lib")
    path, times = ("/api/atx", 2) if polls else ("/api/ws", 1)
    somebody = when_asked(sim, path, lambda: switch_on(sim), times)
    host = Host(sim, [wait(power="on")])
    (outcome,) = ansible.play({"server": host}, environment=environment).hosts["server"]
    somebody.join()
    assert outcome.ok, outcome.msg
    assert outcome["observed"] == {"power": "on"}
    assert outcome["used"] == ("polling" if polls else "events")
    assert (asked(sim, "/api/ws"), asked(sim, "/api/atx") > 0) == (int(not polls), polls)


def test_text_that_ends_the_wait(ansible: Ansible, simulator: Start, tmp_path: Path) -> None:
    sim = simulator(machine={"disk_os": False})
    switch_on(sim)
    fatal = {"screen_text": "login:", "fail_text": ["(?i)NO bootable device"], "power": "on"}
    failed, foretold = ansible.run(
        sim, wait(**fatal, frame="last.jpg"), check(MODULE, **AT_ONCE, **fatal, frame="foretold.jpg")
    )
    for outcome in (failed, foretold):
        assert outcome.outcome == "failed"
        assert outcome.msg.startswith(
            "The screen shows 'No bootable device', which fail_text names: No bootable device"
        )
        assert (outcome["matched"], outcome["observed"]) == (False, {"power": "on"})
        assert outcome["text"].startswith("No bootable device found")
    assert failed["frame"] == "last.jpg"
    assert (tmp_path / "last.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    assert not (tmp_path / "foretold.jpg").exists()


def test_installer_that_starts_a_second_time(ansible: Ansible, simulator: Start) -> None:
    loop = {"installer": "loop", "installer_seconds": 3.0, "firmware_seconds": 3.0, "boot_seconds": 4.0}
    sim = simulator(speed=1.0, machine=loop)
    insert(sim, "a.iso", b"an installer")
    press_power(sim)
    (failed,) = ansible.run(sim, wait(power="off", loop_text="Installer on", wait_timeout=60))
    assert failed.outcome == "failed"
    assert failed.msg.startswith("The screen shows 'Installer on' a second time, which loop_text names: Installer on a")
    assert len(sim.machine.boots) >= 2


def test_screen_that_changes_and_one_that_does_not(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(streamer="viewers", machine={"disk_os": False})
    somebody = when_asked(sim, "/api/streamer/snapshot", lambda: switch_on(sim), 2)
    changed, unchanged = ansible.run(sim, wait(screen="changed"), wait(screen="changed", wait_timeout=1.5))
    somebody.join()
    assert changed.ok, changed.msg
    assert changed["observed"] == {"screen": "changed"}
    assert unchanged.outcome == "failed"
    assert unchanged.msg.endswith(" s for screen changed; seen last: screen stable")


def test_restart_of_the_device_is_outlived(ansible: Ansible, sim: Simulator) -> None:
    def restart() -> None:
        sim.fault("restarting", seconds=40.0)
        until(lambda: not sim.faults.restarting)
        switch_on(sim)

    somebody = when_asked(sim, "/api/ws", restart)
    (outcome,) = ansible.run(sim, wait(power="on"))
    somebody.join()
    assert outcome.ok, outcome.msg
    assert 502 in [record.status for record in outcome.requests]


IN_VAIN = {"stable_for": 0, "wait_timeout": 0.5}
REFUSALS = {
    "LED": Refusal(
        task(MODULE, power="on", hdd="active", **IN_VAIN),
        r"^Waited 0\.\d s for power on, hdd active; seen last: power off, hdd idle$",
    ),
    "LED that does not hold": Refusal(
        task(MODULE, power="on", stable_for=3, wait_timeout=0.5),
        r"^Waited \d\.\d s for power on for 3 s; seen last: power o(n|ff)$",
        switch_on,
        {"speed": 1.0, "machine": {"led": "blink", "boot_seconds": 0.1, "led_on_delay": 0.0}},
    ),
    "channel": Refusal(
        task(MODULE, gpio={"channel": "relay1", "state": "on"}, **IN_VAIN), "for gpio on; seen last: gpio off$"
    ),
    "busy drive": Refusal(
        task(MODULE, msd="idle", **IN_VAIN),
        "for msd idle; seen last: msd busy$",
        fault("msd_busy", seconds=1000.0),
        changes=True,
    ),
    "text": Refusal(
        task(MODULE, screen_text="nothing like it", **IN_VAIN),
        "for screen_text True; seen last: screen_text False. The screen showed: System installed .* server login:$",
        switch_on,
    ),
    "dark screen": Refusal(task(MODULE, screen_text="login:", **IN_VAIN), "The screen showed: no text$"),
    "no Tesseract": Refusal(
        task(MODULE, screen_text="login:", **IN_VAIN),
        "400 OcrError: Tesseract is not available",
        lambda sim: (switch_on(sim), sim.fault("ocr_disabled")),
        error=(400, "OcrError"),
    ),
    "bad pattern": Refusal(task(MODULE, screen_text="(", **IN_VAIN), r"^screen_text: '\(' is not a regular expression"),
    "bad fatal pattern": Refusal(
        task(MODULE, power="on", fail_text=["fine", "["], **IN_VAIN), r"^fail_text: '\[' is not a regular expression"
    ),
    "frame without a folder": Refusal(
        task(MODULE, power="on", frame="no/where.jpg", **IN_VAIN), "^frame: there is no directory /.*/no$"
    ),
    "no ATX": Refusal(task(MODULE, power="off", **IN_VAIN), "^ATX is disabled on this PiKVM", fault("atx_disabled")),
    "fatal text alone": Refusal(
        task(MODULE, fail_text=["x"]), "one of the following is required: power, hdd, gpio, msd"
    ),
}


def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    check_refusals(ansible, simulator, subtests, REFUSALS)
