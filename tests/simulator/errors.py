# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kvmd's deliberate errors: class name, HTTP status and message as the real daemon sends them."""

from __future__ import annotations


class KvmdError(Exception):
    """An error in kvmd's envelope; the class name is the `error`, the text the `error_msg`."""

    status = 400
    text = ""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(self.text if message is None else message)

    @property
    def name(self) -> str:
        """What the envelope carries as `error`."""
        return type(self).__name__


class NamedError(KvmdError):
    """An error of a library below kvmd, passed on under that library's class name."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self._name = name

    @property
    def name(self) -> str:
        """The foreign class name."""
        return self._name


class CrashError(Exception):
    """Something kvmd does not expect: the client sees only a bare 500 in plain text."""


class ValidatorError(KvmdError):
    pass


class UnauthorizedError(KvmdError):
    status, text = 401, "Unauthorized"


class ForbiddenError(KvmdError):
    status, text = 403, "Forbidden"


class UnavailableError(KvmdError):
    status, text = 503, "Service Unavailable"


class HttpError(KvmdError):
    pass


class AtxDisabledError(KvmdError):
    text = "ATX is disabled"


class AtxIsBusyError(KvmdError):
    status, text = 409, "Performing another ATX operation, please try again later"


class MsdDisabledError(KvmdError):
    text = "MSD is disabled"


class MsdIsBusyError(KvmdError):
    status, text = 409, "Performing another MSD operation, please try again later"


class MsdOfflineError(KvmdError):
    text = "MSD is not found"


class MsdConnectedError(KvmdError):
    text = "MSD is connected to Server, but shouldn't for this operation"


class MsdDisconnectedError(KvmdError):
    text = "MSD is disconnected from Server, but should be for this operation"


class MsdImageNotSelected(KvmdError):
    text = "The image is not selected"


class MsdUnknownImageError(KvmdError):
    text = "The image is not found in the storage"


class MsdImageExistsError(KvmdError):
    text = "This image is already exists"


class MsdRemoteDisabledError(KvmdError):
    text = "Remote images binding is disabled"


class GpioChannelNotFoundError(KvmdError):
    text = "GPIO channel is not found"


class GpioSwitchNotSupported(KvmdError):
    text = "This GPIO channel does not support switching"


class GpioPulseNotSupported(KvmdError):
    text = "This GPIO channel does not support pulsing"


class GpioChannelIsBusyError(KvmdError):
    status, text = 409, "Performing another GPIO operation on this channel, please try again later"


class GpioDriverOfflineError(KvmdError):
    def __init__(self, driver: str) -> None:
        super().__init__(f"GPIO driver {driver} is offline")


class OcrError(KvmdError):
    text = "Tesseract is not available"


class StreamerResolutionNotSupported(KvmdError):
    text = "This streamer does not support resolution settings"


class SwitchUnknownEdidError(KvmdError):
    text = "No specified EDID ID found"


class LogReaderDisabledError(KvmdError):
    text = "LogReader is disabled"
