# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role: what it takes for proof, and when it refuses to begin."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncssh import SSHKey

from ansible_collections.community.pikvm.plugins.module_utils._lock import Holder, Lock
from tests.simulator import Simulator
from tests.simulator.machine import ScriptedMachine
from tests.support.ansible import Ansible, Host, Outcome, of_the_host
from tests.support.device import NEWEST, switch_on
from tests.support.expect import Start
from tests.support.ssh import SshServer, host_key, public, running

ROLE = {
    "name": "reinstall",
    "ansible.builtin.include_role": {"name": "community.pikvm.reinstall", "apply": {"ignore_errors": False}},
}
QUICK = {
    "reinstall_frames": False,
    "reinstall_led_stable_for": 0.1,
    "reinstall_poweroff_stable_for": 0.3,
    "reinstall_power_off_timeout": 5,
    "reinstall_install_timeout": 20,
    "reinstall_boot_timeout": 10,
}
OLD, NEW = host_key(), host_key()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.iso"
    path.write_bytes(b"an image" * 1000)
    return path


def play(ansible: Ansible, sim: Simulator, name: str = "server", check: bool = False, **variables: Any) -> Outcome:
    """The outcome of the last task of a run of the role."""
    return play_all(ansible, {name: (sim, variables)}, check)[name]


def play_all(
    ansible: Ansible, hosts: dict[str, tuple[Simulator, dict[str, Any]]], check: bool = False
) -> dict[str, Outcome]:
    played = {}
    for name, (sim, given) in hosts.items():
        variables = {key: value for key, value in given.items() if key != "inventory"}
        image = {"reinstall_image": str(ansible.folder / "a.iso"), "reinstall_confirm": name}
        everything = {**of_the_host(sim), **image, **QUICK, "reinstall_artifacts_dir": str(ansible.folder / "evidence")}
        inventory = given.get("inventory", {})
        played[name] = Host(sim, [ROLE], variables={**everything, **variables}, inventory=inventory)
    run = ansible.play(played, ("--check",) if check else (), defaults=False)
    return {name: outcomes[-1] for name, outcomes in run.hosts.items()}


def report(ansible: Ansible, name: str = "server") -> dict[str, Any]:
    path = max((ansible.folder / "evidence" / name).glob("*/report.json"))
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def proof(ansible: Ansible, state: str) -> Any:
    (found,) = [entry["proof"] for entry in report(ansible)["states"] if entry["state"] == state]
    return found


@pytest.fixture
def sim(simulator: Start) -> Simulator:
    found = simulator()
    switch_on(found)
    return found


@pytest.fixture
def ssh(sim: Simulator) -> Iterator[dict[str, Any]]:
    """Variables of a server whose system has a host key of its own after each installation."""
    with SshServer(sim, lambda machine: running(machine, NEW, OLD)) as server:
        yield {
            "reinstall_verify": "ssh",
            "reinstall_ssh_host": "127.0.0.1",
            "reinstall_ssh_port": server.port,
            "reinstall_verify_timeout": 15,
        }


@pytest.mark.usefixtures("image")
def test_ssh_proves_a_new_host_key(ansible: Ansible, sim: Simulator, ssh: dict[str, Any]) -> None:
    outcome = play(ansible, sim, **ssh)
    assert outcome.ok, outcome.msg
    assert proof(ansible, "preflight")["old_system"]["keys"] == [public(OLD)]
    verified = proof(ansible, "verify")
    assert (verified["host_keys"], verified["old_host_keys"]) == ([public(NEW)], [public(OLD)])
    assert verified["banner"].startswith("SSH-2.0-")


MENU = {
    "reinstall_boot_strategy": "keys",
    "reinstall_boot_keys_interval": 0.05,
    "reinstall_boot_menu_text": "boot device",
    "reinstall_complete_when": "ssh",
}
"""For an installer that restarts the server, whose firmware starts the disk unless told otherwise."""


@pytest.fixture
def restarting(simulator: Start) -> Simulator:
    found = simulator(machine={"boot_order": "disk", "installer": "reboot", "firmware_seconds": 60.0})
    switch_on(found)
    return found


@pytest.mark.usefixtures("image")
def test_installer_that_restarts_has_ended_when_ssh_answers(ansible: Ansible, restarting: Simulator) -> None:
    with SshServer(restarting, lambda machine: running(machine, NEW, OLD)) as server:
        place = {"reinstall_ssh_host": "127.0.0.1", "reinstall_ssh_port": server.port}
        alone = play(ansible, restarting, **MENU, **place)
        assert "reinstall_complete_when=ssh needs reinstall_verify=ssh" in alone.msg
        assert not restarting.writes
        done = play(ansible, restarting, reinstall_verify="ssh", **MENU, **place)
    assert done.ok, done.msg
    assert proof(ansible, "install")["host_keys"] == proof(ansible, "verify")["host_keys"] == [public(NEW)]
    assert [boot["source"] for boot in restarting.machine.boots[1:]] == ["image", "disk", "disk"]


