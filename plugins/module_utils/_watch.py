# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at a PiKVM: told by its events where a socket can be had, else by asking again and again."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from ._client.api import Pikvm
from ._client.errors import AnswerError, DeviceError, MissingLibraryError, UnreachableError
from ._client.events import EventSocket
from ._client.models import Atx, Gpio, Msd
from ._client.switch import Switch

FIRST_BURST = 5.0
"""Seconds within which a new socket has to tell the states that are looked at."""

SILENCE = 10.0
"""Seconds without any event after which a socket has to answer a ping."""

PONG_WITHIN = 5.0

REOPEN = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each attempt to open a broken socket again; the last is repeated."""

NO_SOCKET = (AnswerError, UnreachableError, DeviceError, MissingLibraryError)
"""Why there may be none. A login that is refused will be refused to the first question, too, and told then."""


class Watch:
    """The states of a PiKVM as of now.

    Args:
        kinds: which states are looked at: atx, gpio, msd, switch.
        stream: keep the video running as long as the watch is open.
        poll: seconds between two questions where there is no socket.

    Attributes:
        used: `events` or `polling`, whichever served last.
    """

    def __init__(self, client: Pikvm, kinds: set[str], stream: bool, poll: float) -> None:
        self._client = client
        self._kinds = kinds
        self._stream = stream
        self._poll = poll
        self._socket: EventSocket | None = None
        self._attempt = 0
        self._next_attempt = 0.0
        self._heard = 0.0
        self.used = "polling"

    def __enter__(self) -> Watch:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def atx(self, port: str | None = None) -> Atx:
        """The PiKVM's own, or those of a port of its switch. Raises OptionError where there is no such port."""
        if port is not None:
            told = self._told("switch")
            return (Switch.parse(told) if told else self._client.switch.state()).find(port).atx()
        told = self._told("atx")
        return Atx.parse(told) if told else self._client.atx()

    def gpio(self) -> Gpio:
        told = self._told("gpio")
        return Gpio.parse(told) if told else self._client.gpio()

    def msd(self) -> Msd:
        told = self._told("msd")
        return Msd.parse(told) if told else self._client.msd()

    def wait(self, seconds: float) -> None:
        """Wait for the next event of a kind that is looked at, or as long as polling does, but no longer than told."""
        deadline = time.monotonic() + seconds
        if self._socket is None and time.monotonic() >= self._next_attempt:
            self._open()
        if self._socket is None:
            time.sleep(max(0.0, min(self._poll, deadline - time.monotonic())))
            return
        try:
            self._listen(self._socket, deadline)
        except AnswerError:
            self._hang_up()
            self._put_off()

    def _listen(self, socket: EventSocket, deadline: float) -> None:
        """Until an event that is of interest, or until the deadline. Raises AnswerError where the socket is dead."""
        while time.monotonic() < deadline:
            kind = socket.receive(deadline - time.monotonic())
            if kind:
                self._heard = time.monotonic()
            if kind in self._kinds:
                return
        if time.monotonic() - self._heard >= SILENCE:
            if not socket.flush(PONG_WITHIN):
                socket.abort()  # there is nobody to take leave of
                raise AnswerError("The event socket is open, but nothing comes from it any more")
            self._heard = time.monotonic()

    def _told(self, kind: str) -> dict[str, Any]:
        """What events have told; empty where the PiKVM has to be asked."""
        told = self._socket.state.get(kind) if self._socket else {}
        self.used = "events" if told else "polling"
        return told

    def _open(self) -> None:
        try:
            self._socket = self._client.events(self._stream)
            if not self._socket.await_kinds(self._kinds, FIRST_BURST):
                raise AnswerError("The event socket is open, but does not tell what is looked at")
            self._heard = time.monotonic()
            self._attempt = 0
        except NO_SOCKET:
            self._hang_up()
            self._put_off()

    def _put_off(self) -> None:
        self._next_attempt = time.monotonic() + REOPEN[min(self._attempt, len(REOPEN) - 1)]
        self._attempt += 1

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
