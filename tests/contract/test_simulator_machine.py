# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The computer behind the simulated PiKVM."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest

from tests.support.raw import until

from .client import SPEED, Client, Start, begin, boots

IMAGE = b"an installer" * 1000
SHA256 = hashlib.sha256(IMAGE).hexdigest()


def power(client: Client, action: str) -> None:
    assert client.post(f"/api/atx/power?action={action}&wait=1").status_code == 200


def installer(pikvm: Start, **machine: Any) -> Client:
    """A computer that has just started from an inserted image."""
    client = pikvm(machine=machine)
    client.sim.put_image("installer.iso", IMAGE)
    client.insert("installer.iso")
    power(client, "on")
    until(lambda: boots(client) != [])
    return client


def test_image_is_installed_and_the_disk_starts_afterwards(pikvm: Start) -> None:
    client = installer(pikvm, installer_seconds=15.0)
    assert client.state("atx")["leds"] == {"power": True, "hdd": True}
    until(lambda: not client.state("atx")["leds"]["power"])
    disk = client.sim.machine.disk
    assert (disk.has_os, disk.installed_from, disk.image_name, disk.installs) == (True, SHA256, "installer.iso", 1)
    client.post("/api/msd/set_connected?connected=0")
    power(client, "on")
    until(lambda: client.sim.machine.state == "running")
    boot = {key: client.sim.machine.boots[-1][key] for key in ("source", "image", "sha256")}
    assert boot == {"source": "disk", "image": None, "sha256": SHA256}
    assert boots(client) == ["image", "disk"]


def test_installer_that_reboots_starts_whatever_is_there(pikvm: Start) -> None:
    client = installer(pikvm, installer="reboot", installer_seconds=1.0, boot_seconds=16.0)
    until(lambda: client.sim.machine.disk.installs >= 2)
    until(lambda: client.sim.machine.state == "firmware")
    client.post("/api/msd/set_connected?connected=0")
    until(lambda: client.sim.machine.state == "running")
    assert boots(client)[-2:] == ["image", "disk"]


def test_installer_that_loops_never_installs(pikvm: Start) -> None:
    client = installer(pikvm, installer="loop", installer_seconds=0.5)
    until(lambda: len(boots(client)) >= 3)
    assert set(boots(client)) == {"image"}
    assert client.sim.machine.disk.installs == 0


@pytest.mark.parametrize(("behaviour", "state", "has_os"), [("hang", "hung", False), ("panic", "panicked", True)])
def test_installer_that_never_ends(pikvm: Start, behaviour: str, state: str, has_os: bool) -> None:
    client = installer(pikvm, installer=behaviour, installer_seconds=0.5)
    until(lambda: client.sim.machine.state == state)
    power(client, "off")
    assert client.state("atx")["leds"] == {"power": True, "hdd": False}
    assert client.sim.machine.disk.has_os is has_os
    power(client, "off_hard")
    until(lambda: not client.state("atx")["leds"]["power"])


def test_ejecting_fails_a_running_installation(pikvm: Start) -> None:
    client = installer(pikvm, installer_seconds=60.0)
    client.post("/api/msd/set_connected?connected=0")
    assert client.sim.machine.state == "failed"
    assert "failed" in client.sim.machine.screen[-1]
    assert client.sim.machine.disk.has_os is False


def test_long_press_in_mid_installation_leaves_no_system(pikvm: Start) -> None:
    client = installer(pikvm, installer_seconds=60.0)
    power(client, "off_hard")
    client.post("/api/msd/set_connected?connected=0")
    power(client, "on")
    until(lambda: client.sim.machine.state == "no_boot")
    assert boots(client) == ["image", "none"]


def test_incomplete_image_does_not_start(pikvm: Start) -> None:
    client = pikvm()
    client.sim.put_image("half.iso", IMAGE, complete=False)
    client.insert("half.iso")
    power(client, "on")
    until(lambda: client.sim.machine.state == "running")
    assert boots(client) == ["disk"]


def test_soft_off_is_obeyed_or_ignored(pikvm: Start) -> None:
    for behaviour, expected in (("obeys", "off"), ("ignores", "running")):
        client = pikvm(machine={"os": behaviour})
        power(client, "on")
        until(lambda machine=client.sim.machine: machine.state == "running")  # type: ignore[misc]
        power(client, "off")
        time.sleep(3 / SPEED)
        until(lambda machine=client.sim.machine: machine.state != "stopping")  # type: ignore[misc]
        assert client.sim.machine.state == expected
        power(client, "off_hard")
        assert client.sim.machine.state == "off"


def test_soft_off_before_a_system_runs_is_immediate(pikvm: Start) -> None:
    client = pikvm(machine={"boot_seconds": 60.0, "os": "ignores"})
    power(client, "on")
    power(client, "off")
    assert client.sim.machine.state == "off"


def test_reset_starts_anew(pikvm: Start) -> None:
    client = pikvm()
    power(client, "on")
    until(lambda: client.sim.machine.state == "running")
    power(client, "reset_hard")
    until(lambda: boots(client) == ["disk", "disk"])
    assert client.state("atx")["leds"]["power"] is True


def test_power_led_follows_late(pikvm: Start) -> None:
    client = pikvm(speed=1.0, machine={"led_on_delay": 0.8})
    client.post("/api/atx/power?action=on")
    until(lambda: client.sim.machine.powered)
    assert client.state("atx")["leds"]["power"] is False
    until(lambda: bool(client.state("atx")["leds"]["power"]))


def test_led_that_is_not_wired_makes_off_a_no_op(pikvm: Start) -> None:
    client = pikvm(machine={"led_wired": False})
    power(client, "on")
    power(client, "off_hard")
    assert client.state("atx")["leds"]["power"] is False
    assert client.sim.machine.powered
    assert client.post("/api/atx/click?button=power_long&wait=1").ok
    assert not client.sim.machine.powered


def test_led_blinks_in_sleep(pikvm: Start) -> None:
    client = pikvm(machine={"led": "blink"})
    client.post("/api/atx/click?button=power&wait=1")
    for lit in (True, False, True):
        until(lambda lit=lit: client.state("atx")["leds"]["power"] is lit)  # type: ignore[misc]


def test_press_goes_on_when_its_client_leaves(pikvm: Start) -> None:
    client = pikvm(speed=2.0)
    power(client, "on")
    with begin(client, "/api/atx/click?button=power_long&wait=1", 0):
        until(lambda: bool(client.state("atx")["busy"]))
    until(lambda: not client.sim.machine.powered)


@pytest.mark.parametrize(("kvmd", "status"), [("4.197", 200), ("4.20", 409)])
def test_reset_during_a_power_press(pikvm: Start, kvmd: str, status: int) -> None:
    client = pikvm(kvmd=kvmd, speed=2.0)
    client.post("/api/atx/click?button=power")
    assert client.post("/api/atx/click?button=reset").status_code == status
