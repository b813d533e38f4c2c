# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Ansible against simulated PiKVMs: plays in, results of their tasks out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 100.0
FOREIGN = ("ANSIBLE_", "PIKVM_", "PYTHON")
GROUP = "group/community.pikvm.all"


@dataclass(frozen=True)
class Outcome:
    """How one task ended."""

    task: str
    outcome: str
    result: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.result[key]

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"

    @property
    def changed(self) -> bool:
        return bool(self.result["changed"])

    @property
    def msg(self) -> str:
        return str(self.result["msg"])


@dataclass(frozen=True)
class Played:
    """What a run of ansible-playbook left: the outcomes of each host's tasks in order, and all that it printed."""

    hosts: dict[str, list[Outcome]]
    output: str


def connection(sim: Simulator, **options: Any) -> dict[str, Any]:
    """Connection options that lead to a simulator and trust its certificate."""
    return {"url": sim.url, "password": "admin", "ca_path": sim.ca_path, **options}


def task(module: str, /, **options: Any) -> dict[str, Any]:
    """A task. `vars`, `check_mode`, `environment` and their like go beside the module as keyword `beside`."""
    beside = options.pop("beside", {})
    return {"name": f"{module} {options.get('state', '')}".strip(), f"community.pikvm.{module}": options, **beside}


class Ansible:
    """Runs ansible-playbook in a folder of its own.

    Each host is a play of its own, so that a failure ends nothing but itself.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def play(
        self,
        hosts: dict[str, list[dict[str, Any]]],
        defaults: dict[str, dict[str, Any]] | None = None,
        arguments: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> Played:
        """Run the tasks of each host. `defaults` are the connection options of each, set for the action group."""
        lines = self.folder / "results.jsonl"
        lines.unlink(missing_ok=True)
        command = ["ansible-playbook", "-i", str(self._inventory(hosts)), *arguments]
        finished = subprocess.run(
            [*self._interpreter(command), str(self._playbook(hosts, defaults or {}))],
            env={**self._environment(lines), **(environment or {})},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        output = finished.stdout + finished.stderr
        if not lines.exists():
            raise AssertionError(output)
        outcomes: dict[str, list[Outcome]] = {name: [] for name in hosts}
        for line in map(json.loads, lines.read_text(encoding="utf-8").splitlines()):
            outcomes[line["host"]].append(Outcome(line["task"], line["outcome"], line["result"]))
        missing = [name for name, tasks in hosts.items() if len(outcomes[name]) < len(tasks)]
        if missing:
            raise AssertionError(f"tasks of {', '.join(missing)} did not run:\n{output}")
        return Played(outcomes, output)

    def run(self, sim: Simulator, *tasks: dict[str, Any], **options: Any) -> list[Outcome]:
        """Run tasks against one simulator. `options` are those of `play`, or connection options."""
        known = {name: options.pop(name) for name in ("arguments", "environment") if name in options}
        return self.play({"server": list(tasks)}, {"server": connection(sim, **options)}, **known).hosts["server"]

    @staticmethod
    def _interpreter(command: list[str]) -> list[str]:
        return [sys.executable, str(Path(sys.executable).with_name(command[0])), *command[1:]]

    def _inventory(self, hosts: dict[str, Any]) -> Path:
        inventory = {
            "all": {
                "hosts": {name: {} for name in hosts},
                "vars": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                },
            }
        }
        return self._json("inventory.yml", inventory)

    def _playbook(self, hosts: dict[str, list[dict[str, Any]]], defaults: dict[str, dict[str, Any]]) -> Path:
        plays = [
            {
                "hosts": name,
                "gather_facts": False,
                "ignore_errors": True,
                "module_defaults": {GROUP: defaults.get(name, {})},
                "tasks": tasks,
            }
            for name, tasks in hosts.items()
        ]
        return self._json("playbook.yml", plays)

    def _json(self, name: str, document: Any) -> Path:
        """JSON is YAML, too."""
        path = self.folder / name
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
        return path

    def _environment(self, lines: Path) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return {
            **own,
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(ROOT / "tests" / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "ansible" / "tmp"),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback")),
            "ANSIBLE_CALLBACKS_ENABLED": "task_results",
            "TASK_RESULTS": str(lines),
        }
