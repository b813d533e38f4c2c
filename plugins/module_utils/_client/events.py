# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The live state of a PiKVM over its WebSocket, and input events in real time.

kvmd has two dialects. Up to 4.20 every event is whole and its name ends in `_state`. From 4.21 on events are partial:
each says what changed, and has to be merged. `LiveState` understands both and keeps the shape that HTTP answers have.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import socket
import ssl
import time
import traceback
from typing import Any, Callable, cast
from urllib.parse import urlsplit

from .answer import Answer, Request, parse_json
from .auth import Credentials
from .bounds import LONGEST_EVENT, MOST_EVENTS, MOST_KINDS
from .duplex import DuplexSocket
from .errors import AnswerError, MissingLibraryError, ReadOnlyError, UnreachableError, UntrustedCertificateError, quote
from .tls import certificate_words, parse_fingerprint, trust_context
from .transport import Connection

try:
    from websockets.exceptions import InvalidStatus, WebSocketException
    from websockets.sync.client import ClientConnection, connect
except ImportError:
    WEBSOCKETS_IMPORT_ERROR = traceback.format_exc()
else:
    WEBSOCKETS_IMPORT_ERROR = ""

PATH = "/api/ws"
FAREWELL = 2.0
"""Seconds to wait for the other side to close a socket, too."""

WHOLE = ("atx", "hid", "ocr", "clients", "hid_keymaps", "loop")


class EventSocket:
    """One open WebSocket. Opening or closing it makes the PiKVM release all keys and buttons that are pressed.

    Args:
        stream: count as a viewer, so that the PiKVM captures video as long as the socket is open.
        read_only: refuse to send input (check mode).

    Raises:
        MissingLibraryError: websockets is not installed.
        UnreachableError, AuthError, AnswerError: no socket could be had.
    """

    def __init__(self, connection: Connection, stream: bool = False, read_only: bool = False) -> None:
        if WEBSOCKETS_IMPORT_ERROR:
            raise MissingLibraryError("websockets", WEBSOCKETS_IMPORT_ERROR)
        self.state = LiveState()
        self._read_only = read_only
        self._connection = connection
        self._credentials = Credentials(
            connection.username, connection.password, connection.totp_secret, connection.auth_token
        )
        self._request = Request("GET", PATH, {"stream": stream})
        self._socket = self._open()

    def receive(self, timeout: float) -> str | None:
        """The kind of the next event, which is merged into `state` by then; None if there is none in time.

        Raises:
            AnswerError: the socket broke.
        """
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            try:
                frame = self._socket.recv(timeout=max(0.0, left))
            except TimeoutError:
                self._duplex.backlog = 0
                return None
            except (WebSocketException, OSError, EOFError, ValueError) as exc:
                raise AnswerError(f"{self._request}: the socket broke: {quote(str(exc))}") from exc
            self._duplex.backlog = max(0, self._duplex.backlog - len(frame))
            kind = self._apply(frame)
            if kind or left <= 0:
                return kind

    def await_kinds(self, kinds: set[str], timeout: float) -> bool:
        """Receive until the state of each of these kinds is known. There is no end mark of the opening burst."""
        deadline = time.monotonic() + timeout
        while not all(kind in self.state for kind in kinds):
            if time.monotonic() >= deadline:
                return False
            self.receive(deadline - time.monotonic())
        return True

    def send(self, event_type: str, event: dict[str, Any]) -> None:
        """Send an input event. The PiKVM acknowledges none.

        Raises:
            ReadOnlyError: this socket must not write. AnswerError: the socket broke.
        """
        if self._read_only:
            raise ReadOnlyError(f"{event_type} was not sent: this run must not write")
        self._transmit(event_type, event)

    def flush(self, timeout: float) -> bool:
        """Whether the PiKVM has read all that was sent: events are handled in order, and it answers a ping."""
        self._transmit("ping", {})
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.receive(deadline - time.monotonic()) == "pong":
                return True
        return False

    def close(self) -> None:
        self._socket.close()

    def abort(self) -> None:
        """Close without farewell, at once and from any thread: whoever is receiving sees the socket break."""
        with contextlib.suppress(OSError):
            self._duplex.shutdown(socket.SHUT_RDWR)

    def _transmit(self, event_type: str, event: dict[str, Any]) -> None:
        try:
            self._socket.send(json.dumps({"event_type": event_type, "event": event}))
        except (WebSocketException, OSError) as exc:
            raise AnswerError(f"{event_type} over {PATH}: the socket broke: {quote(str(exc))}") from exc

    def _apply(self, frame: str | bytes) -> str | None:
        try:
            document = parse_json(frame)
        except ValueError:
            return None
        if not isinstance(document, dict) or not isinstance(document.get("event_type"), str):
            return None
        event = document.get("event")
        return self.state.apply(document["event_type"], event if isinstance(event, dict) else {})

    def _open(self) -> ClientConnection:
        """Open, once more with the next code where a second factor was refused."""
        try:
            return self._handshake(self._credentials.headers())
        except InvalidStatus as exc:
            if exc.response.status_code != 403 or self._credentials.kind != "totp":
                raise self._refusal(exc) from exc
        try:
            return self._handshake(self._credentials.next_headers())
        except InvalidStatus as exc:
            raise self._refusal(exc) from exc

    def _handshake(self, login: dict[str, str]) -> ClientConnection:
        """Trust is settled before the first header, and with it the login, is sent."""
        timeout = self._connection.timeout
        url = self._connection.url
        query = "&".join(f"{name}={value}" for name, value in self._request.query())
        place = f"ws://{url.split('://', 1)[1]}{PATH}?{query}"
        self._duplex = sock = trusted_socket(self._connection)
        try:
            opened = connect(
                place,
                sock=cast("socket.socket", sock),
                additional_headers=login,
                open_timeout=timeout,
                close_timeout=min(timeout, FAREWELL),
                compression=None,
                max_size=LONGEST_EVENT,
                max_queue=MOST_EVENTS,  # so many that a pong or a farewell never waits for what nobody has received yet
                user_agent_header="community.pikvm",
            )
        except (WebSocketException, OSError, EOFError, ValueError) as exc:
            sock.close()
            refused = exc if isinstance(exc, InvalidStatus) else exc.__context__
            if isinstance(refused, InvalidStatus):  # the context is that of a redirect, which newer websockets consider
                raise refused from None
            raise AnswerError(f"{self._request}: no socket: {quote(str(exc))}") from exc
        return opened.__enter__()  # websockets 17 wants it so; what it does on leaving is what close() does

    def _refusal(self, exc: InvalidStatus) -> Exception:
        response = exc.response
        headers = dict(response.headers.raw_items())
        hint = self._credentials.hint(headers) if response.status_code == 403 else ""
        body = bytes(response.body or b"")
        answer = Answer(self._request, response.status_code, response.reason_phrase, headers, body, hint)
        try:
            answer.check()
        except Exception as refused:  # noqa: BLE001  (the typed refusal is what is wanted)
            return refused
        return AnswerError(f"{self._request} was answered {response.status_code}, not with a socket")


