# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listening to a PiKVM for as long as one likes, whatever becomes of the connection in between."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from typing import Callable

from ._changes import CONNECTION, Change, Filter, State, news, shaped
from ._client.api import Pikvm
from ._client.errors import AnswerError, AuthError, MissingLibraryError, PikvmError, UntrustedCertificateError
from ._client.events import WEBSOCKETS_IMPORT_ERROR, EventSocket

LOGGER = logging.getLogger("community.pikvm.events")

SILENCE = 10.0
"""Seconds without any event after which a socket has to answer a ping."""

PONG_WITHIN = 5.0

REOPEN = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before each attempt to open a lost socket again; the last is repeated."""

ASK_AGAIN = (30.0, 60.0, 120.0, 300.0)
"""The same where the login was refused or the certificate is not trusted: somebody has to mend that."""

STEADY = 30.0
"""Seconds that a socket has to hold before the next loss counts as the first again."""

UP = ("established", "restored")


class Listener:
    """Hears one PiKVM in a thread of its own, from `start` to `stop`.

    Args:
        wanted: which changes are told.
        initial: whether the first state of each kind is told, too.
        tell: takes the name and a change; called from the thread.

    Raises:
        MissingLibraryError: websockets is not installed.
    """

    def __init__(
        self, name: str, client: Pikvm, wanted: Filter, initial: bool, tell: Callable[[str, Change], None]
    ) -> None:
        if WEBSOCKETS_IMPORT_ERROR:
            raise MissingLibraryError("websockets", WEBSOCKETS_IMPORT_ERROR)
        self._name = name
        self._client = client
        self._wanted = wanted
        self._organs = wanted.kinds - {CONNECTION}
        self._initial = initial
        self._tell = tell
        self._known: dict[str, State] = {}
        self._connection: State = {"status": "connecting", "reason": None}
        self._up_since = math.inf
        self._socket: EventSocket | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pikvm-events-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the socket at once. An attempt to open one ends with its timeout, and nothing is told any more."""
        self._stopped.set()
        socket = self._socket
        if socket is not None:
            socket.abort()

    def _run(self) -> None:
        attempt = 0
        while not self._stopped.is_set():
            self._up_since = math.inf
            status, reason = self._listen()
            if self._stopped.is_set():
                break
            attempt = 0 if time.monotonic() - self._up_since >= STEADY else attempt
            pauses = ASK_AGAIN if status == "refused" else REOPEN
            pause = pauses[min(attempt, len(pauses) - 1)]
            self._connect(status, reason, f" (next attempt in {pause:g} s, and then ever more rarely)")
            attempt += 1
            self._stopped.wait(pause)
        self._client.close()

    def _listen(self) -> tuple[str, str]:
        """Listen until there is no connection any more; returns what that means, and why."""
        try:
            with contextlib.closing(self._client.events()) as socket:
                self._socket = socket
                self._hear(socket)
        except (AuthError, UntrustedCertificateError) as exc:
            return "refused", str(exc)
        except PikvmError as exc:
            return "lost", str(exc)
        except Exception as exc:  # a defect, ours or the device's, must not end the others
            LOGGER.debug("%s", self._name, exc_info=True)
            return "lost", f"Unexpected {type(exc).__name__}. This is a defect of community.pikvm: please report it"
        finally:
            self._socket = None
        return "lost", "stopped"

    def _hear(self, socket: EventSocket) -> None:
        """Until it is stopped. Raises AnswerError where the socket is dead."""
        while not self._stopped.is_set():
            kind = socket.receive(SILENCE)
            if kind is None and not socket.flush(PONG_WITHIN):
                socket.abort()  # it would not answer a farewell either
                raise AnswerError("The event socket is open, but nothing comes from it any more")
            if self._connection["status"] not in UP:
                self._up_since = time.monotonic()
                self._connect("established" if self._connection["status"] == "connecting" else "restored", None)
            for seen in self._organs if kind is None else self._organs & {kind}:  # a flush may have met any kind
                if seen in socket.state:
                    self._look(socket, seen)

    def _look(self, socket: EventSocket, kind: str) -> None:
        before = self._known.get(kind)
        state = shaped(kind, socket.state.get(kind), before)
        if state is None:
            return
        self._known[kind] = state
        if before is None:
            self._greet(kind, state)
            return
        changed = news(kind, before, state)
        if self._wanted.passes(changed):
            self._tell(self._name, Change.now(kind, state, before, changed))

    def _greet(self, kind: str, state: State) -> None:
        """The first state of a kind."""
        for name in self._wanted.missed(kind, state):
            LOGGER.warning("%s: filter: this PiKVM tells nothing that is called %s", self._name, name)
        if self._initial:
            self._tell(self._name, Change.now(kind, state, None, ()))

    def _connect(self, status: str, reason: str | None, what_next: str = "") -> None:
        """Note what the connection is like, and tell it where it was different before."""
        before = self._connection
        if before["status"] == status:
            return
        self._connection = {"status": status, "reason": reason}
        level = logging.INFO if status in UP else logging.ERROR if status == "refused" else logging.WARNING
        LOGGER.log(level, "%s: connection %s%s", self._name, status, f": {reason}{what_next}" if reason else "")
        changed = ["connection.status"] if before["reason"] == reason else ["connection.reason", "connection.status"]
        if self._wanted.passes(changed):
            self._tell(self._name, Change.now(CONNECTION, self._connection, before, changed))
