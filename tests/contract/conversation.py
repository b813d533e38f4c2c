# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conversation that was held with real kvmd daemons, step by step, and how an answer is boiled down.

An answer is kept as its status and, where it is an error, kvmd's name and words for it; else as its shape (keys and
types), with the values of some keys. `recordings/` holds what the daemons answered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.support.raw import until

from .client import ADMIN, Client, HeldBody

SMALL = bytes(range(256)) * 400
LARGE = SMALL * 40

Seen = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One request and what of its answer matters."""

    name: str
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=lambda: ADMIN)
    basic: tuple[str, str] | None = None
    body: bytes | dict[str, str] | None = None
    depth: int = 99
    values: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    """Look only at the scheme and state of these GPIO channels."""
    counted: bool = False
    """The body is bytes of which only the number matters."""
    settle: float = 0.0
    """Device seconds to wait first."""
    act: Callable[[Client, float], requests.Response] | None = None
    """What is done in place of one request."""


def user(name: str, password: str) -> dict[str, str]:
    """Credentials as headers."""
    return {"X-KVMD-User": name, "X-KVMD-Passwd": password}


def cookie(token: str) -> dict[str, str]:
    """A session as a header."""
    return {"Cookie": f"auth_token={token}"}


def click_during_a_press(client: Client, _speed: float) -> requests.Response:
    """Press a button while another press lasts."""
    client.post("/api/atx/power?action=on&wait=1")
    with Client(client.sim) as other:
        press = threading.Thread(target=other.post, args=("/api/atx/power?action=off_hard&wait=1",))
        press.start()
        until(lambda: bool(client.state("atx")["busy"]))
        answer = client.post("/api/atx/click?button=power")
        press.join()
    return answer


def select_during_an_upload(client: Client, speed: float) -> requests.Response:
    """Change the drive's parameters while an image is uploaded, then remove that image."""
    body = HeldBody(SMALL)
    with Client(client.sim) as other:
        upload = threading.Thread(target=other.post, args=("/api/msd/write?image=slow.img",), kwargs={"data": body})
        upload.start()
        until(lambda: bool(client.state("msd")["busy"]))
        answer = client.post("/api/msd/set_params?cdrom=1")
        body.release()
        upload.join()
    time.sleep(1.5 / speed)
    client.post("/api/msd/remove?image=slow.img")
    time.sleep(1.5 / speed)
    return answer


NOBODY: dict[str, str] = {}
DRIVE = ("cdrom", "rw", "connected", "name")

AUTH = [
    Step("auth: nothing", "GET", "/api/auth/check", NOBODY),
    Step("auth: headers", "GET", "/api/auth/check"),
    Step("auth: basic", "GET", "/api/auth/check", NOBODY, basic=("admin", "admin")),
    Step("auth: wrong password", "GET", "/api/auth/check", user("admin", "wrong")),
    Step("auth: unknown user", "GET", "/api/auth/check", user("nobody", "admin")),
    Step("auth: bad user characters", "GET", "/api/auth/check", user("ad min!", "x")),
    Step("auth: login", "POST", "/api/auth/login", NOBODY, body={"user": "admin", "passwd": "admin"}),
    Step("auth: login, wrong password", "POST", "/api/auth/login", NOBODY, body={"user": "admin", "passwd": "bad"}),
    Step("auth: login, no fields", "POST", "/api/auth/login", NOBODY),
    Step("auth: malformed cookie", "GET", "/api/auth/check", cookie("xyz")),
    Step("auth: unknown cookie", "GET", "/api/auth/check", cookie("0" * 64)),
    Step("auth: state needs it", "GET", "/api/atx", NOBODY),
    Step("auth: an action needs it", "POST", "/api/atx/power?action=on", NOBODY),
    Step("route: unknown", "GET", "/api/nosuch"),
    Step("route: wrong method", "GET", "/api/atx/power?action=on"),
    Step("route: POST on a GET", "POST", "/api/atx"),
    Step("info: all", "GET", "/api/info", depth=2),
    Step("info: two fields", "GET", "/api/info?fields=system,meta", depth=2),
    Step("info: bad field", "GET", "/api/info?fields=bogus"),
]

