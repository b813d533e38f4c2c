# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fresh simulators for the contract tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.simulator import Simulator

from .client import SPEED, Client


@pytest.fixture
def pikvm() -> Iterator[Callable[..., Client]]:
    """Starts simulators with given options; after the test none may have failed by itself."""
    with contextlib.ExitStack() as stack:
        clients = []

        def start(**options: Any) -> Client:
            sim = stack.enter_context(Simulator(**{"speed": SPEED, **options}))
            clients.append(stack.enter_context(Client(sim)))
            return clients[-1]

        yield start
        assert [error for client in clients for error in client.sim.crashes] == []
