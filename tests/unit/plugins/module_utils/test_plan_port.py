# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of a PiKVM Switch: which one is meant, and the way to its wished state."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError, StateError
from ansible_collections.community.pikvm.plugins.module_utils._client.switch import Switch
from ansible_collections.community.pikvm.plugins.module_utils._plan import Plan
from ansible_collections.community.pikvm.plugins.module_utils._switch import PortWish, plan_port

DELAYS = {"power": 0.5, "power_long": 5.5, "reset": 0.5}
EDIDS = {"default": {"name": "Default"}, "id-1": {"name": "Wide"}, "id-2": {"name": "Twin"}, "id-3": {"name": "Twin"}}
NOTHING: dict[str, Any] = dict.fromkeys(
    ("active", "name", "edid", "dummy", "power_delay", "power_long_delay", "reset_delay", "beacon")
)


def switch(units: int = 2, active: int = 0, dummy: bool | None = True, **first: Any) -> Switch:
    """A chain of units with four ports each; `first` is what differs at the first port."""
    count = 4 * units
    ports = [
        {
            "unit": index // 4,
            "channel": index % 4,
            "name": "",
            "atx": {"click_delays": DELAYS},
            **({} if dummy is None else {"id": str(index + 1), "video": {"dummy": dummy}}),
        }
        for index in range(count)
    ]
    if ports:
        ports[0].update(first)
    no = [False] * count
    return Switch.parse(
        {
            "model": {"ports": ports},
            "summary": {"active_port": active if ports else -1},
            "edids": {"all": EDIDS, "used": ["default"] * count},
            "video": {"links": no},
            "usb": {"links": no},
            "beacons": {"ports": no},
            "atx": {"busy": no, "leds": {"power": [index == 1 for index in range(count)], "hdd": no}},
        }
    )


@pytest.mark.parametrize(
    ("port", "index"),
    [("0", 0), ("1", 1), ("7", 7), ("1.1", 0), ("1.4", 3), ("2.1", 4), ("2.4", 7)],
)
def test_port_is_an_index_from_0_or_unit_and_channel_from_1(port: str, index: int) -> None:
    assert switch().find(port).index == index


@pytest.mark.parametrize("port", ["8", "1.0", "0.1", "1.5", "3.1", "01", "99", "2.10"])
def test_port_out_of_range_is_refused_and_not_clamped(port: str) -> None:
    with pytest.raises(OptionError) as caught:
        switch().find(port)
    assert str(caught.value).startswith(f"port: the PiKVM Switch has no port {port}; there are: 0 (1.1), 1 (1.2), ")
    assert str(caught.value).endswith("7 (2.4)")


@pytest.mark.parametrize("port", ["", "-1", "one", "1,2", "1.2.3", "server2"])
def test_what_is_no_port_at_all_is_refused(port: str) -> None:
    with pytest.raises(OptionError, match="^port: '.*' is neither an index nor unit.channel; there are: 0 "):
        switch().find(port)


@pytest.mark.parametrize("answer", [{}, {"model": {"ports": []}, "summary": {"active_port": -1, "active_id": ""}}])
def test_no_switch_has_no_ports(answer: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="^port: this PiKVM has no PiKVM Switch attached$"):
        Switch.parse(answer).find("0")


def test_what_a_port_tells() -> None:
    port = switch(active=1).find("1.2")
    assert port.as_result() == {
        "index": 1,
        "id": "2",
        "name": "",
        "active": True,
        "leds": {"power": True, "hdd": False},
        "busy": False,
        "links": {"video": False, "usb": False},
        "beacon": False,
        "edid": "default",
        "dummy": True,
        "click_delays": DELAYS,
    }
    atx = port.atx()
    assert (atx.enabled, atx.busy, atx.power, atx.hdd) == (True, False, True, False)


def test_before_4_72_there_are_no_ids_and_no_dummies() -> None:
    port = switch(dummy=None).find("1")
    assert (port.id, port.dummy) == ("2", None)


class Asked:
    """Takes down what is asked of a PiKVM, whose drive may be connected."""

    def __init__(self, connected: bool = False) -> None:
        self.asked: list[Any] = []
        self.switch = self
        self.connected = connected

    def msd(self) -> Any:
        return SimpleNamespace(drive=SimpleNamespace(connected=self.connected, image_name="a.iso"))

    def set_active(self, index: int) -> None:
        self.asked.append(("active", index))

    def set_beacon(self, index: int, state: bool) -> None:
        self.asked.append(("beacon", index, state))

    def set_port_params(self, index: int, **params: Any) -> None:
        self.asked.append((index, params))


