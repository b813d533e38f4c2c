# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions that a task can wait for: LEDs, GPIO channels, an idle MSD."""

from __future__ import annotations

from typing import Any

from ._atx import lit, require_enabled
from ._client.api import Pikvm
from ._client.errors import OptionError
from ._msd import busy, require_online
from ._wait import Waited


class Conditions:
    """The conditions of one task; None is not asked for.

    Args:
        power: on or off. hdd: idle or active. gpio: {channel, state}. msd: idle.
    """

    def __init__(
        self,
        client: Pikvm,
        power: str | None,
        hdd: str | None,
        gpio: dict[str, str] | None,
        msd: str | None,
    ) -> None:
        self._client = client
        self._channel = gpio["channel"] if gpio else ""
        wanted = {"power": power, "hdd": hdd, "gpio": gpio["state"] if gpio else None, "msd": msd}
        self.wanted = {name: value for name, value in wanted.items() if value is not None}

    def look(self) -> dict[str, Any]:
        """What the asked-for things show now, each subset of the API read once."""
        seen: dict[str, Any] = {}
        for look in (self._atx, self._gpio, self._msd):
            seen.update(look())
        return {name: seen[name] for name in self.wanted}

    def hold(self, observed: dict[str, Any]) -> bool:
        return observed == self.wanted

    def missed(self, waited: Waited, stable_for: float) -> str:
        """What to say when the time was up."""
        wished = ", ".join(f"{name} {value}" for name, value in self.wanted.items())
        seen = ", ".join(f"{name} {value}" for name, value in waited.last.items())
        held = f" for {stable_for:g} s" if stable_for else ""
        return f"Waited {waited.elapsed:.1f} s for {wished}{held}; seen last: {seen}"

    def _atx(self) -> dict[str, str]:
        if "power" not in self.wanted and "hdd" not in self.wanted:
            return {}
        atx = require_enabled(self._client.atx())
        return {"power": lit(atx), "hdd": "active" if atx.hdd else "idle"}

    def _gpio(self) -> dict[str, str]:
        if "gpio" not in self.wanted:
            return {}
        gpio = self._client.gpio()
        channel = gpio.inputs.get(self._channel) or gpio.outputs.get(self._channel)
        if channel is None:
            known = ", ".join(sorted([*gpio.inputs, *gpio.outputs])) or "none"
            raise OptionError("gpio.channel", f"the PiKVM has no channel {self._channel!r}; it has: {known}")
        return {"gpio": "on" if channel.state and not channel.busy else "off"}

    def _msd(self) -> dict[str, str]:
        if "msd" not in self.wanted:
            return {}
        return {"msd": "busy" if busy(require_online(self._client.msd())) else "idle"}
