# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source and its rulebook under ansible-rulebook, with the power of simulated servers as the proof."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import LOCAL, ROOT, connection, of_the_host
from tests.support.device import insert, press_power, switch_on
from tests.support.expect import Start
from tests.support.raw import until
from tests.support.rulebook import Rulebook

pytestmark = [pytest.mark.eda, pytest.mark.timeout(300)]


POWER_LOST = "community.pikvm.power_lost"
PASSWORD = "geheim"
WRONG = "falsch"
LONG = 60.0


def inventory(sims: dict[str, Simulator], *may_be_off: str) -> dict[str, Any]:
    hosts = {name: {**of_the_host(sim), "pikvm_password": PASSWORD} for name, sim in sims.items()}
    group = {"hosts": {name: {} for name in may_be_off}}
    return {"all": {"vars": LOCAL, "hosts": hosts, "children": {"may_be_off": group}}}


def devices(sims: dict[str, Simulator], wrong: tuple[str, ...] = ()) -> dict[str, Any]:
    passwords = {name: WRONG if name in wrong else PASSWORD for name in sims}
    return {"pikvm_devices": [{"name": n, **connection(sim, password=passwords[n])} for n, sim in sims.items()]}


def dark(sim: Simulator) -> None:
    """Let the server go off without its PiKVM: somebody presses the button on its front, and the LED goes dark."""
    press_power(sim)
    until(lambda: not sim.machine.power_led)


def switched_on(sim: Simulator) -> int:
    """How often a rule has switched it on."""
    return [record.path for record in sim.writes].count("/api/atx/power")


@pytest.fixture
def servers(simulator: Start) -> Callable[..., dict[str, Simulator]]:
    """Starts servers that run."""

    def start(*names: str) -> dict[str, Simulator]:
        sims = {name: simulator(password=PASSWORD) for name in names}
        for sim in sims.values():
            switch_on(sim)
        return sims

    return start


def test_server_is_switched_on_again_but_not_against_a_person(servers: Any, tmp_path: Path) -> None:
    sims = servers("first", "second", "resting", "refused")
    hosts = inventory(sims, "resting")
    with Rulebook(tmp_path, POWER_LOST, hosts, devices(sims, wrong=("refused",))) as rulebook:
        until(lambda: all(sim._core.hub.count for name, sim in sims.items() if name != "refused"), LONG)
        rulebook.says("refused: connection refused: GET /api/ws stream=0 was answered 403 ForbiddenError")
        time.sleep(1.0)
        dark(sims["resting"])
        dark(sims["first"])
        sims["second"].fault("restarting", seconds=20.0)
        dark(sims["second"])
        rulebook.says("second: connection lost: ")
        rulebook.says("second: connection restored")
        for name in ("first", "second"):
            until(lambda name=name: sims[name].machine.state == "running", LONG)  # type: ignore[misc]
            assert switched_on(sims[name]) == 1
        dark(sims["first"])
        sims["resting"].fault("ws_drop")
        rulebook.says("\nresting: connection restored")  # so the rules have seen what came before
        time.sleep(3.0)
    assert {name: switched_on(sim) for name, sim in sims.items()} == {
        "first": 1,
        "second": 1,
        "resting": 0,
        "refused": 0,
    }
    assert [record.status for record in sims["refused"].requests] == [403]
    assert [sims[name].machine.powered for name in ("first", "resting")] == [False, False]
    until(lambda: not any(sim._core.hub.count for sim in sims.values()))
    output = rulebook.output
    assert "Wrong user name or password" in output
    assert "Traceback" not in output
    assert PASSWORD not in output
    assert WRONG not in output


def test_conditions_of_the_guide_meet_what_they_say(servers: Any, tmp_path: Path) -> None:
    sims = servers("first")
    insert(sims["first"])
    rules = str(ROOT / "examples" / "eda" / "conditions.yml")
    with Rulebook(tmp_path, rules, inventory(sims), devices(sims)) as rulebook:
        until(lambda: sims["first"]._core.hub.count == 1, LONG)
        time.sleep(1.0)
        sims["first"].call(sims["first"].device.gpio.inputs.update, led1=True)
        rulebook.says("first: the door is open")
        sims["first"].call(sims["first"].device.msd._connect, False)
        sims["first"].call(setattr, sims["first"].device.msd, "selected", None)
        rulebook.says("first: theirs.iso was taken out")
        sims["first"].fault("restarting", seconds=10.0)
        rulebook.says("first: it is back, and was lost because of this: GET /api/ws")
    assert [rulebook.output.count(words) for words in ("the door", "taken out", "it is back")] == [1, 1, 1]


def test_option_that_cannot_be_used_ends_it_with_words(servers: Any, tmp_path: Path) -> None:
    sims = servers("first")
    wrong = devices(sims)
    wrong["pikvm_devices"][0]["passwort"] = PASSWORD
    with Rulebook(tmp_path, POWER_LOST, inventory(sims), wrong) as rulebook:
        rulebook.says(
            "OptionError: Source plugin failed with error message: 'devices[0].passwort: there is no such option"
        )
        assert rulebook.wait() == 1
    assert PASSWORD not in rulebook.output
