# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions that a task can wait for: LEDs, GPIO channels, an idle MSD, what the screen shows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from ._atx import lit, require_enabled
from ._client.api import Pikvm
from ._client.errors import OptionError, StateError, UnavailableError
from ._msd import busy, require_online
from ._wait import Waited
from ._watch import Watch

SAMPLE: dict[str, Any] = {"width": 64, "height": 36, "quality": 10}
"""So small and coarse a picture that the noise of a capture does not show, and a changed screen does."""

LONGEST_TEXT = 4000
NO_PICTURE = "no picture"

GONE_FOR = 1.0
"""Seconds that a text has to be gone before it can come back: a text that is misread once is not gone."""


class Comeback:
    """A text that may be on the screen once, and not a second time after it was gone."""

    def __init__(self, pattern: re.Pattern[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._pattern = pattern
        self._clock = clock
        self._seen = self._gone = False
        self._missed_at: float | None = None

    def look(self, text: str) -> str:
        """What has come back in this text of the screen; empty while nothing has."""
        found = self._pattern.search(text)
        if found:
            came_back, self._seen, self._missed_at = self._gone, True, None
            return found.group(0) if came_back else ""
        if self._seen:
            self._missed_at = self._clock() if self._missed_at is None else self._missed_at
            self._gone = self._gone or self._clock() - self._missed_at >= GONE_FOR
        return ""


class Conditions:
    """The conditions of one task; what is not asked for is None.

    Args:
        watch: where states come from.
        wanted: power (on, off), hdd (idle, active), gpio ({channel, state}), msd (idle), screen (stable, changed),
            screen_text (a regular expression).
        fail_text: regular expressions that end the wait with a failure as soon as the screen shows one.
        loop_text: a regular expression that does so when the screen shows it, no longer, and again.
        port: the port of the PiKVM Switch whose LEDs are meant.
    """

    def __init__(
        self,
        client: Pikvm,
        watch: Watch,
        wanted: dict[str, Any],
        fail_text: list[str],
        loop_text: str | None = None,
        port: str | None = None,
    ) -> None:
        self._client = client
        self._watch = watch
        self._port = port
        gpio = wanted.get("gpio")
        self._channel = gpio["channel"] if gpio else ""
        self._text = parse_pattern("screen_text", wanted.get("screen_text"))
        self._fatal = [parse_pattern("fail_text", pattern) for pattern in fail_text]
        start = parse_pattern("loop_text", loop_text)
        self._comeback = Comeback(start) if start else None
        self.wanted = {name: value for name, value in wanted.items() if value is not None}
        if gpio:
            self.wanted["gpio"] = gpio["state"]
        if self._text:
            self.wanted["screen_text"] = True
        self.text: str | None = None
        self._seen: dict[str, Any] = {}
        self._sample: bytes | None = None
        self._first_sample: bytes | None = None

    def look(self) -> dict[str, Any]:
        """What the asked-for things show now, each read once. Raises StateError where the screen shows a fatal text."""
        seen = self._seen = {}
        for look in (self._atx, self._gpio, self._msd, self._screen, self._read_text):
            seen.update(look())
        return self.observed

    @property
    def observed(self) -> dict[str, Any]:
        """What the last look has shown, as far as it came."""
        return {name: self._seen[name] for name in self.wanted if name in self._seen}

    def hold(self, observed: dict[str, Any]) -> bool:
        return observed == self.wanted

    def missed(self, waited: Waited, stable_for: float) -> str:
        """What to say when the time was up."""
        wished = ", ".join(f"{name} {value}" for name, value in self.wanted.items())
        seen = ", ".join(f"{name} {value}" for name, value in (waited.last or {}).items())
        held = f" for {stable_for:g} s" if stable_for else ""
        screen = (
            f". The screen showed: {' '.join(self.text.split())[:500] or 'no text'}" if self.text is not None else ""
        )
        return f"Waited {waited.elapsed:.1f} s for {wished}{held}; seen last: {seen}{screen}"

    def _atx(self) -> dict[str, str]:
        if "power" not in self.wanted and "hdd" not in self.wanted:
            return {}
        atx = require_enabled(self._watch.atx(self._port))
        return {"power": lit(atx), "hdd": "active" if atx.hdd else "idle"}

    def _gpio(self) -> dict[str, str]:
        if "gpio" not in self.wanted:
            return {}
        gpio = self._watch.gpio()
        channel = gpio.inputs.get(self._channel) or gpio.outputs.get(self._channel)
        if channel is None:
            known = ", ".join(sorted([*gpio.inputs, *gpio.outputs])) or "none"
            raise OptionError("gpio.channel", f"the PiKVM has no channel {self._channel!r}; it has: {known}")
        return {"gpio": "on" if channel.state and not channel.busy else "off"}

    def _msd(self) -> dict[str, str]:
        if "msd" not in self.wanted:
            return {}
        return {"msd": "busy" if busy(require_online(self._watch.msd())) else "idle"}

    def _screen(self) -> dict[str, str]:
        if "screen" not in self.wanted:
            return {}
        try:
            sample = self._client.console.snapshot(True, **SAMPLE).picture
        except UnavailableError:
            return {"screen": NO_PICTURE}
        before, self._sample = self._sample, sample
        self._first_sample = self._first_sample or sample
        if self.wanted["screen"] == "changed":
            return {"screen": "stable" if sample == self._first_sample else "changed"}
        return {"screen": "stable" if sample == before else "changed"}

    def _read_text(self) -> dict[str, bool]:
        if not self._text and not self._fatal and not self._comeback:
            return {}
        try:
            self.text = self._client.console.screen_text()[:LONGEST_TEXT]
        except UnavailableError:
            self.text = ""
        for pattern in self._fatal:
            found = pattern.search(self.text) if pattern else None
            if found:
                raise StateError(
                    f"The screen shows {found.group(0)!r}, which fail_text names: {self.text.strip()[:500]}"
                )
        again = self._comeback.look(self.text) if self._comeback else ""
        if again:
            raise StateError(
                f"The screen shows {again!r} a second time, which loop_text names: {self.text.strip()[:500]}"
            )
        return {"screen_text": bool(self._text and self._text.search(self.text))}


def parse_pattern(option: str, pattern: str | None) -> re.Pattern[str] | None:
    """A regular expression over the lines of a screen. Raises OptionError where it is none."""
    try:
        return re.compile(pattern, re.MULTILINE) if pattern else None
    except re.error as exc:
        raise OptionError(option, f"{pattern!r} is not a regular expression: {exc}") from exc


def needs_screen(params: dict[str, Any]) -> bool:
    """Whether the video has to run for what is asked for."""
    return any(params.get(name) for name in ("screen", "screen_text", "fail_text", "loop_text", "frame"))
