# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The video organ: a process that runs while somebody watches, and pictures of the computer's screen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import ocr, picture
from .clock import Clock
from .dialect import Dialect
from .errors import OcrError, UnavailableError
from .wiring import Machine

PARAMS = {"quality": 80, "desired_fps": 40, "h264_bitrate": 5000, "h264_gop": 30}

RANGES = {"quality": (1, 100), "desired_fps": (0, 120), "h264_bitrate": (25, 20000), "h264_gop": (0, 60)}
"""What the parameters' validators let through."""

LIMITS = {
    "desired_fps": {"min": 0, "max": 70},
    "h264_bitrate": {"min": 25, "max": 20000},
    "h264_gop": {"min": 0, "max": 60},
}

START, STOP, RESET, APPLY = 0.5, 10.0, 1.0, 1.0
"""Device seconds: until the process is there, until it goes after the last viewer, a reset, new parameters."""

LANGUAGE = "eng"
NO_SIGNAL = ("NO SIGNAL",)


@dataclass(frozen=True)
class Snapshot:
    """A picture, as it was when it was taken; `at` is a Unix time of the device."""

    online: bool
    lines: tuple[str, ...] | None
    """The text it was drawn from; nothing where it is of something real."""
    size: tuple[int, int]
    jpeg: bytes
    at: float

    def headers(self) -> dict[str, str]:
        """What the streamer tells about the picture."""
        return {
            "X-UStreamer-Online": str(self.online).lower(),
            "X-UStreamer-Dropped": "0",
            "X-UStreamer-Width": str(self.size[0]),
            "X-UStreamer-Height": str(self.size[1]),
            "X-UStreamer-Client-FPS": "0",
            "X-Timestamp": f"{self.at:.6f}",
        }


class Streamer:
    """Parameters, viewers, and a video source that is there while the computer runs."""

    def __init__(self, clock: Clock, dialect: Dialect, target: Callable[[], Machine], forever: bool) -> None:
        self.params = dict(PARAMS)
        self.saved: Snapshot | None = None
        self.cable = True
        self.ocr_allowed = True
        self._applied = dict(PARAMS)
        self._clock = clock
        self._dialect = dialect
        self._target = target
        self._forever = forever
        self._runs_from = 0.0
        self._runs_until = math.inf if forever else 0.0

    @property
    def running(self) -> bool:
        """Whether the video process is there."""
        return self._runs_from <= self._clock.now() < self._runs_until

    @property
    def online(self) -> bool:
        """Whether the video input has a signal."""
        return self.cable and self._target().signal

    def watched_by(self, viewers: int) -> None:
        """So many WebSockets want video now; the process starts with the first and goes 10 s after the last."""
        if self._forever:
            return
        now = self._clock.now()
        if viewers and now >= self._runs_until:
            self._runs_from = now + START
        if viewers:
            self._runs_until = math.inf
        elif math.isinf(self._runs_until):
            self._runs_until = now + STOP

    def state(self) -> dict[str, Any]:
        """The answer to GET /api/streamer."""
        state: dict[str, Any] = {
            "features": {"quality": True, "resolution": False, "h264": True},
            "limits": LIMITS,
            "params": dict(self.params),
            "streamer": self._process() if self.running else None,
            "snapshot": {"saved": self._saved()},
        }
        if self._dialect.streamer_applied:
            state["applied"] = dict(self._applied)
        return state

    def ocr(self) -> dict[str, Any]:
        """Whether text can be read from pictures, and in which languages."""
        available = list(self._target().ocr_languages) if self.ocr_allowed else []
        default = [LANGUAGE] if available else []
        return {"enabled": bool(available), "langs": {"default": default, "available": available}}

    def set_params(self, params: dict[str, int]) -> None:
        """Set what is given, a second later; values outside the device's limits are dropped in silence."""
        for name, value in params.items():
            limit = LIMITS.get(name)
            if limit is None or limit["min"] <= value <= limit["max"]:
                self.params[name] = value
        self._clock.after(APPLY, lambda: self._applied.update(self.params))

    def reset(self) -> None:
        """Start the process anew."""
        if self.running:
            self._runs_from = self._clock.now() + RESET

    def restart(self) -> None:
        """What a restart of kvmd leaves: no saved snapshot, parameters as configured."""
        self.saved = None
        self.params, self._applied = dict(PARAMS), dict(PARAMS)

    async def take(self, save: bool, load: bool, allow_offline: bool) -> Snapshot:
        """A picture, new or the saved one; `UnavailableError` where there is none to be had."""
        if load:
            if self.saved is None:
                raise UnavailableError
            return self.saved
        if not self.running or not (self.online or allow_offline):
            raise UnavailableError
        quality = self._applied["quality"]
        frame = await self._target().frame(quality) if self.online else None
        if frame is None and not allow_offline:
            raise UnavailableError
        shown = frame or picture.frame(NO_SIGNAL, picture.OFFLINE_SIZE, quality)
        snapshot = Snapshot(frame is not None, shown.lines, shown.size, shown.jpeg, self._clock.wall())
        if save:
            self.saved = snapshot
        return snapshot

    async def read(self, snapshot: Snapshot, region: picture.Region) -> str:
        """The text in a part of a picture."""
        if not self.ocr()["enabled"]:
            raise OcrError
        if snapshot.lines is None:
            return await ocr.read(snapshot.jpeg, region)
        return picture.read(snapshot.lines, region)

    def _saved(self) -> dict[str, Any] | None:
        if self.saved is None:
            return None
        return {"online": self.saved.online, "width": self.saved.size[0], "height": self.saved.size[1]}

    def _process(self) -> dict[str, Any]:
        online = self.online
        width, height = self._target().resolution if online else picture.OFFLINE_SIZE
        fps = 29 + int(self._clock.now()) % 2 if online else 0
        return {
            "instance_id": "",
            "encoder": {"type": "CPU", "quality": self._applied["quality"]},
            "h264": {
                "bitrate": self._applied["h264_bitrate"],
                "gop": self._applied["h264_gop"],
                "online": online,
                "fps": fps,
            },
            "sinks": {"jpeg": {"has_clients": False}, "h264": {"has_clients": False}},
            "source": {
                "resolution": {"width": width, "height": height},
                "online": online,
                "desired_fps": self._applied["desired_fps"],
                "captured_fps": fps,
            },
            "stream": {"queued_fps": 0, "clients": 0, "clients_stat": {}},
        }
