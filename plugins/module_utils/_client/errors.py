# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What can go wrong between us and a PiKVM, as types.

Every message is safe to show: it holds no credential, and what a device said is stripped of control characters.
"""

from __future__ import annotations

import re

LONGEST_QUOTE = 300


def quote(text: str, limit: int = LONGEST_QUOTE) -> str:
    """Foreign words made safe for a terminal and a log: printable, on one line, of bounded length."""
    words = re.sub(
        r"\s+", " ", "".join(c if c.isprintable() or c.isspace() else "?" for c in text[: 4 * limit])
    ).strip()
    return words if len(words) <= limit else words[:limit] + "…"


class PikvmError(Exception):
    """Anything that keeps a wish from being met.

    Attributes:
        notes: what was learnt afterwards, such as a clean-up that failed too.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.notes: list[str] = []


class OptionError(PikvmError):
    """A value given by the user cannot be used. Nothing was sent because of it."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(f"{option}: {message}")
        self.option = option


class MissingLibraryError(PikvmError):
    """A Python library that this request needs is not installed."""

    def __init__(self, library: str, trace: str) -> None:
        super().__init__(f"the Python library {library} is missing")
        self.library = library
        self.trace = trace


class ReadOnlyError(PikvmError):
    """A write was attempted through a read-only transport (check mode)."""


class UnreachableError(PikvmError):
    """No request was sent: the name, the port, the connection or its encryption failed."""


class UntrustedCertificateError(UnreachableError):
    """The server did not prove who it is. No credential was sent."""


class AnswerError(PikvmError):
    """A read got no answer, or one that a PiKVM does not give."""


class LostAnswerError(PikvmError):
    """A write was sent and its answer lost: it may or may not have been carried out."""


class StateError(PikvmError):
    """The device is in a state in which the wish cannot be met, or did not reach the wished state."""


class DeviceError(PikvmError):
    """The device answered, and refused.

    Attributes:
        status: HTTP status.
        name: kvmd's error class, or the HTTP reason where kvmd gave none.
        message: the device's own words.
        request: what was asked, as `POST /api/msd/remove image=a.iso`.
    """

    hint = ""

    def __init__(self, status: int, name: str, message: str, request: str, hint: str = "") -> None:
        self.status = status
        self.name = quote(name, 80)
        self.message = quote(message)
        self.request = request
        self.hint = hint or self.hint
        words = f"{self.name}: {self.message}" if self.message else self.name
        super().__init__(". ".join(filter(None, (f"{request} was answered {status} {words}", self.hint))))


class AuthError(DeviceError):
    """401 or 403: no credentials, wrong ones, or a session that has ended."""


class UnauthorizedError(AuthError):
    """401: no credentials were seen."""

    hint = "Set password (or auth_token): this PiKVM wants a login"


class ForbiddenError(AuthError):
    """403: credentials are wrong or the session has ended."""


class BusyError(DeviceError):
    """409: another operation is under way. Nothing was done."""

    hint = "Another operation was still under way: try again later or raise wait_timeout"


class ValidatorError(DeviceError):
    """400: kvmd does not accept a value."""


class UnavailableError(DeviceError):
    """503: the service asked for does not run at present."""


class NotOfferedError(DeviceError):
    """404 or 405: this device has no such function."""

    hint = "This PiKVM does not offer that function (an older kvmd?), or url is not the address of a PiKVM"


class ServerFault(DeviceError):
    """500, 502, 504 and their like: the device or a proxy failed, perhaps in mid-work."""


class DisabledError(DeviceError):
    """The part asked for is switched off in the PiKVM's configuration."""

    hint = "The owner of the PiKVM has switched this off in its configuration (/etc/kvmd/override.yaml)"


class OfflineError(DeviceError):
    """The part asked for is switched on but not there."""


class AtxDisabledError(DisabledError):
    """ATX is disabled."""


class AtxIsBusyError(BusyError):
    """Another power or reset press is under way."""


class MsdDisabledError(DisabledError):
    """MSD is disabled."""


class MsdIsBusyError(BusyError):
    """Another MSD operation is under way, such as an upload."""


class MsdOfflineError(OfflineError):
    """The virtual drive is missing."""

    hint = "The PiKVM has no virtual drive now: see whether its USB gadget and its storage are up"


class MsdConnectedError(DeviceError):
    """The drive is connected to the server, and must not be."""

    hint = "Disconnect the drive first (community.pikvm.pikvm_msd_drive with state=disconnected)"


class MsdDisconnectedError(DeviceError):
    """The drive is not connected to the server, and must be."""


class MsdImageNotSelected(DeviceError):
    """No image is selected."""


class MsdUnknownImageError(DeviceError):
    """The image is not in the storage."""


class MsdImageExistsError(DeviceError):
    """An image of that name is there already, complete or not."""


class MsdImageStaticError(DeviceError):
    """The image cannot be removed."""


class GpioChannelNotFoundError(DeviceError):
    """There is no such output channel."""

    hint = "community.pikvm.pikvm_info with gather_subset=gpio lists the channels"


class GpioSwitchNotSupported(DeviceError):
    """The channel can only be pulsed."""


class GpioPulseNotSupported(DeviceError):
    """The channel can only be switched."""


class GpioDriverOfflineError(OfflineError):
    """The hardware behind the channel does not answer."""


class GpioChannelIsBusyError(BusyError):
    """The channel is still at its last operation."""


BY_NAME: dict[str, type[DeviceError]] = {
    kind.__name__: kind
    for kind in (
        UnauthorizedError,
        ForbiddenError,
        ValidatorError,
        UnavailableError,
        AtxDisabledError,
        AtxIsBusyError,
        MsdDisabledError,
        MsdIsBusyError,
        MsdOfflineError,
        MsdConnectedError,
        MsdDisconnectedError,
        MsdImageNotSelected,
        MsdUnknownImageError,
        MsdImageExistsError,
        MsdImageStaticError,
        GpioChannelNotFoundError,
        GpioSwitchNotSupported,
        GpioPulseNotSupported,
        GpioDriverOfflineError,
        GpioChannelIsBusyError,
    )
}

BY_STATUS: dict[int, type[DeviceError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotOfferedError,
    405: NotOfferedError,
    409: BusyError,
    503: UnavailableError,
}


def device_error(status: int, name: str | None, message: str, reason: str, request: str, hint: str = "") -> DeviceError:
    """The typed error for an answer that is not a success.

    Args:
        name, message: of kvmd's envelope; name is None where the body was not one.
        reason: the HTTP reason phrase, which stands in for a missing name.
        hint: what to do next, in place of what the type advises.
    """
    kind = BY_NAME.get(name or "") or BY_STATUS.get(status) or (ServerFault if status >= 500 else DeviceError)
    return kind(status, name or reason or "unknown error", message, request, hint)
