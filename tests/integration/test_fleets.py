# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks for fleets, and what takes them past one controller."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.community.pikvm.plugins.module_utils._argspec import connection_spec
from tests.simulator import Simulator
from tests.support.ansible import LOCAL, ROOT, Ansible, of_the_host
from tests.support.expect import Start
from tests.support.web import shelf

EXAMPLES = ROOT / "examples" / "fleet"
IMAGE = b"an installer" * 10_000
WRONG = {"pikvm_password": "not this one"}

SERVER: dict[str, Any] = {"speed": 5, "machine": {"installer_seconds": 30.0}}
"""Its installer runs long enough to be seen on a busy machine."""

Play = Callable[..., str]


@pytest.fixture
def play(ansible: Ansible, tmp_path: Path) -> Play:
    """Runs an example over servers; those named as spoiled have a wrong password."""
    (tmp_path / "a.iso").write_bytes(IMAGE)
    shared = {
        **LOCAL,
        "reinstall_confirm": "{{ inventory_hostname }}",
        "reinstall_artifacts_dir": str(tmp_path / "evidence"),
        "reinstall_frames": False,
        "reinstall_image": str(tmp_path / "a.iso"),
        "reinstall_led_stable_for": 0.2,
        "reinstall_poweroff_stable_for": 0.2,
    }

    def run(example: str, sims: dict[str, Simulator], spoiled: tuple[str, ...] = (), **variables: Any) -> str:
        hosts = {name: {**of_the_host(sim), **(WRONG if name in spoiled else {})} for name, sim in sims.items()}
        inventory = {"all": {"vars": {**shared, **variables}, "hosts": hosts}}
        return ansible.playbook(str(EXAMPLES / f"{example}.yml"), inventory)

    return run


def installed(sim: Simulator) -> bool:
    return sim.machine.disk.image_name == "a.iso" and sim.machine.state == "running"


def test_no_server_follows_a_canary_that_failed(play: Play, simulator: Start) -> None:
    sims = {"first": simulator(), "second": simulator()}
    output = play("canary", sims, spoiled=("first",))
    assert "first failed in state preflight" in output
    assert sims["second"].requests == []


def test_failure_of_one_is_nobody_elses(play: Play, simulator: Start) -> None:
    sims = {"good": simulator(**SERVER), "bad": simulator()}
    output = play("free", sims, spoiled=("bad",))
    assert installed(sims["good"]), output
    assert [record.path for record in sims["good"].requests].count("/api/msd/write") == 1
    assert sims["bad"].writes == []


def test_image_is_fetched_by_the_pikvm(play: Play, simulator: Start, tmp_path: Path) -> None:
    sim = simulator(**SERVER)
    with shelf(tmp_path) as address:
        output = play("served", {"server": sim}, image_server=address, image_file=str(tmp_path / "a.iso"))
    assert installed(sim), output
    paths = [record.path for record in sim.requests]
    assert (paths.count("/api/msd/write"), paths.count("/api/msd/write_remote")) == (0, 1)
    assert "/api/msd/read" in paths


def test_credential_type_fills_options_of_the_connection() -> None:
    document = yaml.safe_load((ROOT / "docs" / "awx" / "credential_type.yml").read_text(encoding="utf-8"))
    fields = {field["id"]: field for field in document["inputs"]["fields"]}
    injected = {name: value.strip("{} ") for name, value in document["injectors"]["env"].items()}
    spec = connection_spec()
    assert injected == {f"PIKVM_{name.upper()}": name for name in fields}
    assert set(fields) <= set(spec)
    assert {name for name in fields if fields[name].get("secret")} == {
        name for name in fields if spec[name].get("no_log")
    }


def test_execution_environment_holds_what_is_needed(tmp_path: Path) -> None:
    collections = tmp_path / "collections" / "ansible_collections" / "community"
    collections.mkdir(parents=True)
    (collections / "pikvm").symlink_to(ROOT)
    builder = Path(sys.executable).with_name("ansible-builder")
    listed = subprocess.run(
        [builder, "introspect", str(tmp_path / "collections")], capture_output=True, text=True, check=True
    ).stdout
    needed = yaml.safe_load(listed)
    python = {line.split("#")[0].strip() for line in needed["python"]}
    system = {line.split()[0] for line in needed["system"]}
    assert (python, system) == ({"requests", "pyotp", "websockets>=14"}, {"xorriso"})
    definition = ROOT / "docs" / "ee" / "execution-environment.yml"
    command = [builder, "create", "--file", str(definition), "--context", str(tmp_path / "context")]
    subprocess.run(command, capture_output=True, text=True, check=True)
    galaxy = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert galaxy == {"collections": [{"name": "community.pikvm"}]}
