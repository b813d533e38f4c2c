# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated PiKVMs in a process of their own, and playbooks that are run over them and measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("ANSIBLE_", "PIKVM_")
READY_SECONDS = 60.0
PASSWORD = "admin"


@dataclass(frozen=True)
class Measured:
    """What a run of ansible-playbook took, all its processes together.

    Attributes:
        wall: seconds from its start to its end.
        cpu: seconds of processor time.
        memory: bytes that the largest of its processes held at most.
        states: how the run ended for how many hosts: ok, failed, unreachable.
    """

    wall: float
    cpu: float
    memory: int
    states: dict[str, int]


@dataclass(frozen=True)
class Fleet:
    """Simulated PiKVMs of one process, and a folder for what is run over them."""

    devices: list[dict[str, Any]]
    folder: Path

    def run(self, tasks: list[dict[str, Any]], hosts: int, forks: int, spoiled: int = 0, **variables: Any) -> Measured:
        """Run tasks over the first so many hosts; the first few of them have a wrong password."""
        play = {"hosts": "all", "gather_facts": False, "strategy": "free", "tasks": tasks}
        playbook = self._write("playbook.yml", [play])
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", self._inventory(hosts, spoiled)]
        process_log = self.folder / "output"
        begin = time.monotonic()
        with process_log.open("w", encoding="utf-8") as output:
            started = subprocess.Popen(
                [*command, "--forks", str(forks), "-e", self._write("variables.json", variables, "@"), playbook],
                cwd=self.folder,
                env=self._environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            _pid, _status, used = os.wait4(started.pid, 0)
        wall = time.monotonic() - begin
        states = _states(process_log.read_text(encoding="utf-8"))
        if sum(states.values()) != hosts:
            raise RuntimeError(f"{hosts} hosts, and of them ended {states}:\n{process_log.read_text()[-3000:]}")
        return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, states)

    def _inventory(self, hosts: int, spoiled: int) -> str:
        listed = {
            f"server{number}": {
                "pikvm_url": device["url"],
                "pikvm_ca_path": device["ca_path"],
                "pikvm_password": "wrong" if number < spoiled else PASSWORD,
            }
            for number, device in enumerate(self.devices[:hosts])
        }
        shared = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        return self._write("inventory.yml", {"all": {"hosts": listed, "vars": shared}})

    def _write(self, name: str, document: Any, sign: str = "") -> str:
        path = self.folder / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return f"{sign}{path}"

    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return {
            **own,
            "HOME": str(self.folder),
            "ANSIBLE_CONFIG": str(ROOT / "tests" / "ansible.cfg"),
            "ANSIBLE_INTERNAL_POLL_INTERVAL": "0.05",  # as the guide to fleets advises
            "ANSIBLE_NOCOLOR": "1",
        }


def _states(output: str) -> dict[str, int]:
    """How many hosts the recap calls ok, failed and unreachable."""
    recap = output.rpartition("PLAY RECAP")[2].splitlines()[1:]
    found = {"ok": 0, "failed": 0, "unreachable": 0}
    for line in recap:
        if " : " not in line:
            continue
        counts = dict(part.split("=") for part in line.partition(" : ")[2].split())
        found[next((state for state in ("unreachable", "failed") if counts[state] != "0"), "ok")] += 1
    return found


@contextmanager
def fleet(count: int, *options: str) -> Iterator[Fleet]:
    """So many simulated PiKVMs, until this is over."""
    with tempfile.TemporaryDirectory(prefix="pikvm-bench-") as name:
        folder = Path(name)
        ready, log = folder / "ready.json", folder / "simulator.log"
        command = [sys.executable, "-m", "tests.simulator", "--port", "0", "--count", str(count), *options]
        with log.open("wb") as output:
            simulator = subprocess.Popen(
                [*command, "--ready-file", str(ready)], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            end = time.monotonic() + READY_SECONDS
            while not ready.exists():
                if simulator.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"The simulator did not start:\n{log.read_text()}")
                time.sleep(0.05)
            yield Fleet(json.loads(ready.read_text(encoding="utf-8")), folder)
        finally:
            simulator.terminate()
            simulator.wait()
