# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides: their commands are run as they stand there, on their files, and print what is shown there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.config.manager import ConfigManager
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from tests.simulator import Simulator
from tests.simulator.__main__ import parse
from tests.support import isos, preloaded
from tests.support.ansible import PATIENCE, ROOT, Ansible
from tests.support.expect import Start
from tests.tools.guides import GUIDES, PAGES, RUN, Command, blocks, findings

PRINTED_FINGERPRINT = re.compile(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}")
AS_DELIVERED: dict[str, Any] = {"certificate": "factory"}
SEEN: dict[str, Any] = {"speed": 5, "machine": {"installer_seconds": 30.0}}
"""An installer that runs long enough to be seen on a busy machine."""
QUICK = {
    "reinstall_frames": False,
    "reinstall_led_stable_for": 0.2,
    "reinstall_poweroff_stable_for": 0.2,
}
PIKVM1, PIKVM2 = "https://pikvm1.example.com", "https://pikvm2.example.com"


@dataclass(frozen=True)
class Stage:
    """Where the commands of a guide are run: a folder of the examples, and the PiKVMs at the addresses that it names.

    `variables` are those of all hosts.
    """

    folder: str
    pikvms: dict[str, dict[str, Any]]
    variables: dict[str, Any] = field(default_factory=dict)
    own_settings: bool = False
    """Whether the folder has an ansible.cfg of its own."""


