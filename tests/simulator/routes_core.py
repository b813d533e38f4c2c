# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login, info, ATX, GPIO, log, metrics and Redfish."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from aiohttp import web

from . import answers, validators
from .atx import ACTIONS, CLICKS
from .errors import ForbiddenError, HttpError, LogReaderDisabledError
from .routes import COOKIE, Call, Route

CHANNEL = r"[a-zA-Z_][a-zA-Z0-9_.-]*"
REDIRECTS = ("", "/", "/kvm", "/kvm/")
LOG_POLL = 0.2


async def login(call: Call) -> Any:
    """POST /auth/login: form fields in, a cookie out."""
    sessions, dialect = call.device.sessions, call.device.dialect
    if not sessions.enabled:
        return {}
    form = await call.request.post()
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    user = validators.username(fields.get("user", ""))
    password = validators.password(fields.get("passwd", ""))
    arguments = validators.Arguments(fields, dialect.raw_limit)
    expire = arguments.integer("expire", least=0, default=0) if dialect.session_expiry else 0
    redirect = fields.get("redirect", "") if dialect.login_redirect else ""
    if redirect not in REDIRECTS:
        validators.refuse(redirect, "redirect URL")
    if not sessions.authorize(user, password):
        call.device.log.write("auth", f"Got access denied for user {user!r}")
        raise ForbiddenError
    call.device.log.write("auth", f"Logged in user {user!r}")
    response = web.Response(status=302, headers={"Location": redirect}) if redirect else answers.envelope({})
    response.set_cookie(COOKIE, sessions.login(user, expire), httponly=not redirect, samesite="Strict")
    return response


async def logout(call: Call) -> Any:
    """POST /auth/logout: ends every session of the cookie's user."""
    if call.device.sessions.enabled:
        user = call.device.sessions.logout(validators.token(call.request.cookies.get(COOKIE, "")))
        call.device.log.write("auth", f"Logged out user {user!r}")
    return {}


async def check(_call: Call) -> Any:
    """GET /auth/check."""
    return {}


async def info(call: Call) -> Any:
    """GET /info."""
    fields = [field for field in re.split(r"[,\t ]+", call.arguments.text("fields").strip().lower()) if field]
    legacy = call.arguments.flag("legacy", default=True) if call.device.dialect.info_legacy else True
    return call.device.info.state(fields, legacy)


async def atx(call: Call) -> Any:
    """GET /atx."""
    return call.device.atx.state()


async def atx_power(call: Call) -> Any:
    """POST /atx/power."""
    action = call.arguments.choice("action", "ATX power action", ACTIONS)
    await call.device.atx.power(action, call.arguments.flag("wait", default=False))
    return {}


async def atx_click(call: Call) -> Any:
    """POST /atx/click."""
    button = call.arguments.choice("button", "ATX button", CLICKS)
    await call.device.atx.click(button, call.arguments.flag("wait", default=False))
    return {}


async def gpio(call: Call) -> Any:
    """GET /gpio."""
    return call.device.gpio.state()


async def gpio_switch(call: Call) -> Any:
    """POST /gpio/switch."""
    channel = call.arguments.match("channel", "GPIO channel", CHANNEL)
    state = call.arguments.flag("state")
    await call.device.gpio.switch(channel, state, call.arguments.flag("wait", default=False))
    return {}


async def gpio_pulse(call: Call) -> Any:
    """POST /gpio/pulse."""
    channel = call.arguments.match("channel", "GPIO channel", CHANNEL)
    delay = call.arguments.decimal("delay", least=0, default=0.0)
    await call.device.gpio.pulse(channel, delay, call.arguments.flag("wait", default=False))
    return {}


async def log(call: Call) -> web.StreamResponse:
    """GET /log: plain text; with `follow` it goes on until the client leaves."""
    seek = call.arguments.integer("seek", least=0, default=0)
    follow = call.arguments.flag("follow", default=False)
    journal = call.device.log
    if not journal.readable:
        raise LogReaderDisabledError
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(call.request)
    told = 0
    while True:
        lines = journal.lines(seek, told)
        told = len(journal)
        await response.write("".join(lines).encode())
        if not follow:
            break
        await asyncio.sleep(LOG_POLL)
    await response.write_eof()
    return response


