# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated PiKVM tells of itself: its log, its metrics, its info, and sessions that a WebSocket keeps."""

from __future__ import annotations

import time

import pytest

from tests.support.raw import until

from .client import ADMIN, Client, Start, check, error_of, login
from .listener import Listener


def metrics(client: Client) -> dict[str, float]:
    lines = client.get("/api/export/prometheus/metrics").text.splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if line and not line.startswith("#")}


def test_log_tells_what_was_done(pikvm: Start) -> None:
    client = pikvm()
    cookie = login(client)
    client.post("/api/auth/login", headers={}, data={"user": "admin", "passwd": "wrong"})
    client.post("/api/atx/power?action=on&wait=1")
    client.upload("a.iso", b"x" * 100)
    client.post("/api/auth/logout", headers=cookie)
    lines = client.get("/api/log").text.split("\r\n")
    assert lines.pop() == ""
    assert all(line.startswith("[20") and " kvmd.service] --- " in line for line in lines)
    wanted = ["Logged in user 'admin'", "denied for user 'admin'", "'power'", "'a.iso'", "Logged out user 'admin'"]
    found = [next(number for number, line in enumerate(lines) if text in line) for text in wanted]
    assert found == sorted(found)


def test_log_goes_back_so_many_seconds(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("clock_skew", seconds=-100.0)
    client.post("/api/atx/click?button=reset&wait=1")
    client.sim.clear_faults()
    client.post("/api/atx/click?button=power&wait=1")
    recent = client.get("/api/log?seek=50").text
    assert "'power'" in recent
    assert "'reset'" not in recent
    assert "'reset'" in client.get("/api/log?seek=200").text


def test_log_may_be_closed(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("log_disabled")
    assert error_of(client.get("/api/log")) == (400, "LogReaderDisabledError")


def test_metrics_are_those_of_the_device(pikvm: Start) -> None:
    client = pikvm()
    client.post("/api/atx/power?action=on&wait=1")
    client.post("/api/gpio/switch?channel=relay1&state=1&wait=1")
    values = metrics(client)
    assert (values["pikvm_atx_enabled"], values["pikvm_atx_power"]) == (1, 1)
    assert (values["pikvm_gpio_output_state_relay1"], values["pikvm_gpio_input_state_led1"]) == (1, 0)
    assert not [name for name in values if "breaker" in name]
    assert values["pikvm_hw_mem_total"] == 8186580992
    assert 40 < values["pikvm_hw_temp_cpu"] < 60
    assert values["pikvm_hw_throttling_undervoltage_now"] == 0
    assert {"pikvm_hw_throttling_raw_flags", "pikvm_fan_monitored", "pikvm_hw_cpu_percent"} <= set(values)


def test_metrics_may_be_five_seconds_old(pikvm: Start) -> None:
    client = pikvm()
    assert metrics(client)["pikvm_atx_power"] == 0
    client.post("/api/atx/power?action=on&wait=1")
    assert metrics(client)["pikvm_atx_power"] == 0
    until(lambda: metrics(client)["pikvm_atx_power"] == 1)


def test_uptime_and_warmth_change(pikvm: Start) -> None:
    client = pikvm()
    before = client.state("info")
    until(lambda: client.state("info")["uptime"]["total"] > before["uptime"]["total"] + 2)
    assert client.state("info")["hw"]["health"]["temp"] != before["hw"]["health"]["temp"]


def test_owner_may_limit_sessions(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("session_limit", seconds=10)
    cookies = [login(client), login(client, expire="100"), login(client, expire="5")]
    for skew, expected in ((6.0, [200, 200, 403]), (11.0, [403, 403, 403])):
        client.sim.fault("clock_skew", seconds=skew)
        assert [check(client, cookie) for cookie in cookies] == expected


@pytest.mark.parametrize(("kvmd", "status"), [("4.197", 200), ("4.112", 403)])
def test_open_socket_keeps_its_session(pikvm: Start, kvmd: str, status: int) -> None:
    client = pikvm(kvmd=kvmd)
    cookie = login(client, expire="5")
    with Listener(client, headers=cookie) as ws:
        ws.event()
        client.sim.fault("clock_skew", seconds=60.0)
        assert check(client, cookie) == status
    until(lambda: check(client, cookie) == 403)


def test_open_socket_survives_logout(pikvm: Start) -> None:
    client = pikvm()
    cookie = login(client)
    with Listener(client, headers=cookie) as ws:
        assert client.post("/api/auth/logout", headers=cookie).ok
        assert check(client, cookie) == 403
        ws.send("ping", {})
        ws.until(lambda name, _event: name == "pong")


def test_record_of_an_open_socket(pikvm: Start) -> None:
    client = pikvm()
    with Listener(client) as ws:
        ws.event()
        (record,) = client.sim.requests
        assert (record.path, record.status) == ("/api/ws", 101)
        assert client.get("/_simulator", headers={}).json()["websockets"] == 1


def test_log_can_be_followed(pikvm: Start) -> None:
    client = pikvm()
    client.post("/api/atx/click?button=reset&wait=1")
    with client.get("/api/log?follow=1&seek=60", headers=ADMIN, stream=True) as answer:
        lines = answer.iter_lines()
        until(lambda: b"'reset'" in next(lines))
        client.sim.call(client.sim.device.log.write, "test", f"written at {time.time():.0f}")
        until(lambda: b"written at" in next(lines))
