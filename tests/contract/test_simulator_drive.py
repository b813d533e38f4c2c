# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drive's parameters and the organs that may be missing."""

from __future__ import annotations

import pytest

from tests.support.raw import until

from .client import Start, error_of, keys


@pytest.mark.parametrize(
    ("kvmd", "image", "query", "cdrom", "rw"),
    [
        ("4.197", "a.iso", "cdrom=0&rw=1", False, False),
        ("4.197", "b.img", "cdrom=0&rw=1", False, True),
        ("4.197", "b.img", "rw=1", True, False),
        ("4.20", "a.iso", "cdrom=0&rw=1", False, True),
        ("4.20", "b.img", "rw=1", False, True),
        ("4.20", "b.img", "cdrom=1&rw=1", True, False),
    ],
)
def test_rw_is_dropped_by_rules(pikvm: Start, kvmd: str, image: str, query: str, cdrom: bool, rw: bool) -> None:
    client = pikvm(kvmd=kvmd)
    client.sim.put_image(image, b"x")
    assert client.post(f"/api/msd/set_params?image={image}&{query}").status_code == 200
    drive = client.state("msd")["drive"]
    assert (drive["cdrom"], drive["rw"]) == (cdrom, rw)


def test_rw_can_be_dropped_without_any_rule(pikvm: Start) -> None:
    client = pikvm()
    client.sim.put_image("b.img", b"x")
    client.sim.fault("drop_rw", times=1)
    for expected in (False, True):
        assert client.post("/api/msd/set_params?image=b.img&cdrom=0&rw=1").ok
        assert client.state("msd")["drive"]["rw"] is expected


def test_bad_image_applies_nothing(pikvm: Start) -> None:
    client = pikvm()
    assert error_of(client.post("/api/msd/set_params?image=no.iso&cdrom=0")) == (400, "MsdUnknownImageError")
    assert client.state("msd")["drive"]["cdrom"] is True


@pytest.mark.parametrize(("kvmd", "error"), [("4.197", "MsdRemoteDisabledError"), ("4.20", "MsdUnknownImageError")])
def test_url_as_an_image(pikvm: Start, kvmd: str, error: str) -> None:
    answer = pikvm(kvmd=kvmd).post("/api/msd/set_params", params={"image": "nbd://host/x"})
    assert error_of(answer) == (400, error)


def test_removing_the_selected_image_deselects_it(pikvm: Start) -> None:
    client = pikvm()
    client.sim.put_image("a.iso", b"x")
    client.post("/api/msd/set_params?image=a.iso")
    assert client.post("/api/msd/remove?image=a.iso").ok
    assert client.state("msd")["drive"]["image"] is None


def test_reset_shows_connected_for_a_second_more(pikvm: Start) -> None:
    client = pikvm(speed=2.0)
    client.sim.put_image("a.iso", b"x")
    client.insert("a.iso")
    assert client.post("/api/msd/reset").ok
    assert client.state("msd")["drive"]["connected"] is True
    assert client.sim.device.msd.media() is None
    until(lambda: client.state("msd")["drive"]["connected"] is False)
    assert client.state("msd")["drive"]["image"]["name"] == "a.iso"


def test_drive_that_is_offline(pikvm: Start) -> None:
    for kvmd, status in (("4.197", 400), ("4.20", 500)):
        client = pikvm(kvmd=kvmd)
        client.sim.fault("msd_offline")
        state = client.state("msd")
        assert (state["enabled"], state["online"], state["storage"], state["drive"]) == (True, False, None, None)
        assert error_of(client.post("/api/msd/set_params?cdrom=1")) == (400, "MsdOfflineError")
        assert client.post("/api/msd/write?image=a.iso", data=b"x").status_code == status
        client.sim.clear_faults()
        assert client.state("msd")["online"] is True


