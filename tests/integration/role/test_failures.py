# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of failures in the documentation: each row happens to a server of its own, and the next run repairs it."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import ROOT, Ansible
from tests.support.device import switch_on
from tests.support.evidence import STATES
from tests.support.expect import Start
from tests.support.spoken import PASSWORD

TABLE = ROOT / "docs" / "docsite" / "rst" / "failures.rst"
LOOKING = ("preflight", "clean")
PRESSING = ("power_off", "boot", "disk_boot")
SPEED = 5.0
PATIENCE = 200.0
HELD = 600.0
"""Seconds for which a state is held up until the run is interrupted."""

IMAGE = b"an image" * 4000
OPTIONS = {
    "reinstall_frames": False,
    "reinstall_confirm": "{{ inventory_hostname }}",
    "reinstall_verify": "screen",
    "reinstall_verify_text": "^System installed from a[.]iso",
    "reinstall_led_stable_for": 0.2,
    "reinstall_poweroff_stable_for": 0.4,
    "reinstall_stall_timeout": 5,
    "reinstall_power_off_timeout": 5,
    "reinstall_power_off_hard_timeout": 5,
    "reinstall_insert_timeout": 5,
    "reinstall_boot_timeout": 8,
    "reinstall_install_timeout": 10,
    "reinstall_eject_timeout": 5,
    "reinstall_disk_boot_timeout": 8,
    "reinstall_verify_timeout": 8,
}


@dataclass(frozen=True)
class Row:
    """A row of the table: what happens when a state has been entered, how the run ends, and what it leaves."""

    what: str
    state: str
    ends: str
    drive: str

    @property
    def host(self) -> str:
        return self.state


