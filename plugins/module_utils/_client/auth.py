# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Who we are to a PiKVM: X-KVMD headers, two-factor codes, session tokens (kvmd's own order of precedence applies)."""

from __future__ import annotations

import base64
import time
import traceback
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Callable

from .errors import MissingLibraryError, OptionError

try:
    import pyotp
except ImportError:
    PYOTP_IMPORT_ERROR = traceback.format_exc()
else:
    PYOTP_IMPORT_ERROR = ""

    class DeviceTotp(pyotp.TOTP):
        """The device chose its secret: pyotp's minimum length is for whoever makes a new one."""

        def byte_secret(self) -> bytes:
            secret = self.secret
            return base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)


TOTP_STEP = 30
LAST_SECOND = 1.0
CLOCKS_AGREE = 5.0


class Credentials:
    """Login data of one user of one PiKVM.

    Args:
        username, password: as configured on the device. Without a password and a token no login data is sent at all,
            which is right for a device whose authentication is off.
        totp_secret: base32 secret of the second factor; its code is appended to the password.
        auth_token: a session to use in place of password and code.
        clock: seconds since the epoch.
        sleep: waits for a number of seconds.

    Raises:
        OptionError: a value cannot be sent in an HTTP header, or the secret is not base32.
        MissingLibraryError: `totp_secret` is given and pyotp is not installed.
    """

    def __init__(
        self,
        username: str,
        password: str | None = None,
        totp_secret: str | None = None,
        auth_token: str | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        _check_header("username", username)
        _check_header("password", password)
        _check_header("auth_token", auth_token)
        if totp_secret and not auth_token and not password:
            raise OptionError("totp_secret", "is the second factor of password, which is not set")
        self.username = username
        self._password = password
        self._token = auth_token
        self._clock = clock
        self._sleep = sleep
        self._totp = _totp(totp_secret) if totp_secret and not auth_token else None
        self._last_step = 0

    @property
    def kind(self) -> str:
        """What is sent: `token`, `totp`, `password` or `none`."""
        if self._token:
            return "token"
        if self._password is None:
            return "none"
        return "totp" if self._totp else "password"

    def headers(self) -> dict[str, str]:
        """Headers for a request sent at once. Waits while the current code is in its last second."""
        if self._totp and self._seconds_left() <= LAST_SECOND:
            self._sleep(self._seconds_left())
        return self._headers_at(int(self._clock() // TOTP_STEP))

    def next_headers(self) -> dict[str, str]:
        """Headers with the code after the one sent last, for the one retry after a 403."""
        return self._headers_at(self._last_step + 1)

    def hint(self, headers: Mapping[str, str]) -> str:
        """What to do about a 403, given the headers that it came with."""
        if self.kind == "token":
            return "The session of auth_token has ended or never was: get a new one"
        if self.kind != "totp":
            return (
                f"Wrong user name or password for user {self.username}; "
                f"or two-factor login is on, and totp_secret is needed"
            )
        return f"Wrong user name, password or totp_secret. {_clock_words(headers.get('Date', ''))}"

    def _seconds_left(self) -> float:
        return TOTP_STEP - self._clock() % TOTP_STEP

    def _headers_at(self, step: int) -> dict[str, str]:
        self._last_step = step
        if self._token:
            return {"Cookie": f"auth_token={self._token}"}
        if self._password is None:
            return {}
        code = self._totp.at(step * TOTP_STEP) if self._totp else ""
        return {"X-KVMD-User": self.username, "X-KVMD-Passwd": self._password + code}


def _check_header(option: str, value: str | None) -> None:
    """kvmd takes printable ASCII only, and HTTP drops the blanks around a header's value."""
    if value is None:
        return
    if any(not 0x20 <= ord(char) <= 0x7E for char in value):
        raise OptionError(option, "holds a character outside printable ASCII, which a PiKVM does not accept")
    if value != value.strip():
        raise OptionError(option, "begins or ends with a blank, which does not survive an HTTP header")


def _totp(secret: str) -> DeviceTotp:
    if PYOTP_IMPORT_ERROR:
        raise MissingLibraryError("pyotp", PYOTP_IMPORT_ERROR)
    try:
        totp = DeviceTotp(secret.replace(" ", ""))
        totp.at(0)
    except ValueError:
        # "from None": the original error may quote the secret
        raise OptionError("totp_secret", "is not a base32 secret (letters A-Z and digits 2-7)") from None
    return totp


def _clock_words(date: str) -> str:
    """How far the device's clock is from ours, from the Date header: the codes of a second factor need equal clocks."""
    try:
        skew = parsedate_to_datetime(date).timestamp() - time.time()
    except (TypeError, ValueError, OverflowError):
        return "The clocks could not be compared"
    if abs(skew) <= CLOCKS_AGREE:
        return "The clocks of the PiKVM and of this machine agree"
    side = "ahead of" if skew > 0 else "behind"
    return (
        f"The clock of the PiKVM is {abs(skew):.0f} s {side} this machine's: set the clocks right, codes depend on them"
    )
