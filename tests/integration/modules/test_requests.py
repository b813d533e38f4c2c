# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of requests in the documentation: every row is run as it stands there, to change and when all is right."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator
from tests.support.ansible import ROOT, Ansible, Host, Outcome, connecting, task
from tests.support.device import EDID
from tests.support.web import library

PAGE = ROOT / "docs" / "docsite" / "rst" / "requests.rst"
DATA = b"an image" * 1000
VARIABLES = {"checksum": f"sha256:{hashlib.sha256(DATA).hexdigest()}", "edid": EDID}
CELL = re.compile(r"(?P<module>\w+)(, ``(?P<options>.+)``.*)?")
ALONE, SWITCH = "alone", "switch"
PRESSES_LAST = 5.0
"""The switch's speed: a press at a port has to be seen."""


@dataclass(frozen=True)
class Row:
    """A row of the table. A number that depends on time is a range; None stands for a dash."""

    words: str
    module: str
    options: dict[str, Any]
    right: range | None
    changed: range | None

    @property
    def host(self) -> str:
        """The PiKVM that it is run on."""
        return SWITCH if self.module.startswith("pikvm_switch") or "port" in self.options else ALONE

    @property
    def task(self) -> dict[str, Any]:
        """What is run."""
        login = (self.module, self.options.get("state")) == ("pikvm_session", "present")
        return task(self.module, {"register": "session"} if login else {}, **self.options)

    @property
    def numbers(self) -> list[tuple[bool, range]]:
        """The runs: whether each is to change something, and how many requests it needs."""
        runs = [(True, self.changed), (False, self.right)]
        return [(changes, number) for changes, number in runs if number is not None]


def number(text: str) -> range | None:
    """`4`, `3 to 9`, or a dash."""
    if text == "\\-":
        return None
    least, _to, most = text.partition(" to ")
    return range(int(least), int(most or least) + 1)


def rows() -> list[Row]:
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith('   "'):
            words, right, changed = next(csv.reader([line.strip()], skipinitialspace=True))
            cell = CELL.fullmatch(words)
            assert cell, words
            options = yaml.safe_load(f"{{{cell['options'] or ''}}}")
            found.append(Row(words, cell["module"], options, number(right), number(changed)))
    return found


ROWS = rows()


@pytest.fixture
def ran(ansible: Ansible, simulator: Callable[..., Simulator], tmp_path: Path) -> list[tuple[Row, list[Outcome]]]:
    """Each row, and its runs."""
    (tmp_path / "a.iso").write_bytes(DATA)
    with library() as address:
        variables = {**VARIABLES, "library": address}
        hosts = {
            name: Host(sim, [row.task for row in ROWS if row.host == name for _run in row.numbers], variables=variables)
            for name, sim in {ALONE: simulator(), SWITCH: simulator(switch=True, speed=PRESSES_LAST)}.items()
        }
        played = {name: iter(outcomes) for name, outcomes in ansible.play(hosts).hosts.items()}
    return [(row, [next(played[row.host]) for _run in row.numbers]) for row in ROWS]


def test_every_row_needs_as_many_requests_as_it_says(
    ran: list[tuple[Row, list[Outcome]]], subtests: pytest.Subtests
) -> None:
    for row, outcomes in ran:
        for (changes, expected), outcome in zip(row.numbers, outcomes, strict=True):
            with subtests.test(msg=row.words, changes=changes):
                assert outcome.ok, outcome.msg
                asked = [(record.method, record.path) for record in outcome.requests]
                assert outcome.changed is changes
                assert len(asked) in expected, asked
                check_connections(outcome)
                if not changes:
                    assert outcome.writes == []
                    assert not row.module.startswith("pikvm_switch") or asked == [("GET", "/api/switch")]


def check_connections(outcome: Outcome) -> None:
    """All over one connection, but for a WebSocket."""
    sockets = [record.connection for record in outcome.requests if record.path == "/api/ws"]
    others = {record.connection for record in outcome.requests if record.path != "/api/ws"}
    assert len(sockets) <= 1
    assert len(others) <= 1
    assert 0 not in {*sockets, *others}


def test_every_module_that_connects_has_a_row() -> None:
    assert connecting() == {row.module for row in ROWS}


def test_more_than_one_request_for_nothing_has_a_reason() -> None:
    reasons = set(re.findall(r"^- ``(\w+)``:", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert reasons == {row.module for row in ROWS if row.right not in (None, range(1, 2))}
