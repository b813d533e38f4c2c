# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in with a second factor, and what is said when that fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.api import Pikvm
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import ForbiddenError
from tests.support.expect import Start
from tests.support.raw import until

Connect = Callable[..., Pikvm]

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OTHER = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"
ONE_STEP = 30.0


@pytest.mark.parametrize("kvmd", ["4.197", "4.20", "3.334"])
def test_each_request_carries_an_accepted_code(simulator: Start, client: Connect, kvmd: str) -> None:
    sim = simulator(kvmd=kvmd, totp_secret=SECRET)
    pikvm = client(sim, totp_secret=SECRET)
    assert pikvm.atx().enabled
    pikvm.atx_click("power", wait=False)
    assert [record.status for record in sim.requests] == [200, 200]


@pytest.mark.parametrize("write", [False, True])
def test_refused_code_is_followed_by_the_next_one(simulator: Start, client: Connect, write: bool) -> None:
    sim = simulator(kvmd="4.20", totp_secret=SECRET)
    sim.fault("clock_skew", seconds=ONE_STEP)
    pikvm = client(sim, totp_secret=SECRET)
    pikvm.atx_click("power", wait=False) if write else pikvm.atx()
    assert [record.status for record in sim.requests] == [403, 200]
    until(lambda: sim.machine.powered is write)


@pytest.mark.parametrize(("skew", "side"), [(3600.0, "ahead of"), (-3600.0, "behind")])
def test_difference_of_the_clocks_is_named(simulator: Start, client: Connect, skew: float, side: str) -> None:
    sim = simulator(totp_secret=SECRET)
    sim.fault("clock_skew", seconds=skew)
    words = (
        rf"The clock of the PiKVM is (3599|3600|3601) s {side} this machine's: set the clocks right, codes depend on"
    )
    with pytest.raises(ForbiddenError, match=f"answered 403 ForbiddenError: Forbidden. Wrong user name, .*{words}"):
        client(sim, totp_secret=SECRET).atx()
    assert [record.status for record in sim.requests] == [403, 403]


@pytest.mark.parametrize(
    ("device", "options", "requests", "message"),
    [
        ({}, {"password": "geheim"}, 1, "Wrong user name or password for user admin; or two-factor login is on, and"),
        ({}, {"username": "root"}, 1, "Wrong user name or password for user root; or two-factor login is on, and"),
        ({"totp_secret": SECRET}, {}, 1, "or two-factor login is on, and totp_secret is needed"),
        ({"totp_secret": SECRET}, {"totp_secret": OTHER}, 2, "Wrong user name, password or totp_secret. The clocks of"),
        (
            {"totp_secret": SECRET},
            {"totp_secret": SECRET, "password": "geheim"},
            2,
            "Wrong user name, password or totp",
        ),
        ({}, {"auth_token": "a" * 64}, 1, "The session of auth_token has ended or never was: get a new one"),
    ],
)
def test_refused_login_says_what_to_look_at(
    simulator: Start, client: Connect, device: dict[str, Any], options: dict[str, Any], requests: int, message: str
) -> None:
    sim = simulator(**device)
    with pytest.raises(ForbiddenError) as caught:
        client(sim, **options).atx()
    assert message in str(caught.value)
    assert not re.search(f"geheim|{SECRET}|{OTHER}|{'a' * 64}", str(caught.value))
    assert [record.status for record in sim.requests] == [403] * requests


def test_agreeing_clocks_are_told_apart_from_wrong_secrets(simulator: Start, client: Connect) -> None:
    sim = simulator(totp_secret=SECRET)
    with pytest.raises(ForbiddenError, match="The clocks of the PiKVM and of this machine agree"):
        client(sim, totp_secret=OTHER).atx()


def test_session_stands_in_for_password_and_code(simulator: Start, client: Connect) -> None:
    sim = simulator(totp_secret=SECRET)
    token = sim.call(sim.device.sessions.login, "admin", 0)
    assert client(sim, password=None, auth_token=token).atx().enabled
    assert client(sim, password="wrong", totp_secret=OTHER, auth_token=token).atx().enabled
    sim.fault("session_expired")
    with pytest.raises(ForbiddenError, match="The session of auth_token has ended"):
        client(sim, auth_token=token).atx()


def test_device_without_authentication_needs_nothing(simulator: Start, client: Connect) -> None:
    assert client(simulator(auth=False), password=None).atx().enabled