@pytest.mark.usefixtures("image")
def test_installer_that_answers_is_no_new_system(ansible: Ansible, restarting: Simulator) -> None:
    installer = host_key()

    def key_of(machine: ScriptedMachine) -> SSHKey | None:
        """With nothing on its disk, the computer starts something else over the network."""
        others = {"installing": installer, "no_boot": NEW}
        return others.get(machine.state) or running(machine, NEW, OLD)

    restarting.call(restarting.machine.options.change, installer_seconds=1000.0)
    with SshServer(restarting, key_of) as server:
        place = {"reinstall_ssh_host": "127.0.0.1", "reinstall_ssh_port": server.port}
        outcome = play(ansible, restarting, reinstall_verify="ssh", **MENU, **place)
    assert proof(ansible, "install")["host_keys"] == [public(installer)]
    assert "answers with other host keys than at the end of the installation" in outcome.msg
    assert report(ansible)["failed_state"] == "verify"


@pytest.mark.usefixtures("image")
def test_machine_and_boot_are_noted_where_ansible_can_log_in(
    ansible: Ansible, sim: Simulator, ssh: dict[str, Any]
) -> None:
    trusting = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes"
    place = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": ssh["reinstall_ssh_port"]}
    outcome = play(ansible, sim, inventory={**place, "ansible_user": "root", "ansible_ssh_args": trusting}, **ssh)
    assert outcome.ok, outcome.msg
    old, new = proof(ansible, "preflight")["old_system"], proof(ansible, "verify")
    assert (old["machine_id"], new["machine_id"]) == (f"{0:032x}", f"{1:032x}")
    assert new["boot_id"] not in (None, old["boot_id"])


@pytest.mark.usefixtures("image")
def test_old_system_is_never_taken_for_a_new_one(ansible: Ansible, sim: Simulator) -> None:
    with SshServer(sim, lambda machine: running(machine, OLD, OLD)) as server:
        options = {"reinstall_ssh_host": "127.0.0.1", "reinstall_ssh_port": server.port, "reinstall_verify_timeout": 6}
        outcome = play(ansible, sim, reinstall_verify="ssh", **options)
    assert outcome.outcome == "failed"
    assert f"127.0.0.1 port {server.port} still answers with a host key of the old system" in outcome.msg
    assert report(ansible)["failed_state"] == "verify"


@pytest.mark.usefixtures("image")
def test_unknown_old_system_is_asked_for(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(machine={"disk_os": False})
    options = {"reinstall_verify": "ssh", "reinstall_ssh_host": "127.0.0.1", "reinstall_verify_timeout": 15}
    with SshServer(sim, lambda machine: running(machine, NEW, NEW)) as server:
        refused = play(ansible, sim, **options, reinstall_ssh_port=server.port)
        assert refused.outcome == "failed"
        assert "none is known of the old system" in refused.msg
        assert not sim.writes
        done = play(ansible, sim, **options, reinstall_ssh_port=server.port, reinstall_old_host_keys=[])
    assert done.ok, done.msg
    assert proof(ansible, "verify")["host_keys"] == [public(NEW)]


@pytest.mark.usefixtures("image")
def test_screen_proves_what_it_shows(ansible: Ansible, sim: Simulator) -> None:
    done = play(ansible, sim, reinstall_verify="screen", reinstall_verify_text="^System installed from a[.]iso")
    assert done.ok, done.msg
    assert proof(ansible, "verify")["text"].startswith("System installed from a.iso")


@pytest.mark.usefixtures("image")
def test_person_at_the_keyboard_is_left_alone(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(kvmd=NEWEST)
    switch_on(sim)
    sim.call(sim.device.hid.key, "KeyA", None, False)
    long = {"reinstall_idle_minutes": 1000}  # the device's time runs fast here
    for check in (True, False):
        refused = play(ansible, sim, check=check, **long)
        assert "Somebody is at the keyboard: keys or the mouse of this PiKVM were used" in refused.msg
    assert not sim.writes
    Lock(ansible.folder / "ansible" / "pikvm", sim.url).note_keys(0)
    ours = play(ansible, sim, check=True, **long)
    assert ours.ok, ours.msg
    assert play(ansible, sim, check=True, reinstall_idle_minutes=0).ok


@pytest.mark.usefixtures("image")
def test_device_that_is_in_use_is_left_alone(ansible: Ansible, sim: Simulator) -> None:
    lock = Lock(ansible.folder / "ansible" / "pikvm", sim.url)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert lock.take(Holder.of(other.pid, "elsewhere")) is None
        for check in (True, False):
            refused = play(ansible, sim, check=check)
            assert f"in use by a run of Ansible (process {other.pid}) for elsewhere" in refused.msg
        other.kill()
    assert not sim.writes
    done = play(ansible, sim)
    assert done.ok, done.msg
    assert lock.look(Holder.of(1, "anybody")) is None


@pytest.mark.usefixtures("image")
def test_port_is_checked_and_used(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(switch=True, speed=5.0)
    sim.call(setattr, sim.device.switch.ports[2], "name", "other")
    refused = play(ansible, sim, pikvm_port="1.3")
    assert "Port 1.3 of the PiKVM Switch is named other, not server" in refused.msg
    assert not sim.writes
    done = play(ansible, sim, pikvm_port="1.2")
    assert done.ok, done.msg
    assert [len(machine.presses) > 0 for machine in sim.device.machines] == [False, True, False, False]
    assert sim.device.machines[1].disk.installs == 1
    assert proof(ansible, "preflight")["port"]["id"] == "2"
    again = play(ansible, sim, pikvm_port=1)
    assert again.ok, again.msg
    assert sim.device.machines[1].disk.installs == 2
