# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One shape for what kvmd 3.334, 4.20 and 4.197 tell of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.models import Atx, Gpio, Info, Msd

LEDS = {"hdd": False, "power": True}
KERNEL = {"system": "Linux", "release": "6.1", "version": "#1", "machine": "armv7l"}
HEALTH = {"temp": {"cpu": 40.0}, "throttling": None}
PLATFORM = {"type": "rpi", "base": "Raspberry Pi 4"}


def system(version: str) -> dict[str, Any]:
    return {"kvmd": {"version": version}, "kernel": KERNEL}


@pytest.mark.parametrize(
    ("answer", "acts"),
    [
        ({"enabled": True, "busy": False, "leds": LEDS}, None),
        (
            {"enabled": True, "busy": False, "leds": LEDS, "acts": {"power": False, "reset": True}},
            {"power": False, "reset": True},
        ),
    ],
    ids=["3.334 and 4.20", "4.197"],
)
def test_atx(answer: dict[str, Any], acts: Any) -> None:
    assert Atx.parse(answer).as_result() == {"enabled": True, "busy": False, "acts": acts, "leds": LEDS}


@pytest.mark.parametrize("power", [True, False])
def test_power_that_is_told_beside_the_leds(power: bool) -> None:
    dark = {"power": False, "hdd": False}
    assert Atx.parse({"enabled": True, "busy": False, "power": power, "leds": dark}).power is power


@pytest.mark.parametrize("answer", [{}, {"enabled": None, "leds": None, "acts": []}, {"leds": {"power": None}}])
def test_atx_that_tells_nothing_is_off_and_disabled(answer: dict[str, Any]) -> None:
    atx = Atx.parse(answer)
    assert (atx.enabled, atx.busy, atx.power, atx.acts) == (False, False, False, None)


def msd(image: dict[str, Any], storage: dict[str, Any]) -> dict[str, Any]:
    return {
        "enabled": True,
        "online": True,
        "busy": False,
        "drive": {
            "image": {"name": "a.iso", "in_storage": True, **image},
            "connected": True,
            "cdrom": True,
            "rw": False,
        },
        "storage": {"images": {"a.iso": image}, "uploading": None, "downloading": None, **storage},
    }


OLD = {"size": 100, "complete": True, "mod_ts": 1.5, "removable": True}
SPACE = {"size": 1000, "free": 900}


@pytest.mark.parametrize(
    ("answer", "writable"),
    [
        (msd(OLD, {**SPACE, "parts": {"": {**SPACE, "writable": True}}}), None),
        (msd({**OLD, "writable": False}, {"parts": {"": {**SPACE, "writable": True}}}), False),
        (msd(OLD, SPACE), None),
    ],
    ids=["3.334 and 4.20", "4.197", "before there were parts"],
)
def test_msd(answer: dict[str, Any], writable: Any) -> None:
    image = {"name": "a.iso", **OLD, "writable": writable, "in_storage": True}
    assert Msd.parse(answer).as_result() == {
        "enabled": True,
        "online": True,
        "busy": False,
        "storage": {
            "images": {"a.iso": image},
            "parts": {"": {**SPACE, "writable": True}},
            "uploading": None,
            "downloading": None,
        },
        "drive": {"connected": True, "image": "a.iso", "media_type": "cdrom", "read_write": False},
    }


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"enabled": False, "online": False, "busy": False, "storage": None, "drive": None},
        {"storage": {"images": None, "parts": {"": None}}, "drive": []},
    ],
)
def test_msd_that_is_not_there(answer: dict[str, Any]) -> None:
    found = Msd.parse(answer)
    assert (found.enabled, found.online, found.busy, found.images, found.drive) == (False, False, False, {}, None)


def test_incomplete_image_is_not_taken_for_whole() -> None:
    images = Msd.parse(msd({"size": 100}, {})).images
    assert images["a.iso"].complete is False


@pytest.mark.parametrize(
    ("name", "free"),
    [("a.iso", 1), ("debian/a.iso", 2), ("debian/12/a.iso", 3), ("debian/11/a.iso", 2), ("x/a.iso", 1)],
)
def test_space_is_that_of_the_part_an_image_goes_to(name: str, free: int) -> None:
    parts = {folder: {"size": 9, "free": free} for folder, free in (("", 1), ("debian", 2), ("debian/12", 3))}
    part = Msd.parse({"storage": {"parts": parts}}).part_of(name)
    assert part is not None
    assert part.free == free


def test_transfers_under_way_are_shown_as_objects_only() -> None:
    upload = {"name": "a.iso", "size": 9, "written": 3}
    assert Msd.parse({"storage": {"uploading": upload, "downloading": False}}).uploading == upload
    assert Msd.parse({"storage": {"uploading": True}}).uploading is None


def test_gpio_joins_scheme_and_state() -> None:
    none = {"delay": 0.0, "min_delay": 0.0, "max_delay": 0.0}
    pulse = {"delay": 0.1, "min_delay": 0.1, "max_delay": 5.0}
    answer = {
        "model": {
            "scheme": {
                "inputs": {"led1": {"hw": {}}},
                "outputs": {"relay1": {"switch": True, "pulse": none}, "button1": {"switch": False, "pulse": pulse}},
            }
        },
        "state": {
            "inputs": {"led1": {"online": True, "state": True}},
            "outputs": {"relay1": {"online": True, "state": True, "busy": False}},
        },
    }
    assert Gpio.parse(answer).as_result() == {
        "inputs": {"led1": {"online": True, "state": True}},
        "outputs": {
            "relay1": {"online": True, "state": True, "busy": False, "switch": True, "pulse": None},
            "button1": {"online": False, "state": False, "busy": False, "switch": False, "pulse": pulse},
        },
    }


def test_gpio_that_tells_nothing_has_no_channels() -> None:
    assert Gpio.parse({}).as_result() == {"inputs": {}, "outputs": {}}


@pytest.mark.parametrize(
    ("version", "answer"),
    [
        ("3.334", {"system": system("3.334"), "hw": {"platform": PLATFORM, "health": HEALTH}}),
        ("4.20", {"system": system("4.20"), "hw": {"platform": PLATFORM, "health": HEALTH}, "meta": None}),
        ("4.197", {"system": {**system("4.197"), "platform": PLATFORM}, "health": HEALTH}),
        ("4.197", {"system": system("4.197"), "hw": {"platform": PLATFORM, "health": HEALTH}, "node": None}),
    ],
)
def test_info_has_each_field_in_its_newest_place(version: str, answer: dict[str, Any]) -> None:
    info = Info.parse(answer)
    assert info.version == version
    assert info.as_result() == {
        **dict.fromkeys(("auth", "extras", "fan", "meta", "node", "uptime")),
        "system": system(version),
        "platform": PLATFORM,
        "health": HEALTH,
    }


def test_info_of_a_device_that_tells_nothing() -> None:
    info = Info.parse({"system": None})
    assert info.version is None
    assert set(info.as_result().values()) == {None}
