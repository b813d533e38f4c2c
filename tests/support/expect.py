# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of cases that share one run of Ansible: each case has a device of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.simulator import Simulator

from .ansible import Ansible, Host, Outcome
from .device import snapshot

Start = Callable[..., Simulator]
PORTION = 8


def fault(name: str, **params: Any) -> Callable[[Simulator], None]:
    """Switches a fault on, as what is done to a device beforehand."""
    return lambda sim: sim.fault(name, **params)


@dataclass(frozen=True)
class Refusal:
    """A task that has to fail with words, and to change nothing.

    Attributes:
        says: a regular expression searched in the message.
        prepare: what is done to the device beforehand.
        device, connection: options of the simulator, and of the connection.
        error: status and name that the result's `error` has; null where the device did not refuse.
        changes: the device may be changed.
    """

    task: dict[str, Any]
    says: str
    prepare: Callable[[Simulator], Any] = lambda _sim: None
    device: dict[str, Any] = field(default_factory=dict)
    connection: dict[str, Any] = field(default_factory=dict)
    error: tuple[int, str] | None = None
    changes: bool = False


def portions(cases: dict[str, Refusal]) -> pytest.MarkDecorator:
    """Gives a test the cases in portions that one run of Ansible gets through in time."""
    names = list(cases)
    parts = [names[start : start + PORTION] for start in range(0, len(names), PORTION)]
    ids = [f"{part[0]} to {part[-1]}" for part in parts]
    return pytest.mark.parametrize("cases", [{name: cases[name] for name in part} for part in parts], ids=ids)


def check_refusals(
    ansible: Ansible, simulator: Start, subtests: pytest.Subtests, cases: dict[str, Refusal], **options: Any
) -> None:
    """Run all cases in one playbook."""
    hosts, before = {}, {}
    for name, case in cases.items():
        sim = simulator(**case.device)
        case.prepare(sim)
        before[name] = snapshot(sim)
        hosts[_host(name)] = Host(sim, [case.task], {"retries": 0, **case.connection})
    played = ansible.play(hosts, **options)
    for name, case in cases.items():
        with subtests.test(msg=name):
            host = _host(name)
            (outcome,) = played.hosts[host]
            _check_refusal(outcome, case)
            if not case.changes:
                assert snapshot(hosts[host].sim) == before[name]
                assert outcome["changed"] is False


def _check_refusal(outcome: Outcome, case: Refusal) -> None:
    assert outcome.outcome == "failed"
    assert re.search(case.says, outcome.msg), outcome.msg
    assert "defect of community.pikvm" not in outcome.msg
    assert "File " not in outcome.result.get("exception", "")
    found = outcome.result.get("error")
    assert (found and (found["status"], found["name"])) == case.error


def _host(name: str) -> str:
    return re.sub(r"\W+", "_", name)