def test_drive_that_is_disabled(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("msd_disabled")
    state = client.state("msd")
    assert (state["enabled"], state["online"], state["storage"]) == (False, False, None)
    assert error_of(client.post("/api/msd/reset")) == (400, "MsdDisabledError")
    answer = client.post("/api/msd/write?image=a.iso", data=iter([b"x"]))
    assert error_of(answer) == (400, "ValidatorError")


def test_drive_that_is_busy_for_a_while(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("msd_busy", seconds=10.0)
    assert client.state("msd")["busy"] is True
    assert error_of(client.post("/api/msd/set_params?cdrom=0")) == (409, "MsdIsBusyError")
    until(lambda: client.state("msd")["busy"] is False)
    assert client.post("/api/msd/set_params?cdrom=0").ok


def test_busy_that_begins_with_a_request(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("msd_busy", path="/msd/set_connected", seconds=10.0)
    assert client.post("/api/msd/set_params?cdrom=0").ok
    assert error_of(client.post("/api/msd/set_connected?connected=1")) == (409, "MsdIsBusyError")


def test_atx_that_is_disabled_or_busy(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("atx_disabled")
    assert client.state("atx")["enabled"] is False
    assert error_of(client.post("/api/atx/power?action=on")) == (400, "AtxDisabledError")
    client.sim.clear_faults("atx_disabled")
    client.sim.fault("atx_busy", seconds=10.0)
    assert client.state("atx")["busy"] is True
    assert error_of(client.post("/api/atx/power?action=on")) == (409, "AtxIsBusyError")
    until(lambda: client.state("atx")["busy"] is False)


def test_gpio_busy_and_clamped_pulse(pikvm: Start) -> None:
    client = pikvm(speed=0.3)
    assert client.post("/api/gpio/pulse?channel=relay1&delay=0.01").ok
    assert client.state("gpio")["state"]["outputs"]["relay1"] == {"online": True, "state": False, "busy": True}
    assert error_of(client.post("/api/gpio/switch?channel=relay1&state=1")) == (409, "GpioChannelIsBusyError")
    assert client.sim.device.gpio.outputs["relay1"].state is True
    until(lambda: not client.sim.device.gpio.outputs["relay1"].busy)
    assert client.sim.device.gpio.outputs["relay1"].state is False
    assert error_of(client.post("/api/gpio/pulse?channel=relay1&delay=-1")) == (400, "ValidatorError")
    assert error_of(client.post("/api/gpio/pulse?channel=__v4_locator__")) == (400, "GpioPulseNotSupported")


def test_gpio_driver_that_is_offline_is_told_only_to_who_waits(pikvm: Start) -> None:
    client = pikvm()
    client.sim.fault("gpio_offline")
    assert client.post("/api/gpio/switch?channel=relay1&state=1").status_code == 200
    assert client.sim.device.gpio.outputs["relay1"].state is False
    answer = client.post("/api/gpio/switch?channel=relay1&state=1&wait=1")
    assert error_of(answer) == (400, "GpioDriverOfflineError")
    assert client.state("gpio")["state"]["outputs"]["relay1"]["online"] is False


def test_keys_that_stay_pressed(pikvm: Start) -> None:
    client = pikvm()
    client.post("/api/hid/events/send_key?key=ControlLeft")
    client.post("/api/hid/events/send_key?key=KeyA")
    assert client.sim.device.hid.pressed == {"ControlLeft"}
    client.post("/api/hid/print?limit=3", data="äbcd".encode())
    until(lambda: keys(client)[-4:] == [("KeyB", True), ("KeyB", False), ("KeyC", True), ("KeyC", False)])
    client.post("/api/hid/reset")
    assert client.sim.device.hid.pressed == set()


@pytest.mark.parametrize(
    ("kvmd", "query", "told"),
    [
        ("4.197", "", {"auth", "extras", "fan", "hw", "meta", "node", "system", "uptime"}),
        ("4.197", "legacy=0", {"auth", "extras", "fan", "health", "meta", "node", "system", "uptime"}),
        ("4.197", "fields=hw,health", {"hw"}),
        ("4.197", "fields=health", {"health"}),
        ("4.197", "legacy=0&fields=hw", None),
        ("4.20", "", {"auth", "extras", "fan", "hw", "meta", "system"}),
        ("4.20", "legacy=0", {"auth", "extras", "fan", "hw", "meta", "system"}),
        ("4.20", "fields=uptime", None),
        ("4.124", "fields=uptime", None),
        ("4.60", "fields=health", {"health"}),
        ("4.20", "fields=health", None),
    ],
)
def test_info_categories(pikvm: Start, kvmd: str, query: str, told: set[str] | None) -> None:
    answer = pikvm(kvmd=kvmd).get(f"/api/info?{query}")
    if told is None:
        assert error_of(answer) == (400, "ValidatorError")
    else:
        assert set(answer.json()["result"]) == told


@pytest.mark.parametrize(
    ("query", "place"), [("", "hw"), ("fields=system", "system"), ("fields=hw,system", "hw"), ("legacy=0", "system")]
)
def test_platform_moves_about(pikvm: Start, query: str, place: str) -> None:
    result = pikvm().get(f"/api/info?{query}").json()["result"]
    assert [name for name in ("hw", "system") if "platform" in result.get(name, {})] == [place]


@pytest.mark.parametrize(("organ", "key"), [("atx", "acts"), ("hid", "enabled"), ("streamer", "applied")])
def test_keys_older_versions_lack(pikvm: Start, organ: str, key: str) -> None:
    assert key in pikvm().state(organ)
    assert key not in pikvm(kvmd="4.20").state(organ)


@pytest.mark.parametrize(("kvmd", "status"), [("4.197", 200), ("4.20", 404), ("3.334", 404)])
def test_switch_is_there_from_its_version_on(pikvm: Start, kvmd: str, status: int) -> None:
    answer = pikvm(kvmd=kvmd).get("/api/switch")
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["result"]["model"]["ports"] == []
