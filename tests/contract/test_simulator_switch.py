# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PiKVM Switch behind a simulated PiKVM, and the computers behind it."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.support.raw import until

from .client import Client, Start, error_of
from .listener import Listener

IMAGE = b"an installer" * 1000
SWITCH = "/api/switch"


def attached(pikvm: Start, **options: Any) -> Client:
    return pikvm(switch=True, **options)


def active(client: Client) -> int:
    number: int = client.state("switch")["summary"]["active_port"]
    return number


def running(client: Client) -> list[bool]:
    return [machine.powered for machine in client.sim.machines]


def test_shape_without_a_switch(pikvm: Start) -> None:
    client = pikvm()
    state = client.state("switch")
    assert (state["model"]["ports"], state["summary"]["active_port"], state["summary"]["active_id"]) == ([], -1, "")
    for call in ("set_active?port=0", "set_active_next", "atx/power?port=0&action=on", "set_beacon?state=1&port=7"):
        assert client.post(f"{SWITCH}/{call}").json()["result"] == {}
    assert client.state("switch") == state
    assert running(client) == [False]


def test_old_kvmd_knows_no_switch(pikvm: Start) -> None:
    with pytest.raises(ValueError, match="knows no switch"):
        attached(pikvm, kvmd="4.20")


def test_shape_by_version(pikvm: Start) -> None:
    for kvmd, firmware, devbuild, ids in (
        ("4.26", False, False, False),
        ("4.50", True, False, False),
        ("4.60", True, True, False),
        ("4.72", True, True, True),
    ):
        state = attached(pikvm, kvmd=kvmd).state("switch")
        assert len(state["model"]["ports"]) == len(state["atx"]["busy"]) == len(state["beacons"]["ports"]) == 4
        assert ("firmware" in state["model"]) is firmware
        assert ("devbuild" in state["model"]["units"][0].get("firmware", {})) is devbuild
        port = state["model"]["ports"][3]
        assert (port["unit"], port["channel"]) == (0, 3)
        assert [port.get("id"), state["summary"].get("active_id")] == (["4", "1"] if ids else [None, None])


@pytest.mark.parametrize(
    ("port", "expected"),
    [("2", 2), ("1.0", 1), ("1.1", 0), ("1.4", 3), ("1.9", 3), ("0.3", 2), ("2.1", 0), ("9.9", 0), ("4", 0), ("19", 0)],
)
def test_port_numbers(pikvm: Start, port: str, expected: int) -> None:
    client = attached(pikvm)
    assert client.post(f"{SWITCH}/set_active?port={port}").status_code == 200
    assert active(client) == expected


@pytest.mark.parametrize(("kvmd", "port"), [("4.197", "2,2"), ("4.197", "-1"), ("4.197", ""), ("4.71", "1.2")])
def test_bad_port_numbers(pikvm: Start, kvmd: str, port: str) -> None:
    client = attached(pikvm, kvmd=kvmd)
    assert error_of(client.post(f"{SWITCH}/set_active?port={port}")) == (400, "ValidatorError")
    assert error_of(client.post(f"{SWITCH}/set_active")) == (400, "ValidatorError")


def test_previous_and_next(pikvm: Start) -> None:
    client = attached(pikvm)
    seen = []
    for step in ("next", "next", "prev", "prev", "prev"):
        client.post(f"{SWITCH}/set_active_{step}")
        seen.append(active(client))
    assert seen == [1, 2, 1, 0, 0]
    assert attached(pikvm, kvmd="4.71").post(f"{SWITCH}/set_active_next").status_code == 404


def test_power_of_a_port(pikvm: Start) -> None:
    client = attached(pikvm)
    client.post(f"{SWITCH}/atx/power?port=2&action=off")
    assert client.state("switch")["atx"]["busy"] == [False] * 4
    client.post(f"{SWITCH}/atx/power?port=2&action=on")
    until(lambda: client.state("switch")["atx"]["leds"]["power"] == [False, False, True, False])
    assert running(client) == [False, False, True, False]
    assert client.state("atx")["leds"]["power"] is False


def test_busy_port_drops_a_click(pikvm: Start) -> None:
    client = attached(pikvm, speed=2.0)
    client.post(f"{SWITCH}/atx/click?port=1&button=power")
    assert client.state("switch")["atx"]["busy"] == [False, True, False, False]
    assert client.post(f"{SWITCH}/atx/click?port=1&button=power_long").status_code == 200
    until(lambda: client.state("switch")["atx"]["busy"][1] is False)
    assert [press["button"] for press in client.sim.machines[1].presses] == ["power"]
    assert 0.4 < client.sim.machines[1].presses[0]["seconds"] < 1.0
    client.post(f"{SWITCH}/atx/click?port=1&button=power_long")
    until(lambda: running(client) == [False] * 4)


def test_own_atx_board_is_wired_to_nothing(pikvm: Start) -> None:
    client = attached(pikvm)
    assert client.post("/api/atx/click?button=power&wait=1").ok
    assert running(client) == [False] * 4


