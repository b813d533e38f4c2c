# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests a second, unchanged run of each module makes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, task
from tests.support.device import insert, switch_on

DATA = b"an image" * 1000
CHECKSUM = f"sha256:{hashlib.sha256(DATA).hexdigest()}"

UNCHANGED: list[tuple[dict[str, Any], range]] = [
    (task("pikvm_info"), range(4, 5)),
    (task("pikvm_info", gather_subset=["atx"]), range(1, 2)),
    (task("pikvm_atx_power", state="on"), range(3, 10)),
    (task("pikvm_atx_power", state="on", stable_for=0), range(1, 2)),
    (task("pikvm_msd_image", src="a.iso"), range(1, 2)),
    (task("pikvm_msd_image", src="a.iso", checksum=CHECKSUM), range(1, 2)),
    (task("pikvm_msd_image", state="absent", name="none.iso"), range(1, 2)),
    (task("pikvm_msd_drive", state="connected", image="a.iso", media_type="cdrom"), range(1, 2)),
    (task("pikvm_gpio_channel", channel="relay1", state="off"), range(1, 2)),
    (task("pikvm_wait_for", power="on", stable_for=0), range(1, 2)),
    (task("pikvm_hid", jiggler=False, mouse_output="usb"), range(1, 2)),
    (task("pikvm_streamer", quality=80, desired_fps=40), range(1, 2)),
    (task("pikvm_snapshot", saved="forget"), range(1, 2)),
]

AFTER_DISCONNECTION: list[tuple[dict[str, Any], range]] = [
    (task("pikvm_msd_drive", state="disconnected"), range(1, 2)),
    (task("pikvm_msd_image", src="a.iso", checksum=CHECKSUM), range(3, 4)),
    (task("pikvm_msd_image", src="a.iso", compare="content"), range(3, 4)),
]


def shown(options: dict[str, Any]) -> str:
    return ", ".join(f"{name}={str(value)[:16]}" for name, value in options.items())


def test_fewest_requests_of_a_switch(ansible: Ansible, simulator: Callable[..., Simulator]) -> None:
    beacon = {"unit": 1, "link": "uplink", "state": False}
    outcomes = ansible.run(
        simulator(switch=True),
        task("pikvm_switch_port", port="0", active=True, beacon=False),
        task("pikvm_switch", colors={"active": "default"}, beacon=beacon),
        task("pikvm_switch_edid", name="Default"),
        task("pikvm_switch_edid", name="none", state="absent"),
    )
    for outcome in outcomes:
        assert outcome.changed is False
        assert [record.path for record in outcome.requests] == ["/api/switch"]


def test_fewest_requests(
    ansible: Ansible,
    sim: Simulator,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    (tmp_path / "a.iso").write_bytes(DATA)
    switch_on(sim)
    insert(sim, "a.iso", DATA)
    disconnect = task("pikvm_msd_drive", state="disconnected")
    rows = [*UNCHANGED, (disconnect, range(3, 4)), *AFTER_DISCONNECTION]
    outcomes = ansible.run(sim, *(row for row, _expected in rows))
    table = "\n".join(
        f"{len(outcome.requests):4}  {outcome.task} {shown(row[f'community.pikvm.{outcome.task}'])}"
        for outcome, (row, _expected) in zip(outcomes, rows, strict=True)
        if not outcome.changed
    )
    record_property("requests_of_an_unchanged_run", table)
    with capsys.disabled():
        print(f"\nrequests of an unchanged run\n{table}")
    assert [index for index, outcome in enumerate(outcomes) if outcome.changed] == [len(UNCHANGED)]
    for outcome, (_row, expected) in zip(outcomes, rows, strict=True):
        assert len(outcome.requests) in expected, (outcome.task, [record.path for record in outcome.requests])