ATX = [
    Step("ATX: state", "GET", "/api/atx", values=("enabled", "busy", "power")),
    Step("ATX: on", "POST", "/api/atx/power?action=on&wait=1"),
    Step("ATX: is on", "GET", "/api/atx", values=("power", "busy")),
    Step("ATX: on again", "POST", "/api/atx/power?action=on&wait=1"),
    Step("ATX: soft off", "POST", "/api/atx/power?action=off&wait=1"),
    Step("ATX: is off", "GET", "/api/atx", values=("power",), settle=3.0),
    Step("ATX: off again", "POST", "/api/atx/power?action=off_hard&wait=1"),
    Step("ATX: reset while off", "POST", "/api/atx/power?action=reset_hard&wait=1"),
    Step("ATX: click", "POST", "/api/atx/click?button=power&wait=1"),
    Step("ATX: busy", "POST", "", act=click_during_a_press),
    Step("ATX: bad action", "POST", "/api/atx/power?action=explode"),
    Step("ATX: no action", "POST", "/api/atx/power"),
    Step("ATX: bad bool", "POST", "/api/atx/power?action=on&wait=maybe"),
    Step("ATX: parameters in the body", "POST", "/api/atx/power", body={"action": "on"}),
    Step("ATX: bad button", "POST", "/api/atx/click?button=nose"),
]

MSD = [
    Step("MSD: empty", "GET", "/api/msd", values=("enabled", "online", "busy", "connected", "image")),
    Step("MSD: connect without an image", "POST", "/api/msd/set_connected?connected=1"),
    Step("MSD: disconnect when disconnected", "POST", "/api/msd/set_connected?connected=0"),
    Step("MSD: write", "POST", "/api/msd/write?image=a.iso", body=LARGE),
    Step("MSD: write the same name", "POST", "/api/msd/write?image=a.iso", body=SMALL, settle=2.0),
    Step("MSD: write a flash image", "POST", "/api/msd/write?image=b.img", body=SMALL),
    Step("MSD: listed", "GET", "/api/msd", values=("size", "complete", "removable", "writable"), settle=2.0),
    Step("MSD: read back", "GET", "/api/msd/read?image=b.img", counted=True),
    Step("MSD: read unknown", "GET", "/api/msd/read?image=no.img"),
    Step("MSD: select unknown", "POST", "/api/msd/set_params?image=no.iso"),
    Step("MSD: select", "POST", "/api/msd/set_params?image=a.iso&cdrom=1"),
    Step("MSD: rw with cdrom is dropped", "POST", "/api/msd/set_params?cdrom=1&rw=1"),
    Step("MSD: selected", "GET", "/api/msd", values=DRIVE),
    Step("MSD: connect", "POST", "/api/msd/set_connected?connected=1"),
    Step("MSD: connected", "GET", "/api/msd", values=DRIVE),
    Step("MSD: connect again", "POST", "/api/msd/set_connected?connected=1"),
    Step("MSD: select while connected", "POST", "/api/msd/set_params?image=b.img"),
    Step("MSD: write while connected", "POST", "/api/msd/write?image=c.img", body=SMALL),
    Step("MSD: remove while connected", "POST", "/api/msd/remove?image=b.img"),
    Step("MSD: read while connected", "GET", "/api/msd/read?image=b.img"),
    Step("MSD: bad bool", "POST", "/api/msd/set_connected?connected=2"),
    Step("MSD: no bool", "POST", "/api/msd/set_connected"),
    Step("MSD: disconnect", "POST", "/api/msd/set_connected?connected=0"),
    Step("MSD: flash, writable", "POST", "/api/msd/set_params?image=b.img&cdrom=0&rw=1"),
    Step("MSD: flash selected", "GET", "/api/msd", values=DRIVE),
    Step("MSD: eject", "POST", "/api/msd/set_params?image="),
    Step("MSD: ejected", "GET", "/api/msd", values=("connected", "image")),
    Step("MSD: busy", "POST", "", act=select_during_an_upload),
    Step("MSD: empty name", "POST", "/api/msd/write?image=", body=SMALL),
    Step("MSD: hidden name", "POST", "/api/msd/write?image=.x.iso", body=SMALL),
    Step("MSD: no body", "POST", "/api/msd/write?image=n.img"),
    Step("MSD: remove unknown", "POST", "/api/msd/remove?image=no.img"),
    Step("MSD: remove a", "POST", "/api/msd/remove?image=a.iso"),
    Step("MSD: remove b", "POST", "/api/msd/remove?image=b.img", settle=2.0),
    Step("MSD: gone", "GET", "/api/msd", values=("images",), settle=2.0),
    Step("MSD: reset", "POST", "/api/msd/reset"),
]

