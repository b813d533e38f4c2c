# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may come in: passwords, one-time codes and sessions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass

from .clock import Clock
from .dialect import Dialect

CODE_DIGITS = 6
STEP_SECONDS = 30


def totp(secret: str, at: float) -> str:
    """The six digits (RFC 6238, SHA-1, 30 s) of a base32 secret at a Unix time."""
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(at) // STEP_SECONDS), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return str(number % 10**CODE_DIGITS).zfill(CODE_DIGITS)


@dataclass
class Session:
    """One login; `ends` is a Unix time of the device, 0 for never."""

    user: str
    ends: float
    held: int = 0
    """How many WebSockets keep it from ending."""


class Sessions:
    """The users, the device's TOTP secret and the sessions in memory."""

    def __init__(
        self, clock: Clock, dialect: Dialect, users: dict[str, str], totp_secret: str | None, enabled: bool
    ) -> None:
        self.enabled = enabled
        self.users = users
        self.totp_secret = totp_secret
        self.longest = 0
        """Seconds after which the device's owner lets every session end; 0 for never."""
        self._clock = clock
        self._dialect = dialect
        self._sessions: dict[str, Session] = {}

    def authorize(self, user: str, password: str) -> bool:
        """Whether the password, with a fresh code behind it where there is a secret, is right."""
        if self.totp_secret:
            password, code = password[:-CODE_DIGITS], password[-CODE_DIGITS:]
            if not self._code_is_valid(self.totp_secret, code):
                return False
        return user in self.users and hmac.compare_digest(self.users[user].encode(), password.encode())

    def login(self, user: str, expire: int) -> str:
        """A new session's token; it ends after `expire` seconds, 0 for never."""
        token = secrets.token_hex(32)
        expire = min(expire or self.longest, self.longest) if self.longest else expire
        self._sessions[token] = Session(user, self._clock.wall() + expire if expire else 0.0)
        return token

    def check(self, token: str) -> str | None:
        """The user of a session that has not ended."""
        session = self._sessions.get(token)
        if session is not None and not session.held and session.ends and session.ends <= self._clock.wall():
            del self._sessions[token]
            session = None
        return session.user if session else None

    def hold(self, token: str) -> Session | None:
        """A WebSocket has been opened with this token: the session does not end by itself before it is closed."""
        session = self._sessions.get(token.strip().lower())
        if session is not None and self._dialect.session_held:
            session.held += 1
        return session

    def release(self, session: Session | None) -> None:
        """The WebSocket has been closed."""
        if session is not None and self._dialect.session_held:
            session.held -= 1

    def logout(self, token: str) -> str | None:
        """End every session of the token's user, and tell who that is."""
        user = self.check(token)
        self._sessions = {key: session for key, session in self._sessions.items() if session.user != user}
        return user

    def forget(self, token: str | None = None) -> None:
        """End one session, or all."""
        if token is None:
            self._sessions.clear()
        else:
            self._sessions.pop(token, None)

    def _code_is_valid(self, secret: str, code: str) -> bool:
        window = self._dialect.totp_window
        steps = range(-window, window + 1)
        return any(hmac.compare_digest(totp(secret, self._clock.wall() + step * STEP_SECONDS), code) for step in steps)
