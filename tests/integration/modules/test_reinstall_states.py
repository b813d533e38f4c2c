# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run goes from state to state, as the role has it written down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.modules import reinstall_report
from tests.support.evidence import PROOFS, check_report

RUN = "20261121T004141.077080Z"
DONE = ["preflight", "stage", "power_off"]
REPORT = {
    "run": RUN,
    "host": "web1",
    "entry_point": "main",
    "result": "succeeded",
    "failed_state": None,
    "error": None,
    "cleanup": None,
    "started": "2026-11-21T00:41:41.077080Z",
    "ended": "2026-11-21T00:46:12.000000Z",
    "seconds": 312.4,
    "versions": {"collection": "1.0.0", "ansible_core": "2.21.5", "kvmd": "4.197"},
    "planned": DONE,
}


class Run:
    """Calls the module for one run of one host, inside this process."""

    def __init__(self, base: Path) -> None:
        self._base = str(base)
        self.folder = base / "web1" / RUN

    def __call__(self, state: str, **options: Any) -> dict[str, Any]:
        given = {"state": state, "artifacts_dir": self._base, "host": "web1", "run": RUN, "play": "one", **options}
        return reinstall_report.MODULE.answer("reinstall_report", given, False, False)


@pytest.fixture
def write(tmp_path: Path) -> Run:
    run = Run(tmp_path)
    run("begun")
    return run


def test_states_come_from_the_timeline(write: Run) -> None:
    assert write("entered", entered="preflight")["states"] == []
    for name, following in (("preflight", "stage"), ("stage", "power_off")):
        result = write("entered", entered=following, left={"proof": PROOFS[name]})
        assert (result["entered"], result["states"][-1]["state"]) == (following, name)
    screen = {"file": None, "msg": "no video"}
    write("ended", report=REPORT, left={"proof": PROOFS["power_off"], "frame": screen})
    written = check_report(write.folder)
    assert [state["proof"] for state in written["states"]] == [PROOFS[name] for name in DONE]
    assert written["image"] == PROOFS["stage"]
    assert [line["event"] for line in written["transitions"]] == ["entered", "done"] * 3
    assert written["states"][2]["frame"] == screen
    assert all(state["entered"] <= state["ended"] for state in written["states"])


def test_who_cannot_write_learns_which_state_it_was(write: Run) -> None:
    write("entered", entered="preflight")
    lines = write.folder / "timeline.jsonl"
    lines.rename(lines.with_name("moved"))
    lines.mkdir()
    result = write("entered", entered="stage")
    assert (result["failed"], result["entered"], result["states"]) == (True, "stage", [])
    assert result["msg"].endswith("timeline.jsonl cannot be written: Is a directory")


def test_nothing_is_left_that_was_not_entered(write: Run) -> None:
    assert write("entered", entered="stage", left={"proof": {}})["msg"].endswith("no state that could be left")
    assert "entered" in write("entered")["msg"]