REST = [
    Step("GPIO: state", "GET", "/api/gpio", channels=("led1", "button1", "relay1")),
    Step("GPIO: switch on", "POST", "/api/gpio/switch?channel=relay1&state=1&wait=1"),
    Step("GPIO: is on", "GET", "/api/gpio", channels=("relay1",), values=("state", "online")),
    Step("GPIO: switch off", "POST", "/api/gpio/switch?channel=relay1&state=0&wait=1"),
    Step("GPIO: pulse", "POST", "/api/gpio/pulse?channel=button1&wait=1"),
    Step("GPIO: switch a pulse-only channel", "POST", "/api/gpio/switch?channel=button1&state=1"),
    Step("GPIO: unknown channel", "POST", "/api/gpio/switch?channel=nosuch&state=1"),
    Step("GPIO: an input", "POST", "/api/gpio/switch?channel=led1&state=1"),
    Step("GPIO: no channel", "POST", "/api/gpio/switch?state=1"),
    Step("HID: state", "GET", "/api/hid", depth=3),
    Step("HID: print", "POST", "/api/hid/print", {**ADMIN, "Content-Type": "text/plain"}, body=b"echo hello\n"),
    Step("HID: bad key", "POST", "/api/hid/events/send_key?key=NoSuchKey"),
    Step("HID: key", "POST", "/api/hid/events/send_key?key=Enter"),
    Step("HID: keymaps", "GET", "/api/hid/keymaps", depth=3),
    Step("streamer: state", "GET", "/api/streamer", depth=2),
    Step("metrics", "GET", "/api/export/prometheus/metrics"),
    Step("log", "GET", "/api/log?seek=60"),
    Step("redfish: root", "GET", "/redfish/v1", NOBODY),
    Step("redfish: system", "GET", "/redfish/v1/Systems/0", depth=2),
]

STEPS = [*AUTH, *ATX, *MSD, *REST]


def hold(client: Client, speed: float) -> dict[str, Seen]:
    """Go through all steps with a fresh device whose time runs `speed` times as fast."""
    seen = {}
    for step in STEPS:
        time.sleep(step.settle / speed)
        seen[step.name] = boil_down(step, _ask(client, step, speed))
        if step.name.startswith(("ATX", "MSD")):
            until(lambda: not client.state("atx")["busy"] and not client.state("msd")["busy"])
    return seen


def _ask(client: Client, step: Step, speed: float) -> requests.Response:
    if step.act is not None:
        return step.act(client, speed)
    return client.send(step.method, step.path, headers=step.headers, auth=step.basic, data=step.body)


def boil_down(step: Step, answer: requests.Response) -> Seen:
    """What of an answer is compared."""
    seen: Seen = {"status": answer.status_code}
    content_type = answer.headers.get("Content-Type", "").partition(";")[0]
    if step.counted and answer.ok:
        return {**seen, "bytes": len(answer.content)}
    if content_type != "application/json":
        return {**seen, "type": content_type}
    document = answer.json()
    result = document.get("result", document)
    if "error" in result:
        return {**seen, "error": result["error"], "error_msg": result["error_msg"]}
    if step.channels:
        result = _only(result, step.channels)
    seen["shape"] = shape(result, step.depth)
    if step.values:
        seen["values"] = dict(_values(result, step.values, ""))
    return seen


def shape(value: Any, depth: int) -> Any:
    """Keys and types down to a depth: numbers are one type, a list is like its first item."""
    if depth == 0:
        return "*"
    if isinstance(value, dict):
        return {key: shape(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item, depth - 1) for item in value[:1]]
    names = {bool: "bool", int: "number", float: "number", str: "string", type(None): "null"}
    return names[type(value)]


def _only(result: dict[str, Any], channels: tuple[str, ...]) -> dict[str, Any]:
    def keep(kinds: dict[str, Any]) -> dict[str, Any]:
        return {kind: {name: item for name, item in kinds[kind].items() if name in channels} for kind in kinds}

    return {"model": {"scheme": keep(result["model"]["scheme"])}, "state": keep(result["state"])}


def _values(node: Any, keys: tuple[str, ...], path: str) -> list[tuple[str, Any]]:
    """Every value with one of the keys, by its dotted path; a filled object is looked into, not listed."""
    found = []
    for key, item in node.items() if isinstance(node, dict) else ():
        if key in keys and not (isinstance(item, dict) and item):
            found.append((path + key, item))
        found += _values(item, keys, f"{path}{key}.")
    return found
