# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the simulator lets in."""

from __future__ import annotations

import base64
import email.utils
import time

import pytest
import requests

from tests.simulator.sessions import totp
from tests.support.raw import until

from .client import ADMIN, Start, check, error_of, login

SECRET = base64.b32encode(b"12345678901234567890").decode()


def with_code(at: float) -> dict[str, str]:
    return {**ADMIN, "X-KVMD-Passwd": f"admin{totp(SECRET, at)}"}


@pytest.mark.parametrize(("at", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_rfc_6238(at: int, code: str) -> None:
    assert totp(SECRET, at) == code


@pytest.mark.parametrize(
    ("kvmd", "accepted"),
    [("4.197", {-60: 403, -30: 200, 0: 200, 30: 200, 60: 403}), ("4.20", {-30: 403, 0: 200, 30: 403})],
)
def test_code_window(pikvm: Start, kvmd: str, accepted: dict[int, int]) -> None:
    client = pikvm(kvmd=kvmd, totp_secret=SECRET)
    client.sim.fault("clock_skew", seconds=15.0 - time.time() % 30)
    now = client.sim.device.clock.wall()
    assert {offset: check(client, with_code(now + offset)) for offset in accepted} == accepted
    assert check(client, with_code(now)) == 200, "a code can be used twice"
    assert check(client, ADMIN) == 403, "the password alone does not do"


def test_clock_that_is_wrong_shows_in_the_date_header(pikvm: Start) -> None:
    client = pikvm(totp_secret=SECRET)
    client.sim.fault("clock_skew", seconds=600.0)
    answer = client.get("/api/auth/check", headers=with_code(time.time()))
    assert answer.status_code == 403
    shown = email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert 595 < shown - time.time() < 605
    assert check(client, with_code(shown)) == 200


def test_first_credential_present_decides(pikvm: Start) -> None:
    client = pikvm()
    stale = {"Cookie": f"auth_token={'0' * 64}"}
    basic = requests.auth.HTTPBasicAuth("admin", "admin")
    assert client.get("/api/auth/check", headers=stale, auth=basic).status_code == 403
    assert check(client, {**stale, **ADMIN}) == 200
    assert check(client, {"Authorization": "Bearer abc"}) == 401


def test_colon_breaks_basic(pikvm: Start) -> None:
    client = pikvm(password="a:b")
    answer = client.get("/api/auth/check", headers={}, auth=requests.auth.HTTPBasicAuth("admin", "a:b"))
    assert error_of(answer) == (401, "UnauthorizedError")
    assert check(client, {**ADMIN, "X-KVMD-Passwd": "a:b"}) == 200


def test_logout_ends_every_session_of_the_user(pikvm: Start) -> None:
    client = pikvm()
    one, other = login(client), login(client)
    assert check(client, one) == check(client, other) == 200
    refused = client.post("/api/auth/logout")
    assert refused.json()["result"]["error_msg"] == "The argument is not a valid auth token"
    assert client.post("/api/auth/logout", headers=one).status_code == 200
    assert check(client, one) == check(client, other) == 403


def test_session_expires_where_the_version_can(pikvm: Start) -> None:
    for kvmd, status in (("4.197", 403), ("4.20", 200)):
        client = pikvm(kvmd=kvmd)
        cookie = login(client, expire="5")
        assert check(client, cookie) == 200
        client.sim.fault("clock_skew", seconds=6.0)
        assert check(client, cookie) == status


def test_session_forgotten_in_the_middle(pikvm: Start) -> None:
    client = pikvm()
    cookie = login(client)
    client.sim.fault("session_expired", path="/atx$", times=1)
    assert check(client, cookie) == 200
    assert client.get("/api/atx", headers=cookie).status_code == 403
    assert check(client, cookie) == 403
    assert check(client, login(client)) == 200


def test_restart_forgets_sessions_and_selection(pikvm: Start) -> None:
    client = pikvm()
    cookie = login(client)
    client.sim.put_image("a.iso", b"x")
    client.post("/api/msd/set_params?image=a.iso")
    client.post("/api/gpio/switch?channel=relay1&state=1&wait=1")
    client.sim.fault("restarting", seconds=10.0)
    assert client.get("/api/atx").status_code == 502
    until(lambda: client.get("/api/atx").status_code == 200)
    assert check(client, cookie) == 403
    assert client.state("msd")["drive"]["image"] is None
    assert client.state("gpio")["state"]["outputs"]["relay1"]["state"] is False


def test_restart_keeps_a_connected_drive(pikvm: Start) -> None:
    client = pikvm()
    client.sim.put_image("a.iso", b"x")
    client.insert("a.iso")
    client.sim.fault("restarting", seconds=0.1)
    until(lambda: client.get("/api/atx").status_code == 200)
    drive = client.state("msd")["drive"]
    assert (drive["connected"], drive["image"]["name"]) == (True, "a.iso")


def test_authentication_off(pikvm: Start) -> None:
    client = pikvm(auth=False)
    answer = client.post("/api/auth/login", headers={})
    assert (answer.status_code, dict(answer.cookies)) == (200, {})
    assert client.get("/api/info", headers={}).json()["result"]["auth"] == {"enabled": False}
