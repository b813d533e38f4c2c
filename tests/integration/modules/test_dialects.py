# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module at its work, on every kvmd whose answers were recorded: what a PiKVM lacks is said, the rest works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.ansible import Ansible, connecting, task
from tests.support.device import DIALECTS, EDID, snapshot, switch_on
from tests.support.expect import Start

QUICK = {"stable_for": 0.1}
TOKEN = "{{ session.auth_token }}"
DATA = b"an image" * 1000
WITH_SWITCHES = ("4.197",)

CONVERGES: list[dict[str, Any]] = [
    task("pikvm_atx_power", state="on", **QUICK),
    task("pikvm_gpio_channel", channel="relay1", state="on"),
    task("pikvm_hid", mouse_output="usb_rel"),
    task("pikvm_msd_image", src="a.iso"),
    task("pikvm_msd_drive", state="connected", image="a.iso", media_type="cdrom"),
    task("pikvm_streamer", quality=60),
]
"""Each changes something the first time, and nothing the second."""

ACTS = [
    task("pikvm_keyboard", text="xyz"),
    task("pikvm_keyboard", keys=["KeyQ"]),
    task("pikvm_mouse", move={"x": 5, "y": 5}),
    task("pikvm_snapshot", dest="screen.jpg", ocr=True),
    task("pikvm_session", {"register": "session"}),
    task("pikvm_session", state="absent", auth_token=TOKEN),
    task("pikvm_atx_click", button="reset"),
]
"""Each does something every time."""

READS = [
    task("pikvm_info", gather_subset=["all"]),
    task("pikvm_log_info", since=60),
    task("pikvm_wait_for", power="on", hdd="idle", msd="idle", wait_timeout=30, **QUICK),
]

SWITCH = [
    task("pikvm_switch", colors={"beacon": "FF0000:80:0000"}),
    task("pikvm_switch_edid", name="ours", data=EDID),
    task("pikvm_switch_port", port="1", name="one"),
]
"""These converge, too; where kvmd knows of no switches, they say so."""


def test_every_module_is_here() -> None:
    assert {row["name"] for row in [*CONVERGES, *ACTS, *READS, *SWITCH]} == connecting()


@pytest.mark.parametrize("kvmd", DIALECTS)
def test_what_converges(ansible: Ansible, simulator: Start, tmp_path: Path, kvmd: str) -> None:
    (tmp_path / "a.iso").write_bytes(DATA)
    sim = simulator(kvmd=kvmd)
    outcomes = ansible.run(sim, *CONVERGES, *CONVERGES)
    assert [(outcome.task, outcome.msg) for outcome in outcomes if not outcome.ok] == []
    first, again = outcomes[: len(CONVERGES)], outcomes[len(CONVERGES) :]
    assert [outcome.task for outcome in first if not (outcome.changed and outcome.writes)] == []
    assert [outcome.task for outcome in again if outcome.changed or outcome.writes] == []
    left = snapshot(sim)
    assert left["drive"] == ("a.iso", True, True, False)
    assert left["outputs"]["relay1"] is True


@pytest.mark.parametrize("kvmd", DIALECTS)
def test_what_reads_and_acts(ansible: Ansible, simulator: Start, tmp_path: Path, kvmd: str) -> None:
    sim = simulator(kvmd=kvmd)
    switch_on(sim)
    outcomes = ansible.run(sim, *READS, *ACTS)
    assert [(outcome.task, outcome.msg) for outcome in outcomes if not outcome.ok] == []
    reads, acts = outcomes[: len(READS)], outcomes[len(READS) :]
    assert [outcome.task for outcome in reads if outcome.changed or outcome.writes] == []
    assert [outcome.task for outcome in acts if not outcome.changed] == []
    assert reads[0]["pikvm"]["version"] == kvmd
    assert {"KeyX", "KeyQ"} <= {event["key"] for event in sim.device.hid.events if event["kind"] == "key"}
    assert (tmp_path / "screen.jpg").stat().st_size > 0
    assert len(sim.machine.boots) == 2


@pytest.mark.parametrize("kvmd", DIALECTS)
def test_switch(ansible: Ansible, simulator: Start, kvmd: str) -> None:
    has = kvmd in WITH_SWITCHES
    sim = simulator(kvmd=kvmd, switch=has)
    told, *outcomes = ansible.run(sim, task("pikvm_info", gather_subset=["switch"]), *SWITCH, *SWITCH)
    assert told["pikvm"]["capabilities"]["switch"] is has
    if has:
        assert [outcome.msg for outcome in outcomes if not outcome.ok] == []
        assert [outcome.changed for outcome in outcomes] == [True, True, True, False, False, False]
    else:
        assert {outcome["error"]["status"] for outcome in outcomes} == {404}
        assert all("does not offer that function" in outcome.msg for outcome in outcomes)