STAGES = {
    "first_reinstall": Stage("first", {PIKVM1: {**AS_DELIVERED, **SEEN}, PIKVM2: {}}),
    "switch": Stage("switch", {PIKVM1: {**AS_DELIVERED, "switch": True, "speed": 5}}),
    "tls": Stage("tls", {PIKVM1: AS_DELIVERED, PIKVM2: {}}),
    "two_factor": Stage(
        "two_factor",
        {
            PIKVM1: {
                **AS_DELIVERED,
                "password": "correct horse battery staple",
                "totp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            }
        },
    ),
    "when_it_fails": Stage(
        "first",
        {PIKVM1: {**AS_DELIVERED, "machine": {"installer": "hang"}}, PIKVM2: {}},
        {"reinstall_install_timeout": 3},
    ),
    "without_hardware": Stage(".", {"https://127.0.0.1:8443": {}, "https://127.0.0.1:8444": {}}, own_settings=True),
}


class Theatre:
    """A copy of the examples, in which the PiKVMs are simulated ones."""

    def __init__(self, ansible: Ansible, stage: Stage, sims: dict[str, Simulator]) -> None:
        self.folder = ansible.folder / "examples" / stage.folder
        self._names = {sim.url: address for address, sim in sims.items()}
        self._sims = sims
        self._environment = {
            **ansible.environment(),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PIKVM_PASSWORD": "admin",
            "PWD": str(self.folder),
        }
        if stage.own_settings:
            del self._environment["ANSIBLE_CONFIG"]
            self._environment["PIKVM_CA_PATH"] = str(next(iter(sims.values())).ca_path)
        shutil.copytree(ROOT / "examples", ansible.folder / "examples")
        for name in (".collections", "plugins"):
            (ansible.folder / name).symlink_to(ROOT / name)
        for path in self.folder.glob("*.yml"):
            path.write_text(self.cast(path.read_text(encoding="utf-8")), encoding="utf-8")
        self._add_files(stage)

    def _add_files(self, stage: Stage) -> None:
        """What the user has, and the guide does not show."""
        (self.folder / "images").mkdir()
        (self.folder / "images" / "debian-auto.iso").write_bytes(b"an installer" * 10_000)
        (self.folder / "netinst.iso").write_bytes(b"an installer" * 10_000)
        shutil.copy(next(reversed(self._sims.values())).ca_path, self.folder / "ca.pem")
        variables = self.folder / "group_vars" / "all"
        variables.mkdir(parents=True, exist_ok=True)
        (variables / "quick.yml").write_text(json.dumps({**QUICK, **stage.variables}), encoding="utf-8")

    def cast(self, text: str) -> str:
        """A text of the guide, with the addresses and the fingerprint of the simulated PiKVMs."""
        for address, sim in self._sims.items():
            text = text.replace(f"{address.removeprefix('https://')}:443", sim.url.removeprefix("https://"))
            text = text.replace(address, sim.url)
        return PRINTED_FINGERPRINT.sub(next(iter(self._sims.values())).fingerprint, text)

    def run(self, command: Command) -> None:
        """Run a command: it prints what is shown, and fails only where the guide says so."""
        status, output = self._run(self.cast(command.line))
        printed = " ".join(output.split())
        shown = " ".join(self.cast("\n".join(command.output)).split())
        assert re.search(r".*".join(re.escape(part) for part in re.split(r" ?\.\.\. ?", shown)), printed), printed
        assert bool(status) == bool(re.search(r"FAILED|failed in state", shown)), printed

    def _run(self, line: str) -> tuple[int, str]:
        """Its exit status, and all that it printed."""
        if line.startswith("ansible-playbook ") and "ANSIBLE_CONFIG" in self._environment:
            arguments = shlex.split(line)[1:]
            return preloaded.run(arguments, self._environment, self.folder, PATIENCE)
        finished = subprocess.run(
            ["bash", "-c", line],
            env=self._environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return finished.returncode, finished.stdout


def runnable(page: Path) -> list[Command]:
    """The commands of a page that are run here."""
    return [command for block in blocks(page) for command in block.commands if command.program in RUN]


@pytest.mark.parametrize("guide", STAGES)
def test_commands_do_what_is_shown(ansible: Ansible, simulator: Start, guide: str) -> None:
    stage = STAGES[guide]
    theatre = Theatre(ansible, stage, {address: simulator(**options) for address, options in stage.pikvms.items()})
    for command in runnable(GUIDES / f"{guide}.rst"):
        theatre.run(command)


@pytest.mark.parametrize(
    ("name", "text", "finding"),
    [
        ("a.rst", ".. code-block:: yaml\n\n   a: 1\n", "3: yaml is to be a copy of a file"),
        (
            "a.rst",
            ".. examples/vars/template.yml\n\n.. code-block:: yaml\n\n   a: 1\n",
            "5: is not what examples/vars/",
        ),
        ("a.rst", ".. code-block:: console\n\n   $ curl -k a\n", "3: no test runs curl"),
        ("a.rst", "As in::\n\n   a: 1\n", "1: code begins in the first column"),
        ("a.rst", ".. literalinclude:: a.yml\n", "1: code begins in the first column"),
        ("a.md", "```yaml\na: 1\n```\n", "2: yaml is to be a copy of a file"),
        ("a.md", "```\na: 1\n```\n", "1: each block of code tells its language"),
    ],
)
def test_code_typed_by_hand_is_found(tmp_path: Path, name: str, text: str, finding: str) -> None:
    (tmp_path / name).write_text(text)
    (found,) = findings(tmp_path / name)
    assert found.startswith(finding)


def test_every_guide_with_commands_is_run() -> None:
    assert {page.stem for page in GUIDES.glob("*.rst") if runnable(page)} == set(STAGES)


def test_commands_of_the_readmes_are_those_of_guides() -> None:
    known = {command.line for page in GUIDES.glob("*.rst") for command in runnable(page)}
    assert {command.line for page in PAGES if page.suffix == ".md" for command in runnable(page)} <= known


def test_targets_of_make_are_there(subtests: pytest.Subtests) -> None:
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    commands = {command.line for page in PAGES for block in blocks(page) for command in block.commands}
    for words in [shlex.split(line) for line in commands if line.startswith("make ")]:
        with subtests.test(msg=" ".join(words)):
            assert words[1] in targets
            arguments = "".join(words[2:]).removeprefix("ARGS=")
            if words[1] == "simulator" and arguments != "--help":
                assert parse(shlex.split(arguments)).port == 8443


@isos.needs_xorriso
def test_image_can_be_made_and_installed(ansible: Ansible, simulator: Start) -> None:
    sims = {PIKVM1: simulator(**AS_DELIVERED), PIKVM2: simulator()}
    theatre = Theatre(ansible, STAGES["first_reinstall"], sims)
    isos.debian(theatre.folder / "images" / "debian-13-netinst.iso")
    (theatre.folder / "files").mkdir()
    (theatre.folder / "files" / "preseed.cfg").write_text("d-i debian-installer/exit/poweroff boolean true\n")
    wanted = "ansible-playbook debian.yml -i inventory.yml -l server1 -e reinstall_confirm=server1 --check"
    theatre.run(Command(wanted, ("... changed=1 ... failed=0 ...",)))
    assert sims[PIKVM1].writes == []


@pytest.mark.parametrize(("name", "role"), [("boot_menu", "reinstall"), ("template", "installer_image")])
def test_variables_are_options_of_the_role(name: str, role: str) -> None:
    variables = yaml.safe_load((ROOT / "examples" / "vars" / f"{name}.yml").read_text(encoding="utf-8"))
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = {key: {**option, "required": False} for key, option in specs["argument_specs"]["main"]["options"].items()}
    assert ArgumentSpecValidator(options).validate(variables).error_messages == []


def test_settings_for_fleets_are_settings_of_ansible() -> None:
    settings = ConfigManager(str(ROOT / "examples" / "fleet" / "ansible.cfg"))
    assert settings.get_config_value("DEFAULT_FORKS") == 50
    assert settings.get_config_value("DEFAULT_INTERNAL_POLL_INTERVAL") == 0.05
