# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules are asked to do under attack, and what must be true of the device where one says that it is done."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.simulator import Simulator
from tests.support.device import EDID, insert, press_power, switch_on
from tests.support.raw import until
from tests.support.web import DATA

IMAGE = DATA
SHA256 = hashlib.sha256(IMAGE).hexdigest()
TYPED = "getippt-4713-Geheim"
DOWNLOAD_LOGIN = "holer:geheim-4714"
QUICK = {"wait_timeout": 3.0}
STEADY = {"stable_for": 0.1, **QUICK}

Truth = Callable[[Simulator, dict[str, Any]], bool]


def always(_sim: Simulator, _result: dict[str, Any]) -> bool:
    return True


@dataclass(frozen=True)
class Case:
    """A task.

    Attributes:
        options: beside those of the connection; `{folder}`, `{library}` and `{token}` are filled in.
        prepare: what is done to the device beforehand.
        truth: what holds of the device, given the result, where the module has done what it was asked.
        steps: writes that it may take.
        device: options of the simulator.
    """

    module: str
    options: dict[str, Any] = field(default_factory=dict)
    truth: Truth = always
    prepare: Callable[[Simulator], Any] = lambda _sim: None
    steps: int = 1
    device: dict[str, Any] = field(default_factory=dict)


def _stored(sim: Simulator, name: str) -> bool:
    image = sim.device.storage.images.get(name)
    return image is not None and image.complete and image.sha256 == SHA256


def _drive(sim: Simulator) -> tuple[str | None, bool, bool, bool]:
    msd = sim.device.msd
    return (msd.selected.name if msd.selected else None, msd.connected, msd.cdrom, msd.rw)


def _did(sim: Simulator, kind: str, **what: Any) -> bool:
    """Whether keyboard or mouse were seen doing this."""
    wanted = {"kind": kind, **what}
    return any(bool(wanted.items() <= event.items()) for event in sim.device.hid.events)


def _pressed(sim: Simulator, button: str, times: int = 1, machine: int = 0) -> bool:
    return [press["button"] for press in sim.machines[machine].presses].count(button) >= times


async def _save(sim: Simulator) -> None:
    await sim.device.streamer.take(save=True, load=False, allow_offline=True)


def _keep_picture(sim: Simulator) -> None:
    switch_on(sim)
    sim.call(lambda: sim.device.background.spawn(_save(sim)))
    until(lambda: sim.device.streamer.saved is not None)


def _have_two(sim: Simulator) -> None:
    insert(sim)
    sim.put_image("a.iso", IMAGE)


def _have_edid(sim: Simulator) -> None:
    sim.call(sim.device.switch.edids.__setitem__, "1", ("Ours", EDID))


def _edid(sim: Simulator) -> bool:
    return ("Ours", EDID) in sim.device.switch.edids.values()


def _is_picture(path: str) -> bool:
    return Path(path).read_bytes().startswith(b"\xff\xd8\xff")


SWITCH = {"switch": True, "speed": 5.0}

