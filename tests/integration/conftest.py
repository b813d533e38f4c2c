# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated PiKVMs, and Ansible to run against them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.simulator.dialect import RECORDED

pytest.register_assert_rewrite("tests.support.expect", "tests.support.ansible", "tests.support.source")

from tests.support.ansible import Ansible  # noqa: E402 - after its assertions have been made to explain themselves
from tests.support.spoken import PASSWORD  # noqa: E402

SPEED = 20.0
"""How much faster than the wall the devices' time runs where a test does not say otherwise."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kvmd",
        default=RECORDED[0],
        metavar="VERSION",
        help="the kvmd as which simulated PiKVMs speak where a test does not name one (default: %(default)s)",
    )


@pytest.fixture
def simulator(request: pytest.FixtureRequest) -> Iterator[Callable[..., Simulator]]:
    """Starts simulators; after the test none may have failed by itself.

    Where neither the test names a kvmd nor it wants a switch, which is news, they speak as the one of `--kvmd`.
    """
    chosen = request.config.getoption("--kvmd")
    with contextlib.ExitStack() as stack:
        started = []

        def start(**options: Any) -> Simulator:
            usual = {"speed": SPEED, "password": PASSWORD, "kvmd": RECORDED[0] if options.get("switch") else chosen}
            started.append(stack.enter_context(Simulator(**{**usual, **options})))
            return started[-1]

        yield start
        assert [error for sim in started for error in sim.crashes] == []


@pytest.fixture
def sim(simulator: Callable[..., Simulator]) -> Simulator:
    return simulator()


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    return Ansible(tmp_path)
