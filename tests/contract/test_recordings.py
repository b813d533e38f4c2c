# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator answers as real kvmd daemons did, step by step, for every recorded version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.simulator.dialect import RECORDED

from .client import Client
from .conversation import STEPS, Seen, hold

FOLDER = Path(__file__).with_name("recordings")
SPEED = 10.0


@pytest.fixture(scope="module", params=RECORDED)
def held(request: pytest.FixtureRequest) -> tuple[dict[str, Seen], dict[str, Any]]:
    """What the simulator answered, and what was recorded."""
    recorded = json.loads((FOLDER / f"kvmd-{request.param}.json").read_text(encoding="utf-8"))
    with Simulator(request.param, fast=False, speed=SPEED) as sim, Client(sim) as client:
        seen = hold(client, SPEED)
        assert sim.crashes == []
    return seen, recorded


@pytest.mark.parametrize("step", [step.name for step in STEPS])
def test_step(held: tuple[dict[str, Seen], dict[str, Any]], step: str) -> None:
    seen, recorded = held
    assert seen[step] == recorded[step]


def test_no_recorded_step_is_left_out(held: tuple[dict[str, Seen], dict[str, Any]]) -> None:
    seen, recorded = held
    assert list(seen) == [step.name for step in STEPS]
    assert set(seen) == set(recorded)
