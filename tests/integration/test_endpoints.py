# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of endpoints and events in the documentation: every row is run as it stands there."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.simulator.server import ROUTES
from tests.support.ansible import ROOT, Ansible, Host, Outcome, task
from tests.support.device import EDID, switch_on
from tests.support.web import library

TABLES = ROOT / "docs" / "docsite" / "rst" / "endpoints.rst"
TOKEN = "{{ session.auth_token }}"
EVERYTHING = ["info", "atx", "msd", "gpio", "hid", "streamer", "switch", "metrics"]
QUICK = {"stable_for": 0.1}


@dataclass(frozen=True)
class Row:
    """A row of the tables."""

    name: str
    module: str
    options: tuple[str, ...]
    remark: str


@dataclass(frozen=True)
class Done:
    """A task that was run."""

    options: dict[str, Any]
    outcome: Outcome

    def is_told_by(self, row: Row) -> bool:
        """Whether a row names the module, and options that were given: `state=on`, or any value of `state`."""
        return row.module == self.outcome.task and any(self._gives(option) for option in row.options)

    def _gives(self, option: str) -> bool:
        name, _equals, value = option.partition("=")
        given = self.options.get(name)
        if not value or given is None:
            return given is not None
        return value in given if isinstance(given, list) else value == given


def tables() -> list[list[Row]]:
    """The rows of each table, in order."""
    found: list[list[Row]] = []
    for line in TABLES.read_text(encoding="utf-8").splitlines():
        if line.startswith(".. csv-table::"):
            found.append([])
        elif found and re.match(r"   (``|binary)", line):
            name, module, options, remark = next(csv.reader([line.strip()], skipinitialspace=True))
            found[-1].append(Row(name.strip("`"), module, tuple(re.split(r",\s*", options)), remark))
    return found


ENDPOINTS, TOLD, TAKEN = tables()


def plain(shelf: str) -> list[dict[str, Any]]:
    """What is asked of a PiKVM by itself, in an order in which each works."""
    return [
        task("pikvm_info", gather_subset=EVERYTHING),
        task("pikvm_session", {"register": "session"}, state="present"),
        task("pikvm_session", state="absent", auth_token=TOKEN),
        task("pikvm_log_info", since=60),
        task("pikvm_wait_for", power="on", hdd="idle", **QUICK),
        task("pikvm_msd_image", src="a.iso"),
        task("pikvm_msd_image", src="a.iso", compare="content"),
        task("pikvm_msd_image", download_url=f"{shelf}/images/b.iso"),
        task("pikvm_msd_drive", state="connected", image="a.iso", media_type="flash", read_write=False),
        task("pikvm_msd_drive", state="reset"),
        task("pikvm_wait_for", msd="idle", **QUICK),
        task("pikvm_msd_image", state="absent", name="a.iso"),
        task("pikvm_gpio_channel", channel="relay1", state="on"),
        task("pikvm_wait_for", gpio={"channel": "relay1", "state": "on"}, **QUICK),
        task("pikvm_gpio_channel", channel="relay1", state="pulsed"),
        task("pikvm_keyboard", text="x", keymap="en-us"),
        task("pikvm_keyboard", keys=["KeyA"]),
        task("pikvm_mouse", move={"x": 0, "y": 0}, click="left", wheel={"y": 1}),
        task("pikvm_hid", keyboard_output="ps2", mouse_output="usb_rel", jiggler=True),
        task("pikvm_mouse", move_by={"x": 5, "y": 5}),
        task("pikvm_hid", connected=False),
        task("pikvm_hid", state="reset"),
        task("pikvm_snapshot", dest="screen.jpg", saved="keep"),
        task("pikvm_snapshot", saved="forget"),
        task("pikvm_streamer", quality=60),
        task("pikvm_streamer", state="reset"),
        task("pikvm_atx_power", state="off", mode="hard", **QUICK),
        task("pikvm_atx_click", button="power"),
    ]


def switched() -> list[dict[str, Any]]:
    """What is asked of a PiKVM Switch."""
    settings = {"name": "two", "edid": "default", "dummy": False, "power_delay": 0.3}
    return [
        task("pikvm_switch_port", port="1", active=True, beacon=True, **settings),
        task("pikvm_atx_power", state="on", port="1", **QUICK),
        task("pikvm_wait_for", power="on", port="1", **QUICK),
        task("pikvm_atx_click", button="reset", port="1"),
        task("pikvm_switch", colors={"beacon": "FF0000:80:0000"}),
        task("pikvm_switch", state="reset", unit=1),
        task("pikvm_switch_edid", name="ours", data=EDID, state="present"),
        task("pikvm_switch_edid", name="ours", data=f"{EDID[:-2]}01", state="present"),
        task("pikvm_switch_edid", name="ours", state="absent"),
    ]


@pytest.fixture
def done(ansible: Ansible, simulator: Callable[..., Simulator], tmp_path: Path) -> tuple[list[Done], Simulator]:
    """All tasks, run once, and the PiKVM that the keys went to."""
    (tmp_path / "a.iso").write_bytes(b"an image" * 1000)
    sim = simulator(hid="serial")
    switch_on(sim)
    with library() as shelf:
        hosts = {"alone": Host(sim, plain(shelf)), "switch": Host(simulator(switch=True), switched())}
        outcomes = ansible.play(hosts).hosts
    ran = [
        Done(asked[f"community.pikvm.{outcome.task}"], outcome)
        for name, host in hosts.items()
        for asked, outcome in zip(host.tasks, outcomes[name], strict=True)
    ]
    assert [(one.outcome.task, one.outcome.msg) for one in ran if not one.outcome.ok] == []
    return ran, sim


def test_every_row_is_reached_as_it_says(done: tuple[list[Done], Simulator], subtests: pytest.Subtests) -> None:
    ran, sim = done
    keys = [event for event in sim.device.hid.events if event["kind"] == "key"]
    for row in [row for row in ENDPOINTS if row.module]:
        with subtests.test(msg=row.name):
            method, path = row.name.split()
            asked = [
                (record.method, record.path)
                for one in ran
                if one.is_told_by(row)
                for record in one.outcome.requests
                if record.status in (200, 101)
            ]
            assert (method, f"/api/{path}") in asked
    for row in [row for row in [*TOLD, *TAKEN] if row.module]:
        with subtests.test(msg=row.name):
            (one, *_others) = [one for one in ran if one.is_told_by(row)]
            assert {record.path for record in one.outcome.requests} == {"/api/ws"}
            assert one.outcome.result.get("used", "events") == "events"
            assert row.module != "pikvm_keyboard" or keys


def test_every_path_has_a_row() -> None:
    known = {f"{route.method} {route.path.strip('/')}" for route in ROUTES if "redfish" not in route.path}
    assert known | {"GET ws", "GET media", "GET media/ws"} == {
        row.name for row in ENDPOINTS if not row.name.startswith("/")
    }
    assert len({row.name for row in ENDPOINTS}) == len(ENDPOINTS)


def test_rows_that_lead_nowhere_say_why() -> None:
    for row in [*ENDPOINTS, *TOLD, *TAKEN]:
        assert bool(row.module) == any(row.options), row
        assert row.module or row.remark, row
