# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts: how each subset is read, and which capabilities it tells.

A capability is what the device offers, not what its version promises: derived devices report the kvmd they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._client.api import Pikvm
from ._client.console import Hid, Ocr, Streamer
from ._client.errors import NotOfferedError

Reader = Callable[[], Any]
Able = Callable[[Any], bool]


@dataclass(frozen=True)
class Video:
    """The streamer, and whether it can read."""

    streamer: Streamer
    ocr: Ocr | None

    def as_result(self) -> dict[str, Any]:
        return {**self.streamer.as_result(), "ocr": self.ocr.as_result() if self.ocr else None}


@dataclass(frozen=True)
class Hands:
    """Keyboard and mouse, and for how long nobody has used them."""

    hid: Hid
    inactivity: float | None

    def as_result(self) -> dict[str, Any]:
        return {**self.hid.as_result(), "inactivity": self.inactivity}


@dataclass(frozen=True)
class Metrics:
    """Numbers by name."""

    numbers: dict[str, float]

    def as_result(self) -> dict[str, float]:
        return self.numbers


def readers(client: Pikvm) -> Mapping[str, tuple[Reader, Mapping[str, Able]]]:
    """For each subset but `info`: what reads it, or gives None where the device has no such thing; what it tells."""
    return {
        "atx": (client.atx, {"atx": lambda atx: atx.enabled}),
        "msd": (client.msd, {"msd": lambda msd: msd.enabled and msd.online}),
        "gpio": (client.gpio, {"gpio": lambda gpio: bool(gpio.outputs)}),
        "hid": (lambda: _hands(client), {"hid": lambda hands: hands.hid.enabled}),
        "streamer": (lambda: _video(client), {"ocr": lambda video: bool(video.ocr and video.ocr.enabled)}),
        "switch": (lambda: _offered(client.switch.state), {"switch": lambda switch: bool(switch.ports)}),
        "metrics": (lambda: _metrics(client), {"metrics": lambda metrics: bool(metrics.numbers)}),
    }


def _hands(client: Pikvm) -> Hands:
    return Hands(client.console.hid(), _offered(client.console.inactivity))


def _video(client: Pikvm) -> Video:
    return Video(client.console.streamer(), _offered(client.console.ocr))


def _metrics(client: Pikvm) -> Metrics | None:
    numbers = _offered(client.metrics)
    return None if numbers is None else Metrics(numbers)


def _offered(read: Reader) -> Any:
    """What is read, or None where the device does not know the path."""
    try:
        return read()
    except NotOfferedError:
        return None
