# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source without ansible-rulebook: its coroutine, a queue, and simulated PiKVMs over TLS."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.community.pikvm.plugins.module_utils._changes import KINDS
from ansible_collections.community.pikvm.plugins.module_utils._client.api import Pikvm
from ansible_collections.community.pikvm.plugins.module_utils._client.transport import Connection
from tests.simulator import Simulator
from tests.support.ansible import ROOT, connection
from tests.support.device import DIALECTS, insert, light, press_power, switch_on
from tests.support.expect import Start
from tests.support.raw import until
from tests.support.source import PATIENCE, PLUGIN, Source, check_event

Listen = Callable[..., Source]
Pace = Callable[..., None]

SECRET = "geheim"
QUICK = {"led_on_delay": 0.0, "led_off_delay": 0.0}

NEWER = {"switch"}
"""Kinds that older PiKVMs have nothing of."""

NO_ANSIBLE = """
import runpy, sys

class NoAnsible:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("ansible", "ansible_collections"):
            raise ImportError(f"{name} was imported")

sys.meta_path.insert(0, NoAnsible())
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.fixture
def running(simulator: Start) -> Start:
    """Starts simulators with a computer that runs and whose LEDs follow at once."""

    def start(**options: Any) -> Simulator:
        sim = simulator(machine=QUICK, **options)
        switch_on(sim)
        return sim

    return start


def attempts(sim: Simulator) -> int:
    return [record.path for record in sim.requests].count("/api/ws")


def listeners() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("pikvm-events-")]


@pytest.mark.parametrize("kvmd", DIALECTS)
def test_states_are_the_facts_in_all_dialects(running: Start, listen: Listen, kvmd: str) -> None:
    sim = running(kvmd=kvmd)
    source = listen(sim, *KINDS, initial=True)
    told: dict[str, Any] = {}
    while {*KINDS} - {*told} - NEWER:
        event = source.next()
        told.setdefault(event["event"], event)
    with contextlib.closing(Pikvm(Connection(**connection(sim)))) as pikvm:
        facts = {"atx": pikvm.atx(), "gpio": pikvm.gpio(), "hid": pikvm.console.hid(), "msd": pikvm.msd()}
    results = {kind: fact.as_result() for kind, fact in facts.items()}
    results["msd"]["storage"]["parts"] = {"/": results["msd"]["storage"]["parts"][""]}
    assert {kind: told[kind]["state"] for kind in facts} == results
    assert {event["before"] for event in told.values() if event["event"] in facts} == {None}


@pytest.mark.parametrize("kvmd", DIALECTS)
def test_changes_have_one_shape_in_all_dialects(running: Start, listen: Listen, kvmd: str) -> None:
    sim = running(kvmd=kvmd)
    source = listen(sim, "atx.leds.power", "gpio", "msd.drive", initial=True)
    assert {source.next()["event"] for _kind in range(3)} == {"atx", "gpio", "msd"}
    light(sim, False)
    event = source.next_of("atx")
    assert event["pikvm"] == {"name": f"127.0.0.1:{sim.port}", "url": sim.url}
    assert (event["before"]["leds"]["power"], event["state"]["leds"]["power"]) == (True, False)
    assert "atx.leds.power" in event["changed"]
    assert event["merged"] == 0
    sim.call(setattr, sim.device.gpio.outputs["relay1"], "state", True)
    event = source.next_of("gpio")
    assert (event["changed"], event["state"]["outputs"]["relay1"]["state"]) == (["gpio.outputs.relay1.state"], True)
    insert(sim)
    event = source.next_of("msd")
    while not event["state"]["drive"]["connected"]:  # newer ones tell the image, then the drive
        event = source.next_of("msd")
    assert event["state"]["drive"]["image"] == "theirs.iso"


def test_what_was_not_asked_for_is_not_told(running: Start, listen: Listen) -> None:
    sim = running()
    source = listen(sim, "atx.leds.power", initial=True)
    source.next()
    sim.put_image("a.iso", b"a")
    light(sim, False)
    event = source.next()
    assert (event["event"], event["changed"], event["state"]["busy"]) == ("atx", ["atx.leds.power"], False)


def test_many_devices_and_their_names(running: Start, listen: Listen) -> None:
    sims = {"one": running(), "two": running(kvmd="3.334")}
    source = listen(sims, "atx.leds.power", initial=True, username="admin")
    assert {source.next()["pikvm"]["name"] for _device in sims} == {"one", "two"}
    for name, sim in sims.items():
        light(sim, False)
        event = source.next()
        assert (event["pikvm"], event["changed"]) == ({"name": name, "url": sim.url}, ["atx.leds.power"])


def test_restart_is_outlived_and_what_changed_in_it_is_told(
    running: Start, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    sim = running()
    source = listen(sim, "connection", "atx.leds.power", initial=True)
    assert source.next()["state"] == {"status": "established", "reason": None}
    source.next()
    sim.fault("restarting", seconds=20.0)
    lost = source.next()
    assert (lost["event"], lost["before"]["status"], lost["state"]["status"]) == ("connection", "established", "lost")
    assert "the socket broke" in lost["state"]["reason"]
    light(sim, False)
    restored = source.next()
    assert (restored["before"], restored["state"]) == (lost["state"], {"status": "restored", "reason": None})
    event = source.next()
    assert (event["event"], event["changed"]) == ("atx", ["atx.leds.power"])
    assert source.running
    assert f"127.0.0.1:{sim.port}: connection lost: " in caplog.text


def test_device_that_is_not_there_ends_nothing(running: Start, simulator: Start, listen: Listen, pace: Pace) -> None:
    gone = simulator()
    port = gone.port
    gone.stop()
    there = running()
    source = listen({"gone": gone, "there": there}, "connection")
    told = {event["pikvm"]["name"]: event["state"] for event in (source.next(), source.next())}
    assert told["there"]["status"] == "established"
    assert (told["gone"]["status"], "no connection: " in told["gone"]["reason"]) == ("lost", True)
    pace(REOPEN=(0.1,))
    with Simulator(port=port):
        event = source.next()
    assert (event["pikvm"]["name"], event["state"]["status"]) == ("gone", "restored")


def test_silent_socket_counts_as_lost(running: Start, listen: Listen, pace: Pace) -> None:
    sim = running()
    pace(SILENCE=0.2, PONG_WITHIN=0.2, REOPEN=(0.1,))
    source = listen(sim, "connection", "atx.leds.power", initial=True)
    source.next_of("atx")
    sim.fault("ws_silent")
    time.sleep(0.1)
    light(sim, False)
    assert "nothing comes from it" in source.next_of("connection")["state"]["reason"]
    sim.clear_faults()
    assert source.next_of("atx")["state"]["leds"]["power"] is False


def test_device_that_hangs_is_lost_until_it_goes_on(pace: Pace) -> None:
    pace(SILENCE=0.2, PONG_WITHIN=0.3, REOPEN=(0.1,))
    command = [sys.executable, "-m", "tests.simulator", "--port", "0"]
    with (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process,
        contextlib.ExitStack() as ends,
    ):
        ends.callback(process.kill)
        assert process.stdout is not None
        told = dict(word.split("=", 1) for word in process.stdout.readline().split() if "=" in word)
        args = {
            "url": told["url"],
            "ca_path": told["ca"],
            "password": "admin",
            "timeout": 1.0,
            "filter": ["connection"],
        }
        source = ends.enter_context(Source(args))
        source.next()
        process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        assert source.next()["state"]["status"] == "lost"
        assert time.monotonic() - begun < 5.0
        process.send_signal(signal.SIGCONT)
        assert source.next()["state"]["status"] == "restored"


def test_attempts_become_rarer(simulator: Start, listen: Listen, pace: Pace) -> None:
    pace(REOPEN=(0.1, 0.2, 0.4))
    sim = simulator()
    sim.fault("html", path="/api/ws")
    source = listen(sim, "connection")
    assert "502" in source.next()["state"]["reason"]
    assert source.silent(1.7)
    asked = [record.at for record in sim.requests]
    pauses = [later - sooner for sooner, later in itertools.pairwise(asked)]
    assert 3 <= len(pauses) <= 5
    assert all(pause >= least for pause, least in zip(pauses, (0.1, 0.2, 0.4, 0.4, 0.4), strict=False))


def test_refused_login_is_told_and_not_repeated_soon(
    simulator: Start, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    sim, other = simulator(password="another"), simulator(password=SECRET)
    source = listen({"refused": sim, "other": other}, "connection", password=SECRET)
    told = {event["pikvm"]["name"]: event for event in (source.next(), source.next())}
    assert told["other"]["state"]["status"] == "established"
    state = told["refused"]["state"]
    assert state["status"] == "refused"
    assert "Wrong user name or password for user admin" in state["reason"]
    assert source.silent(2.0)
    assert attempts(sim) == 1
    assert [record.levelno for record in caplog.records if "refused" in record.message] == [logging.ERROR]
    assert "next attempt in 30 s" in caplog.text
    assert 'admin"' not in json.dumps(told) + caplog.text


def test_untrusted_certificate_is_told_and_no_login_sent(simulator: Start, listen: Listen) -> None:
    sim = simulator()
    source = listen(sim, "connection", ca_path=None, tls_fingerprint="00" * 32)
    state = source.next()["state"]
    assert state["status"] == "refused"
    assert "is not the pinned one" in state["reason"]
    assert sim.requests == []


def test_defect_at_one_device_is_told_and_does_not_end_the_others(
    running: Start, simulator: Start, listen: Listen, pace: Pace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace(REOPEN=(0.1,))
    module = sys.modules["community_pikvm_module_utils._changes"]
    whole = module.PARSERS["atx"]

    def parse(answer: dict[str, Any]) -> Any:
        """A parser that has never seen a dark LED."""
        return whole({**answer, "leds": {"power": {True: True}[answer["leds"]["power"]], "hdd": False}})

    monkeypatch.setattr(module, "PARSERS", {**module.PARSERS, "atx": parse})
    sims = {"lit": running(), "dark": simulator()}
    source = listen(sims, "atx.leds.power", "connection", initial=True)
    reason, begun = "", False
    while not (reason and begun):
        event = source.next()
        reason = event["state"].get("reason") or reason
        begun = begun or event["event"] == "atx"
    assert reason.startswith("Unexpected KeyError. This is a defect of community.pikvm")
    assert sims["lit"]._core.hub.count == 1
    monkeypatch.setattr(module, "PARSERS", {**module.PARSERS, "atx": whole})
    light(sims["lit"], False)
    assert source.next_of("atx", "lit")["changed"] == ["atx.leds.power"]


def test_slow_rulebook_gets_the_latest_state_and_is_told_how_much_is_in_it(running: Start, listen: Listen) -> None:
    sim, changes = running(), 201
    source = listen(sim, "atx.leds.power", initial=True)
    assert source.next()["before"] is None
    for turn in range(changes):
        light(sim, turn % 2 == 1)
        sim.call(sim._core.hub.look)
    time.sleep(0.5)
    told = [source.next()]
    while sum(event["merged"] + 1 for event in told) < changes:
        told.append(source.next())
    assert source.silent(0.2)
    assert len(told) < 10
    assert all(event["changed"] == ["atx.leds.power"] for event in told)
    assert told[-1]["state"]["leds"]["power"] is False


def test_cancelled_source_closes_its_sockets_at_once(running: Start, listen: Listen) -> None:
    sims = {"one": running(), "two": running()}
    source = listen(sims, "connection")
    assert [source.next()["state"]["status"] for _device in sims] == ["established"] * 2
    assert len(listeners()) == 2
    begun = time.monotonic()
    source.cancel()
    until(lambda: all(sim._core.hub.count == 0 for sim in sims.values()))
    until(lambda: listeners() == [])
    assert time.monotonic() - begun < 1.5


def test_name_that_nothing_has_is_told(running: Start, listen: Listen, caplog: pytest.LogCaptureFixture) -> None:
    sim = running()
    listen(sim, "atx.led.power", "atx.leds.*")
    until(lambda: "this PiKVM tells nothing that is called atx.led.power" in caplog.text)
    assert "atx.leds.*" not in caplog.text


def test_it_runs_where_there_is_no_ansible(running: Start, tmp_path: Path) -> None:
    sim = running()
    own = {f"PIKVM_{name.upper()}": str(value) for name, value in connection(sim).items()}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", NO_ANSIBLE, str(PLUGIN)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}, **own},
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        kinds = {check_event(json.loads(process.stdout.readline()))["event"] for _kind in range(3)}
        process.terminate()
        timer.cancel()
        assert process.stderr.read() == ""
    assert "connection" in kinds


def test_port_of_a_switch_is_told_by_its_number(simulator: Start, listen: Listen) -> None:
    sim = simulator(switch=True)
    source = listen(sim, "switch.ports.*.leds.power", initial=True)
    assert len(source.next()["state"]["ports"]) == len(sim.machines)
    press_power(sim, 2)
    event = source.next()
    assert "switch.ports.2.leds.power" in event["changed"]
    assert [port["leds"]["power"] for port in event["state"]["ports"]].index(True) == 2


def test_power_button_of_the_server_is_an_event(running: Start, listen: Listen) -> None:
    sim = running(speed=50.0)
    source = listen(sim, "atx.leds.power", initial=True)
    source.next()
    press_power(sim)
    event = source.next()
    assert (event["before"]["leds"]["power"], event["state"]["leds"]["power"]) == (True, False)


def test_examples_hold_what_they_say(running: Start, listen: Listen) -> None:
    folder = ROOT / "examples"
    devices = yaml.safe_load((folder / "eda" / "devices.yml").read_text(encoding="utf-8"))["pikvm_devices"]
    hosts = yaml.safe_load((folder / "inventory.yml").read_text(encoding="utf-8"))["all"]["hosts"]
    assert {device["name"]: {"pikvm_url": device["url"]} for device in devices} == hosts
    sample = check_event(json.loads((folder / "eda" / "event.json").read_text(encoding="utf-8")))
    sim = running()
    source = listen({"server1": sim}, "atx.leds.power", initial=True)
    source.next()
    light(sim, False)
    told = source.next()
    told["state"]["leds"]["hdd"] = told["before"]["leds"]["hdd"] = False
    assert {**told, "pikvm": sample["pikvm"], "at": sample["at"], "changed": sample["changed"]} == sample
