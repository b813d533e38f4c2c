# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Ansible against simulated PiKVMs: plays in, results of their tasks out."""

from __future__ import annotations

import importlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.simulator import Simulator
from tests.simulator.front import Record

from . import preloaded
from .spoken import PASSWORD, VERBOSE, keep

ROOT = Path(__file__).resolve().parents[2]
SENT = os.environ.get("MODULES_IN_PROCESS", "true") == "false"
"""Whether all modules are sent, which takes many times as long."""
PATIENCE = 400.0 if SENT else 100.0
"""Seconds for a whole run."""
FOREIGN = ("ANSIBLE_", "PIKVM_", "PYTHON")
GROUP = "group/community.pikvm.all"
MODULES = "ansible_collections.community.pikvm.plugins.modules"


PYTHON = os.environ.get("MODULES_PYTHON", "{{ ansible_playbook_python }}")
"""What modules run on; another Python than Ansible's lets all of them be sent."""
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": PYTHON}
"""Variables of hosts for whom everything is done here."""

OF_A_JOB = {"ansible_job_id", "finished", "results_file", "started", "stderr", "stderr_lines", "stdout", "stdout_lines"}
"""What Ansible adds to the result of a task with `async`."""

OURS = ("pikvm_", "reinstall_", "installer_")
NOT_DOCUMENTED = {"changed", "diff", "invocation", "warnings", "deprecations", "failed", "_ansible_no_log"}


def connection(sim: Simulator, **options: Any) -> dict[str, Any]:
    """Connection options that lead to a simulator and trust its certificate."""
    return {"url": sim.url, "password": PASSWORD, "ca_path": sim.ca_path, **options}


def of_the_host(sim: Simulator) -> dict[str, Any]:
    """The same as variables of a host."""
    return {f"pikvm_{name}": value for name, value in connection(sim).items()}