def test_active_port_has_keyboard_screen_and_drive(pikvm: Start) -> None:
    client = attached(pikvm, machine={"installer_seconds": 200.0})
    client.sim.put_image("installer.iso", IMAGE)
    client.post(f"{SWITCH}/set_active?port=3")
    client.insert("installer.iso")
    client.post(f"{SWITCH}/atx/power?port=3&action=on")
    until(lambda: client.sim.machines[3].state == "installing")
    assert client.sim.machines[3].boots[0]["sha256"] == hashlib.sha256(IMAGE).hexdigest()
    assert client.get("/api/streamer/snapshot?ocr=1").text.startswith("Installer on installer.iso")
    client.post(f"{SWITCH}/set_active?port=0")
    assert client.sim.machines[3].state == "failed"
    assert client.get("/api/streamer/snapshot").status_code == 503
    client.post(f"{SWITCH}/atx/power?port=1&action=on")
    until(lambda: client.sim.machines[1].state == "running")
    client.post(f"{SWITCH}/set_active?port=1")
    client.post("/api/hid/print", data=b"root")
    until(lambda: client.sim.machines[1].screen[-1] == "server login: root")


def test_switching_lets_go_of_keys(pikvm: Start) -> None:
    client = attached(pikvm)
    client.post("/api/hid/events/send_key?key=AltLeft&state=1")
    client.post(f"{SWITCH}/set_active?port=1")
    assert client.sim.device.hid.pressed == set()


def test_port_params(pikvm: Start) -> None:
    client = attached(pikvm)
    params = {"port": 1, "name": " web\n1 ", "dummy": 0, "atx_click_power_delay": 2.5}
    assert client.post(f"{SWITCH}/set_port_params", params=params).ok
    port = client.state("switch")["model"]["ports"][1]
    assert (port["name"], port["video"]["dummy"], port["atx"]["click_delays"]["power"]) == ("web_1", False, 2.5)
    client.post(f"{SWITCH}/set_port_params?port=1&atx_click_power_delay=0")
    assert client.state("switch")["model"]["ports"][1]["atx"]["click_delays"]["power"] == 0.5
    too_long = client.post(f"{SWITCH}/set_port_params?port=1&atx_click_power_delay=11")
    assert error_of(too_long) == (400, "ValidatorError")
    assert error_of(client.post(f"{SWITCH}/set_port_params?port=1&edid_id=x")) == (400, "SwitchUnknownEdidError")


def test_edids(pikvm: Start) -> None:
    client = attached(pikvm)
    data = client.state("switch")["edids"]["all"]["default"]["data"]
    assert len(data) == 256
    created = client.post(f"{SWITCH}/edids/create", params={"name": "mine", "data": data.lower()})
    edid = created.json()["result"]["id"]
    client.post(f"{SWITCH}/set_port_params?port=2&edid_id={edid}")
    client.post(f"{SWITCH}/edids/change?id={edid}&name=yours")
    edids = client.state("switch")["edids"]
    assert edids["used"] == ["default", "default", edid, "default"]
    assert (edids["all"][edid]["name"], edids["all"][edid]["data"]) == ("yours", data)
    assert edids["all"][edid]["parsed"]["monitor_name"] == "PiKVM"
    assert client.post(f"{SWITCH}/edids/remove?id={edid}").ok
    assert client.state("switch")["edids"]["used"] == ["default"] * 4
    for call in (f"edids/remove?id={edid}", "edids/remove?id=default", "edids/change?id=default&name=x"):
        assert error_of(client.post(f"{SWITCH}/{call}")) == (400, "SwitchUnknownEdidError")
    assert error_of(client.post(f"{SWITCH}/edids/create?name=x&data=00FF")) == (400, "ValidatorError")


def test_beacons_and_colors(pikvm: Start) -> None:
    client = attached(pikvm)
    client.post(f"{SWITCH}/set_beacon?state=1&port=1.3")
    client.post(f"{SWITCH}/set_beacon?state=1&uplink=0")
    beacons = client.state("switch")["beacons"]
    assert beacons == {"uplinks": [True], "downlinks": [False], "ports": [False, False, True, False]}
    assert error_of(client.post(f"{SWITCH}/set_beacon?port=0")) == (400, "ValidatorError")
    client.post(f"{SWITCH}/set_colors?active=0102FF:10:00FA")
    active_color = {"red": 1, "green": 2, "blue": 255, "brightness": 16, "blink_ms": 250}
    assert client.state("switch")["colors"]["active"] == active_color
    client.post(f"{SWITCH}/set_colors?active=default")
    assert client.state("switch")["colors"]["active"]["green"] == 255
    assert error_of(client.post(f"{SWITCH}/set_colors?active=red")) == (400, "ValidatorError")


def test_events_tell_what_has_changed(pikvm: Start) -> None:
    client = attached(pikvm)
    with Listener(client) as ws:
        ws.until(lambda name, event: name == "switch" and "model" in event)
        client.post(f"{SWITCH}/set_active?port=2")
        event = ws.until(lambda name, _event: name == "switch")[-1][1]
        assert set(event) == {"summary"}
        ws.until(lambda name, event: name == "switch" and event["summary"] == {**client.state("switch")["summary"]})


def test_control_shows_and_changes_each_computer(pikvm: Start) -> None:
    client = attached(pikvm)
    changed = client.send("PUT", "/_simulator/machine?port=2", headers={}, json={"os": "ignores", "press": "power"})
    machines = changed.json()["machines"]
    assert [machine["powered"] for machine in machines] == [False, False, True, False]
    assert [machine["options"]["os"] for machine in machines] == ["obeys", "obeys", "ignores", "obeys"]
    wrong = client.send("PUT", "/_simulator/machine?port=4", headers={}, json={})
    assert wrong.status_code == 400
