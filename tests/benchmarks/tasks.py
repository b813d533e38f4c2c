# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs the controller, beside `ansible.builtin.uri` doing the same."""

from __future__ import annotations

from typing import Any

from .fleet import PASSWORD, fleet
from .table import Table

HOSTS, FEW, TIMES, FORKS = 60, 10, 2, 4
TARGET = 0.2
"""Of what `uri` costs, at most."""

URI = {
    "url": "{{ pikvm_url }}/api/atx",
    "ca_path": "{{ pikvm_ca_path }}",
    "headers": {"X-KVMD-User": "admin", "X-KVMD-Passwd": PASSWORD},
}
INFO: dict[str, Any] = {"community.pikvm.pikvm_info": {"gather_subset": ["atx"]}}
POWER: dict[str, Any] = {"community.pikvm.pikvm_atx_power": {"state": "off", "stable_for": 0}}
DEBUG: dict[str, Any] = {"ansible.builtin.debug": {"msg": "x"}}
CONTENDERS: dict[str, tuple[dict[str, Any], int, int]] = {
    "`ansible.builtin.debug`": (DEBUG, TIMES, HOSTS),
    "`pikvm_info`": (INFO, TIMES, HOSTS),
    "`pikvm_atx_power`, already right": (POWER, TIMES, HOSTS),
    "`ansible.builtin.uri`, the same GET": ({"ansible.builtin.uri": URI}, 1, HOSTS),
    "`pikvm_info`, sent": ({**INFO, "vars": {"pikvm_in_process": False}}, 1, FEW),
}
"""Tasks, how often each is run on every host, and on how many hosts."""


def tasks() -> Table:
    """CPU seconds of one task on one host, beyond those of a play with a single `debug`."""
    table = Table(
        f"CPU seconds of a task, with {FORKS} forks",
        ["task", "hosts", "CPU s", "of `uri`", "wall s for all"],
    )
    with fleet(HOSTS) as devices:
        alone = {hosts: devices.run([DEBUG], hosts, FORKS) for hosts in (HOSTS, FEW)}
        costs = {}
        for name, (task, times, hosts) in CONTENDERS.items():
            run = devices.run([DEBUG, *[task] * times], hosts, FORKS)
            costs[name] = ((run.cpu - alone[hosts].cpu) / hosts / times, (run.wall - alone[hosts].wall) / times)
    of_uri = costs["`ansible.builtin.uri`, the same GET"][0]
    for name, (cpu, wall) in costs.items():
        table.add(name, str(CONTENDERS[name][2]), f"{cpu:.3f}", f"{cpu / of_uri:.2f}", f"{wall:.1f}")
    table.judge(f"`pikvm_info` at most {TARGET} of `uri`", costs["`pikvm_info`"][0] <= TARGET * of_uri)
    return table
