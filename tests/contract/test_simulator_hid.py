# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that reach the computer behind the simulated PiKVM: its boot menu, its login prompt, its keyboard LEDs."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.raw import until

from .client import Client, Start, boots, error_of

IMAGE = b"an installer" * 1000


def press(client: Client, *keys: str) -> None:
    for key in keys:
        assert client.post(f"/api/hid/events/send_key?key={key}").ok


def write(client: Client, text: str, **params: Any) -> None:
    assert client.post("/api/hid/print", params=params, data=text.encode()).ok


def screen(client: Client) -> list[str]:
    return client.sim.call(lambda: client.sim.machine.screen)


def switch_on(client: Client, state: str) -> None:
    assert client.post("/api/atx/power?action=on&wait=1").ok
    until(lambda: client.sim.machine.state == state)


def running(pikvm: Start, **options: Any) -> Client:
    client = pikvm(**options)
    switch_on(client, "running")
    return client


def in_menu(pikvm: Start, media: bool = True, **machine: Any) -> Client:
    """A computer whose boot menu has just been opened."""
    client = pikvm(machine={"boot_order": "disk", "boot_seconds": 30.0, "firmware_seconds": 30.0, **machine})
    if media:
        client.sim.put_image("installer.iso", IMAGE)
        client.insert("installer.iso", cdrom="1")
    switch_on(client, "firmware")
    press(client, "F11")
    return client


def test_image_starts_only_when_it_is_chosen(pikvm: Start) -> None:
    client = in_menu(pikvm, installer_seconds=60.0)
    assert screen(client)[2:4] == ["> Disk: SIMDISK", "  USB CD: installer.iso"]
    press(client, "ArrowDown", "ArrowDown")
    assert screen(client)[2:4] == ["  Disk: SIMDISK", "> USB CD: installer.iso"]
    press(client, "Enter")
    until(lambda: client.sim.machine.state == "installing")
    assert boots(client) == ["image"]


@pytest.mark.parametrize("keys", [["Enter"], ["ArrowDown", "ArrowUp", "Enter"], ["Escape"]])
def test_menu_may_start_the_disk(pikvm: Start, keys: list[str]) -> None:
    client = in_menu(pikvm)
    press(client, *keys)
    until(lambda: client.sim.machine.state == "running")
    assert boots(client) == ["disk"]


def test_firmware_left_alone_starts_what_it_is_set_to(pikvm: Start) -> None:
    for order, source in (("image", "image"), ("disk", "disk")):
        client = pikvm(machine={"boot_order": order})
        client.sim.put_image("installer.iso", IMAGE)
        client.insert("installer.iso")
        client.post("/api/atx/power?action=on&wait=1")
        until(lambda client=client: boots(client) != [])  # type: ignore[misc]
        assert boots(client)[0] == source


def test_menu_may_be_what_the_firmware_starts(pikvm: Start) -> None:
    client = pikvm(machine={"boot_order": "menu"})
    switch_on(client, "menu")
    press(client, "Enter")
    until(lambda: client.sim.machine.state == "running")


def test_menu_shows_how_the_image_is_connected(pikvm: Start) -> None:
    client = in_menu(pikvm, media=False)
    assert [line for line in screen(client) if "USB" in line] == []
    client.sim.put_image("stick.img", IMAGE)
    client.insert("stick.img", cdrom="0")
    assert "  USB flash: stick.img" in screen(client)


def test_key_comes_too_late_after_the_firmware(pikvm: Start) -> None:
    client = pikvm(machine={"boot_seconds": 60.0, "firmware_seconds": 0.5})
    switch_on(client, "loading")
    press(client, "F11")
    assert client.sim.machine.state == "loading"


def test_keys_do_nothing_while_the_computer_is_off(pikvm: Start) -> None:
    client = pikvm()
    press(client, "F11", "CapsLock")
    assert client.state("hid")["keyboard"]["leds"] == {"caps": False, "num": False, "scroll": False}
    assert client.sim.machine.state == "off"


def test_login_and_shell(pikvm: Start) -> None:
    client = running(pikvm)
    write(client, "root")
    until(lambda: screen(client)[-1] == "server login: root")
    press(client, "Enter")
    write(client, "s3cret")
    time.sleep(0.05)
    assert screen(client)[-1] == "Password:"
    press(client, "Enter")
    write(client, "echo Hello, W0rld!\nnonsense\n")
    until(lambda: screen(client)[-1] == "root@server:~#" and len(screen(client)) > 6)
    page = screen(client)
    assert not [line for line in page if "s3cret" in line]
    assert page[-5:] == [
        "root@server:~# echo Hello, W0rld!",
        "Hello, W0rld!",
        "root@server:~# nonsense",
        "sh: nonsense: command not found",
        "root@server:~#",
    ]


def test_shell_switches_off(pikvm: Start) -> None:
    client = running(pikvm)
    write(client, "root\nx\npoweroff\n")
    until(lambda: client.sim.machine.state == "off")


