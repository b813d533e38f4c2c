# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The HTTP API of kvmd, one method for each thing a PiKVM can be asked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Callable

from .answer import Params, Request, parse_json
from .console import Console
from .errors import AnswerError, LostAnswerError, device_error
from .events import EventSocket
from .models import Atx, Gpio, Info, Msd, parse_metrics, whole
from .switch import SwitchApi
from .transport import Connection, Transport
from .upload import ImageFile

PRESS = 15.0
"""Seconds that a press may take: a long one lasts 5.5 s and settles for one more, and owners may stretch it."""

OPERATION = 50.0
"""Seconds that an MSD or GPIO operation may take: nginx gives up after 60."""


@dataclass(frozen=True)
class Transferred:
    """What the device says it stored: the name may differ from the one asked for."""

    name: str
    size: int
    written: int


class Pikvm:
    """One PiKVM.

    Every method may raise UnreachableError, AuthError and AnswerError; those that write also LostAnswerError, and
    ReadOnlyError where the transport is read-only. Refusals are DeviceErrors of the type kvmd names.
    """

    def __init__(self, connection: Connection, read_only: bool = False) -> None:
        self.transport = Transport(connection, read_only)
        self.console = Console(self.transport)
        self.switch = SwitchApi(self.transport)

    def close(self) -> None:
        self.transport.close()

    def events(self, stream: bool = False) -> EventSocket:
        """Open /api/ws. Raises MissingLibraryError, UnreachableError, AuthError, AnswerError."""
        return EventSocket(self.transport.connection, stream, self.transport.read_only)

    def login(self, expire: float | None = None) -> str:
        """POST /api/auth/login: the token of a new session.

        Args:
            expire: seconds until it ends, kvmd 4.53 and later; 0 and older versions: when kvmd restarts.

        Raises:
            AnswerError: the device gives no session, as where its authentication is switched off.
        """
        return self.transport.login(expire)

    def logout(self) -> None:
        """POST /api/auth/logout. Ends every session of the user, not only ours. Needs a token as login."""
        self.transport.post("/api/auth/logout")

    def check_login(self) -> None:
        """GET /api/auth/check. Raises AuthError."""
        self.transport.get("/api/auth/check")

    def log(self, since: float) -> str:
        """GET /api/log: the lines of the last `since` seconds. Raises DeviceError where the log is switched off."""
        return self.transport.get_raw("/api/log", {"seek": int(since)}).text

    def metrics(self) -> dict[str, float]:
        """GET /api/export/prometheus/metrics: names without labels, and numbers."""
        return parse_metrics(self.transport.get_raw("/api/export/prometheus/metrics").text)

    def info(self) -> Info:
        """GET /api/info, without `fields`: that is what all versions understand."""
        return Info.parse(self.transport.get("/api/info"))

    def atx(self) -> Atx:
        """GET /api/atx."""
        return Atx.parse(self.transport.get("/api/atx"))

    def atx_power(self, action: str) -> None:
        """POST /api/atx/power. Presses only if the power LED says that the press is needed; 200 either way.

        Args:
            action: on, off, off_hard or reset_hard.

        Raises:
            AtxDisabledError, AtxIsBusyError: nothing was pressed.
        """
        self.transport.post("/api/atx/power", {"action": action, "wait": True}, patience=PRESS)

    def atx_click(self, button: str, wait: bool = True) -> None:
        """POST /api/atx/click. Presses whatever the LED says.

        Args:
            button: power, power_long or reset.
            wait: until the button is released and has settled; never for the server to react.

        Raises:
            AtxDisabledError, AtxIsBusyError: nothing was pressed.
        """
        self.transport.post("/api/atx/click", {"button": button, "wait": wait}, patience=PRESS)

    def msd(self) -> Msd:
        """GET /api/msd."""
        return Msd.parse(self.transport.get("/api/msd"))

    def msd_set_params(
        self, image: str | None = None, cdrom: bool | None = None, read_write: bool | None = None
    ) -> None:
        """POST /api/msd/set_params. The drive must be disconnected. An empty `image` deselects.

        kvmd drops `read_write` in silence where the image or the media type forbids it: read it back.
        """
        params = {"image": image, "cdrom": cdrom, "rw": read_write}
        self.transport.post("/api/msd/set_params", params, patience=OPERATION)

    def msd_set_connected(self, connected: bool) -> None:
        """POST /api/msd/set_connected. Refused if it is so already."""
        self.transport.post("/api/msd/set_connected", {"connected": connected}, patience=OPERATION)

    def msd_reset(self) -> None:
        """POST /api/msd/reset: take the drive away by force. The state may show it connected for a second more."""
        self.transport.post("/api/msd/reset", patience=OPERATION)

    def msd_remove(self, name: str) -> None:
        """POST /api/msd/remove. The drive must be disconnected. The image may stay listed for a second."""
        self.transport.post("/api/msd/remove", {"image": name}, patience=OPERATION)

    def msd_write(self, name: str, image: ImageFile) -> Transferred:
        """POST /api/msd/write. The drive must be disconnected and the name free.

        Raises:
            OptionError: the file became shorter, or cannot be read any more.
            LostAnswerError: the connection broke; an incomplete image of that name may be left.
        """
        params: Params = {"image": name, "remove_incomplete": True}
        return _transferred(self.transport.post("/api/msd/write", params, image))

    def msd_write_remote(
        self,
        name: str,
        url: str,
        timeout: float,
        insecure: bool,
        stall: float,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Transferred:
        """POST /api/msd/write_remote: the PiKVM fetches the image itself.

        Args:
            timeout: seconds that the PiKVM may take to connect to the web server.
            insecure: the PiKVM does not check that server's certificate.
            stall: seconds without a sign of progress after which the transfer is given up.
            on_progress: called with the bytes written so far and the image's size, as often as the PiKVM tells them.

        Raises:
            DeviceError: refused, or failed on the way; the latter is said by the last line of an answer of status 200.
            LostAnswerError: the answer broke off; an incomplete image may be left.
        """
        params: Params = {
            "url": url,
            "image": name,
            "timeout": timeout,
            "insecure": insecure,
            "remove_incomplete": True,
        }
        path = "/api/msd/write_remote"
        last: dict[str, Any] = {}
        with self.transport.stream("POST", path, params, patience=max(stall, timeout)) as stream:
            try:
                for line in stream.lines():
                    last = _envelope(line) or last
                    if on_progress:
                        _report(last, on_progress)
            except AnswerError as exc:
                if last.get("ok") is not False:  # a failure is told first and the stream broken after it
                    raise LostAnswerError(f"{exc}. The image may be incomplete") from exc
        return _last_line(stream.request, last)

    def msd_sha256(self, name: str, size: int | None = None) -> str:
        """GET /api/msd/read: the SHA-256 of a stored image, as hex digits. The drive must be disconnected.

        Args:
            size: of the image, after which nothing more may come.
        """
        digest = hashlib.sha256()
        with self.transport.stream("GET", "/api/msd/read", {"image": name}, patience=OPERATION) as stream:
            for block in stream.blocks(size):
                digest.update(block)
        return digest.hexdigest()

    def gpio(self) -> Gpio:
        """GET /api/gpio."""
        return Gpio.parse(self.transport.get("/api/gpio"))

    def gpio_switch(self, channel: str, state: bool, wait: bool = True) -> None:
        """POST /api/gpio/switch. Without `wait` an offline driver goes unnoticed."""
        self.transport.post("/api/gpio/switch", {"channel": channel, "state": state, "wait": wait}, patience=OPERATION)

    def gpio_pulse(self, channel: str, delay: float | None, wait: bool = True) -> None:
        """POST /api/gpio/pulse: on for `delay` seconds, then off. The output ends off whatever it was."""
        params = {"channel": channel, "delay": delay, "wait": wait}
        self.transport.post("/api/gpio/pulse", params, patience=OPERATION)


def _transferred(result: dict[str, Any]) -> Transferred:
    image = result.get("image")
    image = image if isinstance(image, dict) else {}
    name, size, written = image.get("name"), whole(image.get("size")), whole(image.get("written"))
    if not isinstance(name, str) or size is None or written is None:
        raise AnswerError("POST /api/msd/write was answered 200 without saying what was written")
    return Transferred(name, size, written)


def _envelope(line: bytes) -> dict[str, Any] | None:
    try:
        found = parse_json(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _report(last: dict[str, Any], on_progress: Callable[[int, int], None]) -> None:
    """Pass on what a line says of bytes, if it says any."""
    result = last.get("result")
    image = result.get("image") if isinstance(result, dict) else None
    image = image if isinstance(image, dict) else {}
    written, size = image.get("written"), image.get("size")
    if isinstance(written, int):
        on_progress(written, size if isinstance(size, int) else 0)


def _last_line(request: Request, last: dict[str, Any]) -> Transferred:
    """Success is an ended stream whose last line says ok and names as many bytes written as the image has."""
    result = last.get("result")
    result = result if isinstance(result, dict) else {}
    if last.get("ok") is False:
        name, message = str(result.get("error")), str(result.get("error_msg"))
        hint = "It failed after the transfer had begun: the PiKVM answers 200 and says so at the end"
        raise device_error(200, name, message, "", str(request), hint)
    if last.get("ok") is not True:
        raise LostAnswerError(f"{request} was answered 200 without a word about the image")
    done = _transferred(result)
    if done.written != done.size:
        raise LostAnswerError(f"{request} ended after {done.written} of {done.size} bytes")
    return done
