# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at a PiKVM while its events come, break off, fall silent and come back; and how soon a change is seen."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ansible_collections.community.pikvm.plugins.module_utils import _watch
from ansible_collections.community.pikvm.plugins.module_utils._client.api import Pikvm
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import ForbiddenError
from ansible_collections.community.pikvm.plugins.module_utils._wait import wait_until
from ansible_collections.community.pikvm.plugins.module_utils._watch import Watch
from tests.simulator import Simulator
from tests.support.device import DIALECTS, light, press_power
from tests.support.expect import Start
from tests.support.raw import until

Connect = Callable[..., Pikvm]
Look = Callable[..., Watch]

POLL = 0.05
LONG = 30.0


@pytest.fixture
def look(client: Connect) -> Iterator[Look]:
    """Opens watches over simulators."""
    with contextlib.ExitStack() as stack:

        def start(sim: Simulator, *kinds: str, **options: object) -> Watch:
            return stack.enter_context(Watch(client(sim, **options), set(kinds), stream=False, poll=POLL))

        yield start


def asked(sim: Simulator, path: str) -> list[float]:
    """When a path was asked for."""
    return [record.at for record in sim.requests if record.path == path]


@pytest.fixture
def lit(simulator: Start) -> Simulator:
    """A computer that runs."""
    sim = simulator(machine={"led_on_delay": 0.0, "led_off_delay": 0.0})
    press_power(sim)
    until(lambda: sim.machine.state == "running")
    return sim


@pytest.mark.parametrize("kvmd", DIALECTS)
def test_states_come_from_events_alone(simulator: Start, look: Look, kvmd: str) -> None:
    sim = simulator(kvmd=kvmd)
    sim.put_image("a.iso", b"a")
    watch = look(sim, "atx", "gpio", "msd")
    assert watch.atx().enabled
    assert watch.gpio().outputs["relay1"].switch
    assert "a.iso" in watch.msd().images
    assert watch.used == "events"
    assert [record.path for record in sim.requests] == ["/api/ws"]


def test_what_is_not_looked_at_does_not_wake(sim: Simulator, client: Connect, look: Look) -> None:
    watch = look(sim, "atx")
    start = time.monotonic()
    client(sim).gpio_switch("relay1", True)
    watch.wait(0.5)
    assert time.monotonic() - start >= 0.5


def test_broken_socket_is_bridged_by_polling_and_opened_again(
    lit: Simulator, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_watch, "REOPEN", (0.3,))
    watch = look(lit, "atx")
    lit.fault("ws_drop")
    watch.wait(LONG)
    assert (watch.atx().power, watch.used) == (True, "polling")
    light(lit, False)
    assert (watch.atx().power, watch.used) == (False, "polling")
    time.sleep(0.3)
    watch.wait(POLL)
    assert (watch.atx().power, watch.used) == (False, "events")
    assert (len(asked(lit, "/api/ws")), len(asked(lit, "/api/atx"))) == (2, 2)


def test_attempts_become_rarer_and_polling_goes_on(sim: Simulator, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "REOPEN", (0.1, 0.2, 0.4))
    sim.fault("html", path="/api/ws")
    watch = look(sim, "atx")
    end = time.monotonic() + 1.7
    while time.monotonic() < end:
        assert watch.atx().enabled
        assert watch.used == "polling"
        watch.wait(LONG)
    attempts = asked(sim, "/api/ws")
    pauses = [later - sooner for sooner, later in itertools.pairwise(attempts)]
    assert 5 <= len(attempts) <= 6
    for pause, least in zip(pauses, (0.1, 0.2, 0.4, 0.4, 0.4), strict=False):
        assert least <= pause < least + 0.35
    assert len(asked(sim, "/api/atx")) >= 3 * len(attempts)


def test_restart_of_kvmd_is_outlived(simulator: Start, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "REOPEN", (0.1,))
    sim = simulator()
    watch = look(sim, "atx", retries=0)
    threading.Timer(0.2, sim.fault, ("restarting",), {"seconds": 20.0}).start()
    waited = wait_until(watch.atx, lambda _atx: len(asked(sim, "/api/ws")) > 3, 10.0, sleep=watch.wait)
    assert waited.ok
    assert wait_until(watch.atx, lambda _atx: watch.used == "events", 10.0, sleep=watch.wait).ok


def test_silent_socket_does_not_stand_in_for_the_state(
    lit: Simulator, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_watch, "SILENCE", 0.2)
    monkeypatch.setattr(_watch, "PONG_WITHIN", 0.2)
    watch = look(lit, "atx")
    lit.fault("ws_silent")
    light(lit, False)
    assert watch.atx().power
    watch.wait(0.3)
    assert (watch.atx().power, watch.used) == (False, "polling")


def test_quiet_socket_that_answers_is_kept(lit: Simulator, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "SILENCE", 0.1)
    watch = look(lit, "atx")
    for _event in range(4):
        watch.wait(0.2)
    assert (watch.atx().power, watch.used) == (True, "events")
    assert len(asked(lit, "/api/ws")) == 1


def test_socket_that_tells_nothing_is_given_up(sim: Simulator, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "FIRST_BURST", 0.2)
    sim.fault("ws_silent")
    watch = look(sim, "atx")
    start = time.monotonic()
    watch.wait(LONG)
    assert time.monotonic() - start < 1.0
    assert (watch.atx().enabled, watch.used) == (True, "polling")


def test_wrong_password_is_told_by_the_first_look(sim: Simulator, look: Look) -> None:
    watch = look(sim, "atx", password="wrong")
    with pytest.raises(ForbiddenError, match="Wrong user name or password"):
        watch.atx()


def test_without_the_library_it_polls(sim: Simulator, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ansible_collections.community.pikvm.plugins.module_utils._client.events.WEBSOCKETS_IMPORT_ERROR",
        "No module named 'websockets'",
    )
    watch = look(sim, "atx")
    assert (watch.atx().enabled, watch.used) == (True, "polling")
    assert asked(sim, "/api/ws") == []


def test_change_is_seen_at_once(lit: Simulator, look: Look, capsys: pytest.CaptureFixture[str]) -> None:
    watch = look(lit, "atx")
    delays = []
    for turn in range(50):
        wanted = turn % 2 == 1
        changed: list[float] = []

        def change(wanted: bool, changed: list[float]) -> None:
            changed.append(time.monotonic())
            light(lit, wanted)

        timer = threading.Timer(0.03, change, (wanted, changed))
        timer.start()
        waited = wait_until(
            watch.atx,
            lambda atx, wanted=wanted: atx.power is wanted,
            10.0,
            sleep=watch.wait,
            pause=LONG,  # type: ignore[misc]
        )
        delays.append(time.monotonic() - changed[0])
        timer.join()
        assert waited.ok
    median = statistics.median(delays)
    with capsys.disabled():
        slowest = max(delays)
        print(
            f"\nreaction to an event: median {1000 * median:.1f} ms, slowest {1000 * slowest:.1f} ms of {len(delays)}"
        )
    assert watch.used == "events"
    assert median < 0.1