def plan(client: Any, found: Switch, port: str = "0", force: bool = False, **wish: Any) -> Plan[Switch]:
    return plan_port(client, found, PortWish(port=port, force=force, wait_timeout=60.0, **{**NOTHING, **wish}))


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, []),
        ({"active": True, "name": "", "edid": "Default", "dummy": True, "beacon": False, "power_delay": 0.5}, []),
        ({"port": "1.2", "active": True}, [("active", 1)]),
        ({"name": "server1"}, [(0, {"name": "server1"})]),
        ({"edid": "Wide"}, [(0, {"edid": "id-1"})]),
        ({"edid": "id-2"}, [(0, {"edid": "id-2"})]),
        ({"dummy": False}, [(0, {"dummy": False})]),
        ({"power_delay": 0.55}, []),
        ({"power_delay": 1.0, "reset_delay": 0.5}, [(0, {"click_delays": {"power": 1.0}})]),
        ({"power_long_delay": 10.0}, [(0, {"click_delays": {"power_long": 10.0}})]),
        ({"beacon": True}, [("beacon", 0, True)]),
        (
            {"port": "2.1", "active": True, "beacon": True, "name": "five"},
            [(4, {"name": "five"}), ("beacon", 4, True), ("active", 4)],
        ),
    ],
)
def test_only_what_differs_is_asked_for_and_the_active_port_last(wish: dict[str, Any], expected: list[Any]) -> None:
    client = Asked()
    for step in plan(client, switch(), **wish).steps:
        step.send()
    assert client.asked == expected


def test_forecast_keeps_what_is_not_wished_for() -> None:
    found = plan(Asked(), switch(), "1", name="two", power_delay=2.0, active=True)
    assert found.after["port"] == {
        **found.before["port"],
        "name": "two",
        "active": True,
        "click_delays": {**DELAYS, "power": 2.0},
    }


def test_step_is_over_once_all_of_it_is_shown() -> None:
    (step,) = plan(Asked(), switch(), name="one", power_delay=2.0).steps
    assert step.done is not None
    late = {"atx": {"click_delays": {**DELAYS, "power": 2.0}}}
    states = [switch(), switch(name="one"), switch(**late), switch(name="one", **late), switch(0)]
    assert [step.done(state) for state in states] == [False, False, False, True, False]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"edid": "Nothing"},
            "edid: the PiKVM has no display data called 'Nothing'; it has: Default (default), Wide (",
        ),
        ({"edid": "Twin"}, "edid: the PiKVM has 2 display data called 'Twin'; it has: Default (default)"),
        ({"power_delay": 0.0}, "power_delay: must be more than 0 and at most 10 seconds, not 0"),
        ({"power_long_delay": 10.5}, "power_long_delay: must be more than 0 and at most 10 seconds, not 10.5"),
        ({"reset_delay": 11.0}, "reset_delay: must be more than 0 and at most 10 seconds, not 11"),
        ({"port": "9"}, "port: the PiKVM Switch has no port 9; there are: 0 (1.1)"),
    ],
)
def test_what_cannot_be_set_is_refused(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        plan(Asked(), switch(), **wish)
    assert str(caught.value).startswith(message)


def test_dummy_before_4_72_is_refused() -> None:
    with pytest.raises(OptionError, match="^dummy: this PiKVM cannot simulate a display; kvmd 4.72 can$"):
        plan(Asked(), switch(dummy=None), dummy=True)


def test_connected_drive_is_not_taken_from_its_server() -> None:
    with pytest.raises(StateError, match=r"^The drive is connected with 'a.iso': .*pikvm_msd_drive.*or set force$"):
        plan(Asked(connected=True), switch(), "1", active=True)


@pytest.mark.parametrize(
    ("port", "wish", "steps"),
    [("1", {"active": True, "force": True}, 1), ("0", {"active": True}, 0), ("1", {"name": "two"}, 1)],
)
def test_connected_drive_hinders_nothing_but_the_switch(port: str, wish: dict[str, Any], steps: int) -> None:
    assert len(plan(Asked(connected=True), switch(), port, **wish).steps) == steps
