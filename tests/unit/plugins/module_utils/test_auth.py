# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who we are to a PiKVM."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.auth import Credentials
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def code(at: float) -> str:
    return str(pyotp.TOTP(SECRET).at(int(at)))


def totp(clock: Any) -> Credentials:
    return Credentials("admin", "hunter2", SECRET, clock=clock, sleep=clock.sleep)


def test_password_goes_into_kvmds_own_headers() -> None:
    login = Credentials("root", "pass:word")
    assert login.kind == "password"
    assert login.headers() == {"X-KVMD-User": "root", "X-KVMD-Passwd": "pass:word"}


def test_token_stands_in_for_password_and_code() -> None:
    login = Credentials("admin", "hunter2", SECRET, auth_token="0123abcd")
    assert login.kind == "token"
    assert login.headers() == {"Cookie": "auth_token=0123abcd"}


def test_nothing_is_sent_where_nothing_is_given() -> None:
    login = Credentials("admin")
    assert login.kind == "none"
    assert login.headers() == {}


def test_each_request_carries_the_code_of_its_moment(clock: Any) -> None:
    login = totp(clock)
    for moment in (1000.0, 1005.0, 1031.0, 90000.5):
        clock.now = moment
        assert login.headers()["X-KVMD-Passwd"] == f"hunter2{code(moment)}"
    assert clock.sleeps == []


@pytest.mark.parametrize(
    ("moment", "digits"), [(45, "287082"), (1111111115, "050471"), (1234567890, "005924"), (2000000000, "279037")]
)
def test_codes_are_those_of_the_standard(clock: Any, moment: int, digits: str) -> None:
    clock.now = float(moment)
    assert totp(clock).headers()["X-KVMD-Passwd"] == f"hunter2{digits}"


def test_secret_of_the_device_may_be_shorter_than_libraries_like(clock: Any) -> None:
    clock.now = 1111111115.0
    login = Credentials("admin", "hunter2", "JBSWY3DPEHPK3PXP", clock=clock, sleep=clock.sleep)
    assert login.headers()["X-KVMD-Passwd"] == "hunter2358462"


@pytest.mark.parametrize("left", [1.0, 0.5, 0.001])
def test_last_second_of_a_code_is_waited_out(clock: Any, left: float) -> None:
    clock.now = 1020 - left
    assert totp(clock).headers()["X-KVMD-Passwd"] == f"hunter2{code(1020)}"
    assert sum(clock.sleeps) == pytest.approx(left)


def test_code_with_more_than_a_second_left_is_sent_at_once(clock: Any) -> None:
    clock.now = 1018.5
    assert totp(clock).headers()["X-KVMD-Passwd"] == f"hunter2{code(1018)}"
    assert clock.sleeps == []


def test_next_code_follows_the_one_sent_last(clock: Any) -> None:
    login = totp(clock)
    clock.now = 1000.0
    login.headers()
    clock.now = 1000.4
    assert login.next_headers()["X-KVMD-Passwd"] == f"hunter2{code(1030)}"


@pytest.mark.parametrize("secret", [SECRET.lower(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", SECRET])
def test_secret_may_be_written_as_people_write_it(clock: Any, secret: str) -> None:
    clock.now = 1000.0
    login = Credentials("admin", "hunter2", secret, clock=clock, sleep=clock.sleep)
    assert login.headers()["X-KVMD-Passwd"] == f"hunter2{code(1000)}"


@pytest.mark.parametrize("secret", ["not-base32!", "018", "ÄÖÜ", SECRET[:-1] + "1"])
def test_bad_secret_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(OptionError) as caught:
        Credentials("admin", "hunter2", secret)
    assert str(caught.value) == "totp_secret: is not a base32 secret (letters A-Z and digits 2-7)"
    assert caught.value.__cause__ is None


def test_second_factor_needs_the_first() -> None:
    with pytest.raises(OptionError, match=r"^totp_secret: is the second factor of password, which is not set$"):
        Credentials("admin", None, SECRET)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"password": "pässword"}, "password: holds a character outside printable ASCII"),
        ({"password": "a\r\nX-Evil: 1"}, "password: holds a character outside printable ASCII"),
        ({"password": " blank"}, "password: begins or ends with a blank"),
        ({"password": "blank "}, "password: begins or ends with a blank"),
        ({"auth_token": "abc\n"}, "auth_token: holds a character outside printable ASCII"),
    ],
)
def test_what_no_header_can_carry_is_refused_without_being_quoted(values: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        Credentials("admin", **values)
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith(("a PiKVM does not accept", "does not survive an HTTP header"))


def test_user_name_is_checked_as_well() -> None:
    with pytest.raises(OptionError, match=r"^username: holds a character"):
        Credentials("admin\n", "hunter2")