def test_chord_restarts(pikvm: Start) -> None:
    client = running(pikvm)
    assert client.post("/api/hid/events/send_shortcut?keys=ControlLeft,AltLeft,Delete").ok
    until(lambda: boots(client) == ["disk", "disk"])
    held = [(event["key"], event["state"]) for event in client.sim.device.hid.events]
    names = ["ControlLeft", "AltLeft", "Delete"]
    assert held == [(name, True) for name in names] + [(name, False) for name in names[::-1]]


def test_chord_with_an_unknown_key_presses_nothing(pikvm: Start) -> None:
    client = pikvm()
    assert error_of(client.post("/api/hid/events/send_shortcut?keys=ControlLeft,Nose")) == (400, "ValidatorError")
    assert client.sim.device.hid.events == []


def test_locks_light_their_leds(pikvm: Start) -> None:
    client = running(pikvm)
    press(client, "CapsLock")
    assert client.state("hid")["keyboard"]["leds"] == {"caps": True, "num": True, "scroll": False}
    write(client, "aB1")
    until(lambda: screen(client)[-1] == "server login: Ab1")


def test_keymap_and_layout_must_agree(pikvm: Start) -> None:
    for keymap, seen in (("de", "server login: zür@Y"), ("en-us", 'server login: yr"Z')):
        client = running(pikvm, machine={"layout": "de"})
        write(client, "zür@Y", keymap=keymap)
        until(lambda client=client, seen=seen: screen(client)[-1] == seen)  # type: ignore[misc]
    assert error_of(client.post("/api/hid/print?keymap=tlh", data=b"x")) == (400, "ValidatorError")


def test_text_beyond_the_limit_is_cut(pikvm: Start) -> None:
    client = running(pikvm)
    write(client, "x" * 2000)
    write(client, "abc", limit=2)
    until(lambda: screen(client)[-1] == f"server login: {'x' * 1024}ab")


@pytest.mark.parametrize(
    ("kvmd", "params", "seconds"),
    [
        ("4.197", {"slow": 1}, 0.4),
        ("4.197", {"delay": 0.05}, 1.0),
        ("4.91", {"delay": 0.05}, 0.0),
        ("4.24", {"slow": 1}, 0.0),
    ],
)
def test_slow_typing_is_waited_for(pikvm: Start, kvmd: str, params: dict[str, Any], seconds: float) -> None:
    client = pikvm(kvmd=kvmd, speed=2.0)
    began = time.monotonic()
    write(client, "ten chars.", **params)
    assert seconds / 2 <= time.monotonic() - began < seconds / 2 + 0.3
    until(lambda: len(client.sim.device.hid.events) == 21)


def test_press_may_carry_its_release(pikvm: Start) -> None:
    client = pikvm()
    client.post("/api/hid/events/send_key?key=KeyA&state=1&finish=1")
    assert client.sim.device.hid.pressed == set()
    client.post("/api/hid/events/send_key?key=KeyA&state=1")
    client.post("/api/hid/set_connected?connected=1")
    assert client.sim.device.hid.pressed == {"KeyA"}


def test_key_released_after_the_computer_went_off_is_not_stuck(pikvm: Start) -> None:
    client = running(pikvm)
    client.post("/api/hid/events/send_key?key=ControlLeft&state=1")
    client.post("/api/atx/power?action=off_hard&wait=1")
    client.post("/api/hid/events/send_key?key=ControlLeft&state=0")
    until(lambda: not client.state("atx")["leds"]["power"])
    switch_on(client, "running")
    write(client, "root")
    until(lambda: screen(client)[-1] == "server login: root")


def test_inactivity_and_jiggler(pikvm: Start) -> None:
    client = pikvm()
    until(lambda: client.state("hid/inactivity")["inactivity"] >= 2)
    press(client, "KeyA")
    assert client.state("hid/inactivity")["inactivity"] < 2
    client.post("/api/hid/set_params?jiggler=1&keyboard_output=ps2")
    state = client.state("hid")
    assert (state["jiggler"]["active"], state["keyboard"]["outputs"]["active"]) == (True, "")
    assert pikvm(kvmd="4.82").get("/api/hid/inactivity").status_code == 404


def test_console_keeps_its_prompt_on_the_screen(pikvm: Start) -> None:
    client = running(pikvm)
    write(client, "root\nx\n" + "echo line\n" * 40)
    until(lambda: screen(client)[-1] == "root@server:~#" and "line" in screen(client)[-2])
    assert client.get("/api/streamer/snapshot?ocr=1").text.splitlines()[-1] == "root@server:~#"


def test_control_shows_keys_with_their_times(pikvm: Start) -> None:
    client = pikvm()
    began = time.time()
    press(client, "KeyA", "ControlLeft")
    seen = client.get("/_simulator", headers={}).json()["hid"]
    assert [(event["key"], event["state"]) for event in seen["events"]] == [
        ("KeyA", True),
        ("KeyA", False),
        ("ControlLeft", True),
    ]
    assert began <= seen["events"][0]["at"] <= seen["events"][1]["at"] <= time.time()
    assert seen["pressed"] == ["ControlLeft"]
    assert client.send("DELETE", "/_simulator/hid", headers={}).json()["hid"]["events"] == []