def task(module: str, /, beside: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """A task; what stands beside the module's options, such as `check_mode`, goes into `beside`."""
    return {"name": module, f"community.pikvm.{module}": options, **(beside or {})}


def connecting() -> set[str]:
    """The modules that connect to a PiKVM."""
    names = [path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")]
    ours = {name: getattr(importlib.import_module(f"{MODULES}.{name}"), "MODULE", None) for name in names}
    return {name for name, module in ours.items() if module is not None and module.connects}


def check(module: str, /, **options: Any) -> dict[str, Any]:
    """A task in check and diff mode."""
    return task(module, {"check_mode": True, "diff": True}, **options)


@dataclass(frozen=True)
class Host:
    """A host of the inventory: its PiKVM, its tasks, the connection options it sets for all of them, its variables.

    `variables` are those of the play; where delegation matters, they have to be in the `inventory`.
    """

    sim: Simulator
    tasks: list[dict[str, Any]]
    options: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    inventory: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How one task ended, and what it asked the PiKVM."""

    task: str
    outcome: str
    result: dict[str, Any]
    requests: list[Record]

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
        """What the user reads, in full where it is a failure."""
        return str(self.result.get("msg", ""))

    @property
    def writes(self) -> list[str]:
        """The paths of the requests that are not GET, without what all have in common."""
        return [record.path.removeprefix("/api/") for record in self.requests if record.method != "GET"]


@dataclass(frozen=True)
class Played:
    """What a run of ansible-playbook left: the outcomes of each host's tasks in order, and all that it printed."""

    hosts: dict[str, list[Outcome]]
    output: str
    lines: str


class Ansible:
    """Runs ansible-playbook in a folder of its own.

    Each host is a play of its own, so that a failure ends nothing but itself.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cwd = folder

    def play(
        self,
        hosts: dict[str, Host],
        arguments: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        defaults: bool = True,
    ) -> Played:
        """Run the tasks of each host. Its connection options are set for the action group, unless told otherwise."""
        lines = self.folder / "results.jsonl"
        lines.unlink(missing_ok=True)
        begun = time.time()
        _status, output = preloaded.run(
            ["-i", str(self._inventory(hosts)), *VERBOSE, *arguments, str(self._playbook(hosts, defaults))],
            {**self.environment(), "TASK_RESULTS": str(lines), **(environment or {})},
            self.cwd,
            PATIENCE,
        )
        text = lines.read_text(encoding="utf-8") if lines.exists() else ""
        keep(self.folder, begun, output, text, [self._plays(hosts, defaults), self._hosts(hosts)])
        outcomes: dict[str, list[Outcome]] = {name: [] for name in hosts}
        for line in map(json.loads, text.splitlines()):
            outcomes[line["host"]].append(_outcome(line, hosts[line["host"]].sim))
        missing = [name for name, host in hosts.items() if len(outcomes[name]) < len(host.tasks)]
        if missing:
            raise AssertionError(f"tasks of {', '.join(missing)} did not run:\n{output}")
        assert "Traceback" not in output
        return Played(outcomes, output, text)

    def run(self, sim: Simulator, *tasks: dict[str, Any], **options: Any) -> list[Outcome]:
        """Run tasks against one simulator with these connection options."""
        return self.play({"server": Host(sim, list(tasks), options)}).hosts["server"]

    def playbook(self, playbook: str, inventory: dict[str, Any], *arguments: str) -> str:
        """Run a playbook that exists, a fork for each host; returns what it printed."""
        listed = inventory["all"]["hosts"]
        place = self._json("inventory.yml", inventory)
        begun = time.time()
        _status, output = preloaded.run(
            [playbook, "-i", str(place), "-f", str(len(listed)), *VERBOSE, *arguments],
            self.environment(),
            self.cwd,
            PATIENCE,
        )
        keep(self.folder, begun, output, "", [inventory, list(arguments)])
        assert "Traceback" not in output
        return output

    @staticmethod
    def _hosts(hosts: dict[str, Host]) -> dict[str, Any]:
        return {"all": {"hosts": {name: host.inventory for name, host in hosts.items()}, "vars": LOCAL}}

    def _inventory(self, hosts: dict[str, Host]) -> Path:
        return self._json("inventory.yml", self._hosts(hosts))

    @staticmethod
    def _plays(hosts: dict[str, Host], defaults: bool) -> list[dict[str, Any]]:
        return [
            {
                "hosts": name,
                "gather_facts": False,
                "ignore_errors": True,
                "module_defaults": {GROUP: connection(host.sim, **host.options)} if defaults else {},
                "vars": host.variables,
                "tasks": host.tasks,
            }
            for name, host in hosts.items()
        ]

    def _playbook(self, hosts: dict[str, Host], defaults: bool) -> Path:
        return self._json("playbook.yml", self._plays(hosts, defaults))

    def _json(self, name: str, document: Any) -> Path:
        """JSON is YAML, too."""
        path = self.folder / name
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
        return path

    def environment(self) -> dict[str, str]:
        """The environment of a run: nothing of ours leads it astray."""
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
            "ANSIBLE_INJECT_INVOCATION": "1",
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback")),
            "ANSIBLE_CALLBACKS_ENABLED": "task_results",
            "TASK_RESULTS": os.devnull,
            "PIKVM_IN_PROCESS": "false" if SENT else "true",
        }


def _outcome(line: dict[str, Any], sim: Simulator) -> Outcome:
    asked = [record for record in sim.requests if line["started"] <= record.at <= line["ended"]]
    outcome = Outcome(line["task"], line["outcome"], line["result"], asked)
    if outcome.ok and outcome.task.startswith(OURS) and "censored" not in outcome.result:
        _check_documented(outcome)
    return outcome


def _check_documented(outcome: Outcome) -> None:
    """A successful result has exactly the keys that the module's documentation promises."""
    module = importlib.import_module(f"{MODULES}.{outcome.task}")
    added = NOT_DOCUMENTED | (OF_A_JOB if "ansible_job_id" in outcome.result else set())
    _check_keys(outcome.task, yaml.safe_load(module.RETURN), set(outcome.result) - added, outcome.result)


def _check_keys(place: str, promised: dict[str, Any], found: set[str], values: dict[str, Any]) -> None:
    always = {name for name, value in promised.items() if value.get("returned", "always") in ("always", "success")}
    assert always <= found <= set(promised), f"{place}: promised are {sorted(promised)}, found were {sorted(found)}"
    for name in found:
        contained = promised[name].get("contains")
        if contained and values[name] is not None:
            _check_keys(f"{place}.{name}", contained, set(values[name]), values[name])