CASES: dict[str, Case] = {
    "info": Case("pikvm_info", {"gather_subset": ["all"]}),
    "info of a switch": Case("pikvm_info", {"gather_subset": ["switch", "info"]}, device=SWITCH),
    "log": Case("pikvm_log_info", {"pattern": "."}),
    "on": Case("pikvm_atx_power", {"state": "on", **STEADY}, lambda sim, _: sim.machine.powered),
    "off": Case(
        "pikvm_atx_power",
        {"state": "off", "graceful_timeout": 2.0, **STEADY},
        lambda sim, _: not sim.machine.powered,
        switch_on,
        steps=2,
    ),
    "off, hard": Case(
        "pikvm_atx_power", {"state": "off", "mode": "hard", **STEADY}, lambda sim, _: not sim.machine.powered, switch_on
    ),
    "restarted": Case(
        "pikvm_atx_power",
        {"state": "restarted", "mode": "hard", **STEADY},
        lambda sim, _: sim.machine.powered and _pressed(sim, "power", 2),
        switch_on,
        steps=2,
    ),
    "reset": Case("pikvm_atx_power", {"state": "reset", **STEADY}, lambda sim, _: _pressed(sim, "reset"), switch_on),
    "on, at a port": Case(
        "pikvm_atx_power",
        {"state": "on", "port": "1", **STEADY},
        lambda sim, _: sim.machines[1].powered,
        steps=2,
        device=SWITCH,
    ),
    "off, at a port": Case(
        "pikvm_atx_power",
        {"state": "off", "mode": "hard", "port": "1.2", **STEADY},
        lambda sim, _: not sim.machines[1].powered,
        lambda sim: press_power(sim, 1),
        steps=2,
        device=SWITCH,
    ),
    "click": Case("pikvm_atx_click", {"button": "power", **QUICK}, lambda sim, _: _pressed(sim, "power")),
    "channel on": Case(
        "pikvm_gpio_channel",
        {"channel": "relay1", "state": "on", **QUICK},
        lambda sim, _: sim.device.gpio.outputs["relay1"].state,
    ),
    "channel off": Case(
        "pikvm_gpio_channel",
        {"channel": "__v3_usb_breaker__", "state": "off", **QUICK},
        lambda sim, _: not sim.device.gpio.outputs["__v3_usb_breaker__"].state,
    ),
    "pulse": Case("pikvm_gpio_channel", {"channel": "button1", "state": "pulsed", **QUICK}),
    "connected": Case(
        "pikvm_msd_drive",
        {"state": "connected", "image": "a.iso", "media_type": "cdrom", **QUICK},
        lambda sim, _: _drive(sim) == ("a.iso", True, True, False),
        _have_two,
        steps=3,
    ),
    "flash": Case(
        "pikvm_msd_drive",
        {"state": "connected", "image": "a.img", "media_type": "flash", "read_write": True, **QUICK},
        lambda sim, _: _drive(sim) == ("a.img", True, False, True),
        lambda sim: sim.put_image("a.img", IMAGE),
        steps=2,
    ),
    "ejected": Case(
        "pikvm_msd_drive", {"state": "ejected", **QUICK}, lambda sim, _: _drive(sim)[:2] == (None, False), insert, 2
    ),
    "disconnected": Case(
        "pikvm_msd_drive", {"state": "disconnected", **QUICK}, lambda sim, _: not _drive(sim)[1], insert
    ),
    "drive reset": Case("pikvm_msd_drive", {"state": "reset", **QUICK}, lambda sim, _: not _drive(sim)[1], insert),
    "upload": Case(
        "pikvm_msd_image",
        {"src": "{folder}/b.iso", **QUICK},
        lambda sim, _: _stored(sim, "b.iso"),
        lambda sim: sim.put_image("b.iso", b"another"),
        steps=3,
    ),
    "upload, read back": Case(
        "pikvm_msd_image",
        {"src": "{folder}/b.iso", "compare": "content", **QUICK},
        lambda sim, _: _stored(sim, "b.iso"),
        steps=3,
    ),
    "download": Case(
        "pikvm_msd_image",
        {"download_url": "{library}/b.iso", "checksum": f"sha256:{SHA256}", **QUICK},
        lambda sim, _: _stored(sim, "b.iso"),
        steps=3,
    ),
    "absent": Case(
        "pikvm_msd_image",
        {"name": "b.iso", "state": "absent", **QUICK},
        lambda sim, _: "b.iso" not in sim.device.storage.images,
        lambda sim: sim.put_image("b.iso", IMAGE),
    ),
    "jiggler": Case("pikvm_hid", {"jiggler": True, "mouse_output": "usb_rel"}, lambda sim, _: sim.device.hid.jiggler),
    "hid reset": Case("pikvm_hid", {"state": "reset"}, lambda sim, _: _did(sim, "reset")),
    "text": Case("pikvm_keyboard", {"text": TYPED, "keymap": "en-us"}, lambda sim, _: _did(sim, "print"), switch_on),
    "keys": Case(
        "pikvm_keyboard",
        {"keys": ["ControlLeft+KeyC", "KeyA"], "repeat": 2, "interval": 0.02, "hold": 0.02},
        lambda sim, _: _did(sim, "key", key="KeyA", state=True) and _did(sim, "key", key="KeyC", state=True),
        switch_on,
    ),
    "keys until": Case(
        "pikvm_keyboard",
        {"keys": ["ShiftLeft"], "until_text": "System installed", "interval": 0.02, "hold": 0.02, **QUICK},
        lambda sim, _: _did(sim, "key", key="ShiftLeft", state=True),
        switch_on,
    ),
    "mouse": Case(
        "pikvm_mouse",
        {"move": {"x": 5, "y": 6}, "click": "left", "wheel": {"x": 0, "y": 1}},
        lambda sim, _: _did(sim, "mouse_button", button="left", state=True) and _did(sim, "mouse_move", x=5, y=6),
        switch_on,
        steps=3,
    ),
    "session": Case(
        "pikvm_session", {}, lambda sim, result: result.get("auth_token") in {None, *sim.device.sessions._sessions}
    ),
    "no session": Case(
        "pikvm_session",
        {"state": "absent", "auth_token": "{token}"},
        lambda sim, _: not sim.device.sessions._sessions,
    ),
    "picture": Case(
        "pikvm_snapshot",
        {"dest": "{folder}/screen.jpg", "ocr": True, **QUICK},
        lambda _sim, result: _is_picture(result["dest"]),
        switch_on,
    ),
    "picture kept": Case(
        "pikvm_snapshot", {"saved": "keep", **QUICK}, lambda sim, _: sim.device.streamer.saved is not None, switch_on
    ),
    "picture loaded": Case(
        "pikvm_snapshot",
        {"saved": "load", "dest": "{folder}/kept.jpg", **QUICK},
        lambda _sim, result: _is_picture(result["dest"]),
        _keep_picture,
    ),
    "picture forgotten": Case(
        "pikvm_snapshot", {"saved": "forget", **QUICK}, lambda sim, _: sim.device.streamer.saved is None, _keep_picture
    ),
    "quality": Case("pikvm_streamer", {"quality": 51}, lambda sim, _: sim.device.streamer.params["quality"] == 51),
    "video reset": Case("pikvm_streamer", {"state": "reset"}),
    "beacon of a unit": Case(
        "pikvm_switch",
        {"beacon": {"unit": 1, "link": "uplink", "state": True}, "colors": {"active": "0000FF:80:0000"}, **QUICK},
        lambda sim, _: sim.device.switch.state()["beacons"]["uplinks"] == [True],
        steps=2,
        device=SWITCH,
    ),
    "port": Case(
        "pikvm_switch_port",
        {"port": "2", "active": True, "name": "db3", "beacon": True, **QUICK},
        lambda sim, _: (
            (sim.device.switch.active, sim.device.switch.ports[2].name, sim.device.switch.ports[2].beacon)
            == (2, "db3", True)
        ),
        steps=3,
        device=SWITCH,
    ),
    "EDID": Case(
        "pikvm_switch_edid", {"name": "Ours", "data": EDID, **QUICK}, lambda sim, _: _edid(sim), device=SWITCH
    ),
    "no EDID": Case(
        "pikvm_switch_edid",
        {"name": "Ours", "state": "absent", **QUICK},
        lambda sim, _: not _edid(sim),
        _have_edid,
        device=SWITCH,
    ),
    "wait for power": Case(
        "pikvm_wait_for", {"power": "on", **STEADY}, lambda sim, _: sim.machine.power_led, switch_on
    ),
    "wait for darkness": Case("pikvm_wait_for", {"power": "off", "hdd": "idle", **STEADY}),
    "wait for a port": Case(
        "pikvm_wait_for", {"power": "on", "port": "0", **STEADY}, prepare=press_power, device=SWITCH
    ),
    "wait for a channel": Case(
        "pikvm_wait_for",
        {"gpio": {"channel": "__v3_usb_breaker__", "state": "on"}, "msd": "idle", **STEADY},
        lambda sim, _: sim.device.gpio.outputs["__v3_usb_breaker__"].state,
    ),
    "wait for a text": Case(
        "pikvm_wait_for",
        {"screen_text": "System installed", "fail_text": ["panic"], "frame": "{folder}/frame.jpg", **STEADY},
        lambda _sim, result: "System installed" in result["text"],
        switch_on,
    ),
    "wait for a still screen": Case("pikvm_wait_for", {"screen": "stable", **STEADY}, prepare=switch_on),
}