def trusted_socket(connection: Connection) -> DuplexSocket:
    """A connected socket to a PiKVM, encrypted and checked as the connection's values say. Reading has no timeout.

    Raises:
        UnreachableError: there is no connection. UntrustedCertificateError: it leads to somebody else.
    """
    parts = urlsplit(connection.url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    try:
        sock = socket.create_connection((host, port), connection.timeout)
    except OSError as exc:
        words = quote(str(exc))
        raise UnreachableError(f"{connection.url}: no connection: {words}. Is the PiKVM up?") from exc
    if not secure:
        return DuplexSocket(sock, connection.timeout)
    pin = parse_fingerprint(connection.tls_fingerprint) if connection.tls_fingerprint else None
    try:
        wrapped = trust_context(connection.validate_certs, connection.ca_path, pin).wrap_socket(
            sock, server_hostname=host
        )
    except ssl.SSLCertVerificationError as exc:
        sock.close()
        raise UntrustedCertificateError(certificate_words(connection.url, quote(str(exc)))) from exc
    except OSError as exc:
        sock.close()
        raise UnreachableError(f"{connection.url}: the TLS handshake failed: {quote(str(exc))}") from exc
    found = hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()
    if pin and found != pin:
        wrapped.close()
        words = f'Fingerprints did not match. Expected "{pin}", got "{found}"'
        raise UntrustedCertificateError(certificate_words(connection.url, words))
    return DuplexSocket(wrapped, connection.timeout)


class LiveState:
    """What the events have told so far, by kind: atx, msd, gpio, hid, streamer, switch, info, ocr and others."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, Any]] = {}

    def __contains__(self, kind: str) -> bool:
        return kind in self._kinds

    def get(self, kind: str) -> dict[str, Any]:
        """The state of one kind as HTTP would answer it; empty before its first event."""
        return copy.deepcopy(self._kinds.get(kind, {}))

    def clear(self) -> None:
        """Forget all: a new connection begins with whole states."""
        self._kinds.clear()

    def apply(self, event_type: str, event: dict[str, Any]) -> str:
        """Merge an event and return its kind."""
        kind, event = _in_short_dialect(event_type, event)
        if kind not in self._kinds and len(self._kinds) >= MOST_KINDS:
            return kind
        known = self._kinds.get(kind, {})
        merge = MERGES.get(kind, _replace if kind in WHOLE else _merge_top)
        self._kinds[kind] = merge(known, event)
        return kind


def _in_short_dialect(event_type: str, event: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name and shape that kvmd 4.36 and later would give an event."""
    kind = event_type[:-6] if event_type.endswith("_state") else event_type
    if kind.startswith("info_"):
        return "info", {kind[5:]: event}
    if kind == "streamer_ocr":
        return "ocr", _dict(event.get("ocr", event))
    if kind == "gpio_model":
        return "gpio", {"model": event}
    if kind == "gpio" and not {"model", "state"} & set(event):
        return "gpio", {"state": event}
    return kind, event


def _replace(_known: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    return event


def _merge_top(known: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    return {**known, **event}


def _merge_gpio(known: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Whole with model and state; else the channels that changed."""
    if "model" in event and "state" in event:
        return event
    merged = _merge_top(known, {name: value for name, value in event.items() if name != "state"})
    state = dict(_dict(known.get("state")))
    for side, channels in _dict(event.get("state")).items():
        state[side] = {**_dict(state.get(side)), **_dict(channels)}
    return {**merged, "state": state}


def _merge_msd(known: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Whole with `enabled`; else what changed, and inside the storage each key that is there."""
    if "enabled" in event:
        return event
    merged = _merge_top(known, {name: value for name, value in event.items() if name != "storage"})
    if "storage" in event:
        merged["storage"] = {**_dict(known.get("storage")), **_dict(event["storage"])}
    return merged


def _merge_switch(known: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    return event if "model" in event else _merge_top(known, event)


MERGES: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "gpio": _merge_gpio,
    "msd": _merge_msd,
    "switch": _merge_switch,
}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
