# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the cost of a fleet grows with its size."""

from __future__ import annotations

from typing import Any

from .fleet import Fleet, Measured, fleet
from .table import Table

SIZES = (10, 50, 100, 200)
FORKS = 20
COLUMNS = ["hosts", "wall s", "longest single host s", "CPU s", "CPU s per host", "controller MiB"]
SPOILED = 3
"""Hosts with a wrong password: their failure is to disturb nobody."""
MIB = 1024 * 1024
INFO: list[dict[str, Any]] = [{"community.pikvm.pikvm_info": {}}]

SERVERS = 50
IMAGE = b"an installer image" * 60_000
MACHINE = ("--fast", "--speed", "5", "--installer-seconds", "30", "--boot-seconds", "5")
REINSTALL: dict[str, Any] = {
    "reinstall_confirm": "{{ inventory_hostname }}",
    "reinstall_frames": False,
    "reinstall_led_stable_for": 0.5,
    "reinstall_poweroff_stable_for": 0.5,
    "reinstall_install_timeout": 600,
}


def info() -> Table:
    """Facts of up to 200 PiKVMs."""
    table = Table(
        f"`pikvm_info` over a fleet, {FORKS} forks, {SPOILED} hosts with a wrong password",
        COLUMNS,
    )
    with fleet(SIZES[-1]) as devices:
        alone = devices.run(INFO, 1, 1)
        for size in SIZES:
            _add(table, size, alone, devices.run(INFO, size, FORKS, SPOILED))
    return table


def reinstall() -> Table:
    """Whole reinstallations of scripted machines."""
    table = Table(
        f"The role `reinstall` over a fleet, without frames, a fork for each host, {SPOILED} with a wrong password",
        COLUMNS,
    )
    with fleet(SERVERS, *MACHINE) as devices:
        alone = _reinstall(devices, 1, 0)
        _add(table, SERVERS, alone, _reinstall(devices, SERVERS, SPOILED))
    return table


def _reinstall(devices: Fleet, hosts: int, spoiled: int) -> Measured:
    image = devices.folder / "a.iso"
    image.write_bytes(IMAGE)
    places = {"reinstall_image": str(image), "reinstall_artifacts_dir": str(devices.folder / "evidence")}
    role: list[dict[str, Any]] = [{"ansible.builtin.include_role": {"name": "community.pikvm.reinstall"}}]
    return devices.run(role, hosts, hosts, spoiled, **REINSTALL, **places)


def _add(table: Table, size: int, alone: Measured, run: Measured) -> None:
    table.add(
        str(size),
        f"{run.wall:.1f}",
        f"{alone.wall:.1f}",
        f"{run.cpu:.1f}",
        f"{run.cpu / size:.2f}",
        f"{run.memory / MIB:.0f}",
    )
    expected = {"ok": size - SPOILED, "failed": SPOILED, "unreachable": 0}
    table.judge(f"{size} hosts: {expected['ok']} succeed, {SPOILED} fail", run.states == expected)