async def metrics(call: Call) -> web.Response:
    """GET /export/prometheus/metrics."""
    return web.Response(text=call.device.metrics.text(), content_type="text/plain")


async def redfish_root(call: Call) -> web.Response:
    """GET /redfish/v1, open to everybody."""
    root = {
        "@odata.id": "/redfish/v1",
        "@odata.type": "#ServiceRoot.v1_6_0.ServiceRoot",
        "Id": "RootService",
        "Name": "Root Service",
        "RedfishVersion": "1.6.0",
        "Systems": {"@odata.id": "/redfish/v1/Systems"},
    }
    if call.device.dialect.redfish_managers:
        root["Managers"] = {"@odata.id": "/redfish/v1/Managers"}
    return answers.raw_json(root)


async def redfish_systems(call: Call) -> web.Response:
    """GET /redfish/v1/Systems."""
    listed = call.device.atx.enabled or not call.device.dialect.info_legacy
    members = [{"@odata.id": "/redfish/v1/Systems/0"}] if listed else []
    systems = {
        "@odata.id": "/redfish/v1/Systems",
        "@odata.type": "#ComputerSystemCollection.ComputerSystemCollection",
        "Members": members,
        "Members@odata.count": len(members),
        "Name": "Computer System Collection",
    }
    return answers.raw_json(systems)


async def redfish_system(call: Call) -> web.Response:
    """GET /redfish/v1/Systems/0."""
    target = "/redfish/v1/Systems/0/Actions/ComputerSystem.Reset"
    actions: dict[str, Any] = {
        "#ComputerSystem.Reset": {"ResetType@Redfish.AllowableValues": list(RESETS), "target": target}
    }
    system = {
        "@odata.id": "/redfish/v1/Systems/0",
        "@odata.type": "#ComputerSystem.v1_10_0.ComputerSystem",
        "Actions": actions,
        "HostName": call.device.info.host,
        "Id": "0",
        "PowerState": "On" if call.device.atx.state()["leds"]["power"] else "Off",
    }
    if call.device.dialect.redfish_boot:
        actions["#ComputerSystem.SetDefaultBootOrder"] = {"target": f"{target[:-5]}SetDefaultBootOrder"}
        system["Boot"] = {"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None"}
    return answers.raw_json(system)


RESETS = {
    "On": "on",
    "ForceOn": "on",
    "ForceOff": "off_hard",
    "GracefulShutdown": "off",
    "ForceRestart": "reset_hard",
    "PushPowerButton": "",
}
"""Redfish reset types and the ATX action each stands for; the button is pressed without one."""


async def redfish_reset(call: Call) -> web.Response:
    """POST …/Actions/ComputerSystem.Reset."""
    try:
        reset = (await call.request.json())["ResetType"]
        action = RESETS[reset]
    except (ValueError, TypeError, KeyError) as error:
        raise HttpError("Missing or invalid ResetType") from error
    if call.device.atx.enabled or not call.device.dialect.info_legacy:
        if action:
            await call.device.atx.power(action, wait=False)
        else:
            await call.device.atx.click("power", wait=False)
    return web.Response(status=204)


ROUTES = [
    Route("POST", "/auth/login", login, open=True),
    Route("POST", "/auth/logout", logout),
    Route("GET", "/auth/check", check),
    Route("GET", "/info", info),
    Route("GET", "/atx", atx),
    Route("POST", "/atx/power", atx_power),
    Route("POST", "/atx/click", atx_click),
    Route("GET", "/gpio", gpio),
    Route("POST", "/gpio/switch", gpio_switch),
    Route("POST", "/gpio/pulse", gpio_pulse),
    Route("GET", "/log", log),
    Route("GET", "/export/prometheus/metrics", metrics),
    Route("GET", "/redfish/v1", redfish_root, open=True),
    Route("GET", "/redfish/v1/Systems", redfish_systems),
    Route("GET", "/redfish/v1/Systems/0", redfish_system),
    Route("POST", "/redfish/v1/Systems/0/Actions/ComputerSystem.Reset", redfish_reset),
]