def rows() -> dict[str, list[Row]]:
    """The rows of the table by what happens."""
    found: dict[str, list[Row]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("   ") and not line.startswith("   :") and line.strip():
            what, state, ends, drive = next(csv.reader([line.strip()], skipinitialspace=True))
            found.setdefault(what, []).append(Row(what, state, ends, drive))
    return found


ROWS = rows()


def hold(sim: Simulator, _row: Row) -> None:
    sim.fault("slow", seconds=HELD, when="before")


def lose(sim: Simulator, _row: Row) -> None:
    sim.fault("drop_request")
    sim.fault("ws_drop")


def restart(sim: Simulator, _row: Row) -> None:
    sim.fault("restarting", seconds=SPEED * 2)


def refuse(sim: Simulator, row: Row) -> None:
    """The device does not do it; where a state only looks, the server does not, or there is nothing to see."""
    if row.state == "verify":
        sim.fault("no_signal")
    elif row.state in LOOKING:
        sim.fault("error500", path="/atx")
    elif row.state != "install":  # its server hangs from the beginning
        sim.fault("error500", writes=True, path="/atx/" if row.state in PRESSING else "/msd/")


HAPPENINGS: dict[str, Callable[[Simulator, Row], None]] = {
    "The PiKVM or the server does not do it": refuse,
    "The PiKVM cannot be reached any more": lose,
    "The PiKVM restarts": restart,
    "Ansible is interrupted": hold,
}


def computer(row: Row) -> dict[str, Any]:
    """Options of the server of a row."""
    hangs = row.state == "install" and HAPPENINGS[row.what] is refuse
    return {"installer_seconds": 8.0, "installer": "hang" if hangs else "poweroff"}


class Fleet:
    """A server for each row, and a playbook that reinstalls them all at once."""

    def __init__(
        self, folder: Path, simulator: Start, listed: list[Row], environment: dict[str, str], timeout: float
    ) -> None:
        self.folder = folder
        self.rows = listed
        self.sims = {row.host: simulator(speed=SPEED, machine=computer(row)) for row in listed}
        self._environment = environment
        (folder / "a.iso").write_bytes(IMAGE)
        play = [
            {
                "hosts": "all",
                "gather_facts": False,
                "strategy": "free",
                "roles": [{"role": "community.pikvm.reinstall"}],
            }
        ]
        (folder / "playbook.yml").write_text(json.dumps(play), encoding="utf-8")
        everything = {
            **OPTIONS,
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "pikvm_password": PASSWORD,
            "pikvm_retries": 0,
            "pikvm_timeout": timeout,
            "reinstall_image": str(folder / "a.iso"),
            "reinstall_artifacts_dir": str(folder / "evidence"),
        }
        hosts = {name: {"pikvm_url": sim.url, "pikvm_ca_path": str(sim.ca_path)} for name, sim in self.sims.items()}
        inventory = {"all": {"hosts": hosts, "vars": everything}}
        (folder / "inventory.yml").write_text(json.dumps(inventory), encoding="utf-8")
        for sim in self.sims.values():
            switch_on(sim)

    @contextlib.contextmanager
    def run(self) -> Iterator[subprocess.Popen[str]]:
        """A run of the playbook, which is over when this is."""
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory.yml", "playbook.yml"]
        with (self.folder / "output").open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                [*command, "--forks", str(len(self.rows))],
                cwd=self.folder,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            try:
                yield process
                process.wait(PATIENCE)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        assert "Traceback" not in self.output

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8")

    def entered(self, row: Row) -> bool:
        """Whether its state has been entered."""
        return any(f'"{row.state}", "event": "entered"' in text for text in self.evidence(row, "timeline.jsonl"))

    def evidence(self, row: Row, name: str) -> list[str]:
        """The files of that name of all runs, the newest last."""
        paths = sorted((self.folder / "evidence" / row.host).glob(f"*/{name}"))
        return [path.read_text(encoding="utf-8") for path in paths]

    def strike(self, happening: Callable[[Simulator, Row], None], over: threading.Event) -> None:
        """Let it happen to each server as soon as its state has been entered."""
        left = list(self.rows)
        while left and not over.is_set():
            for row in [row for row in left if self.entered(row)]:
                happening(self.sims[row.host], row)
                left.remove(row)
            time.sleep(0.01)

    def left(self, row: Row) -> str:
        """What the drive of a server is like."""
        drive = self.sims[row.host].call(lambda: self.sims[row.host].device.msd.state()["drive"])
        return "connected" if drive["connected"] else "selected" if drive["image"] else "empty"


@pytest.fixture
def environment(ansible: Ansible) -> dict[str, str]:
    return ansible.environment()


@pytest.mark.faults
@pytest.mark.timeout(500)
@pytest.mark.parametrize("what", list(HAPPENINGS))
def test_next_run_repairs_it(
    simulator: Start, tmp_path: Path, environment: dict[str, str], subtests: pytest.Subtests, what: str
) -> None:
    interrupted = what == "Ansible is interrupted"
    fleet = Fleet(tmp_path, simulator, ROWS[what], environment, PATIENCE if interrupted else 5.0)
    over = threading.Event()
    striking = threading.Thread(target=fleet.strike, args=(HAPPENINGS[what], over))
    with fleet.run() as process:
        striking.start()
        if interrupted:
            striking.join(PATIENCE)
            time.sleep(1.0)
            os.killpg(process.pid, signal.SIGINT)
    over.set()
    striking.join()
    for row in fleet.rows:
        with subtests.test(msg=f"{row.state}: what is left"):
            check_end(fleet, row)
            assert fleet.left(row) == row.drive
            assert fleet.sims[row.host].device.hid.pressed == set()
    for sim in fleet.sims.values():
        sim.clear_faults()
        sim.call(sim.machine.options.change, installer="poweroff")
    with fleet.run():
        pass
    for row in fleet.rows:
        with subtests.test(msg=f"{row.state}: the next run"):
            report = json.loads(fleet.evidence(row, "report.json")[-1])
            assert (report["result"], report["error"]) == ("succeeded", None)
            assert fleet.left(row) == "empty"
            machine = fleet.sims[row.host].machine
            assert (machine.state, machine.disk.image_name) == ("running", "a.iso")


def check_end(fleet: Fleet, row: Row) -> None:
    """The first run has ended as the row says: in failure there, by going on, or in the middle."""
    reports = [json.loads(text) for text in fleet.evidence(row, "report.json")]
    assert fleet.entered(row), fleet.output[-3000:]
    if row.ends == "is over":
        assert reports == []
    elif row.ends == "fails":
        assert [(report["result"], report["failed_state"]) for report in reports] == [("failed", row.state)], reports
    else:
        assert [report["result"] for report in reports] == ["succeeded"], reports


def test_every_state_has_a_row_for_everything() -> None:
    found = {what: [row.state for row in listed] for what, listed in ROWS.items()}
    assert found == dict.fromkeys(HAPPENINGS, STATES)
