# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The device's values as Prometheus reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .atx import Atx
from .clock import Clock
from .gpio import Gpio
from .info import Info

CACHE_SECONDS = 5.0


class Metrics:
    """The text of GET /api/export/prometheus/metrics; up to five seconds old."""

    def __init__(self, clock: Clock, atx: Atx, gpio: Gpio, info: Info) -> None:
        self._clock = clock
        self._atx = atx
        self._gpio = gpio
        self._info = info
        self._text = ""
        self._fresh_until = 0.0

    def text(self) -> str:
        """All gauges, each with its type."""
        if not self._text or self._clock.now() >= self._fresh_until:
            lines = [f"# TYPE {name} gauge\n{name} {value}\n" for name, value in self._gauges()]
            self._text = "\n".join(lines)
            self._fresh_until = self._clock.now() + CACHE_SECONDS
        return self._text

    def _gauges(self) -> Iterator[tuple[str, float]]:
        atx = self._atx.state()
        yield "pikvm_atx_enabled", int(atx["enabled"])
        yield "pikvm_atx_power", int(atx["leds"]["power"])
        for kind, channels in self._gpio.state()["state"].items():
            for channel, state in channels.items():
                if not channel.startswith("__"):
                    # The real daemon puts the channel's state under `online` as well.
                    name = re.sub(r"[^a-zA-Z0-9_]", "_", channel)
                    yield f"pikvm_gpio_{kind[:-1]}_online_{name}", int(state["state"])
                    yield f"pikvm_gpio_{kind[:-1]}_state_{name}", int(state["state"])
        yield from _flatten("pikvm_hw", self._info.health())
        yield "pikvm_fan_monitored", 0


def _flatten(prefix: str, values: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in values.items():
        name = prefix if key == "parsed_flags" else f"{prefix}_{key}"
        if isinstance(value, dict):
            yield from _flatten(name, value)
        elif value is not None:
            yield name, int(value) if isinstance(value, bool) else value
