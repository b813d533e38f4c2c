# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The video organ's state; the picture itself is not there yet, so every snapshot is unavailable."""

from __future__ import annotations

from typing import Any

from .dialect import Dialect
from .machine import Machine

PARAMS = {"quality": 80, "desired_fps": 40, "h264_bitrate": 5000, "h264_gop": 30}

RANGES = {"quality": (1, 100), "desired_fps": (0, 120), "h264_bitrate": (25, 20000), "h264_gop": (0, 60)}
"""What the parameters' validators let through."""

LIMITS = {
    "desired_fps": {"min": 0, "max": 70},
    "h264_bitrate": {"min": 25, "max": 20000},
    "h264_gop": {"min": 0, "max": 60},
}


class Streamer:
    """Parameters, and a video source that is there while the computer runs."""

    def __init__(self, dialect: Dialect, machine: Machine) -> None:
        self.params = dict(PARAMS)
        self._dialect = dialect
        self._machine = machine

    def state(self) -> dict[str, Any]:
        """The answer to GET /api/streamer."""
        state: dict[str, Any] = {
            "features": {"quality": True, "resolution": False, "h264": True},
            "limits": LIMITS,
            "params": dict(self.params),
            "streamer": self._process(),
            "snapshot": {"saved": None},
        }
        if self._dialect.streamer_applied:
            state["applied"] = dict(self.params)
        return state

    def set_params(self, params: dict[str, int]) -> None:
        """Set what is given; values outside the device's limits are dropped in silence."""
        for name, value in params.items():
            limit = LIMITS.get(name)
            if limit is None or limit["min"] <= value <= limit["max"]:
                self.params[name] = value

    def _process(self) -> dict[str, Any]:
        online = bool(self._machine.screen)
        return {
            "instance_id": "",
            "encoder": {"type": "CPU", "quality": self.params["quality"]},
            "h264": {
                "bitrate": self.params["h264_bitrate"],
                "gop": self.params["h264_gop"],
                "online": online,
                "fps": 0,
            },
            "sinks": {"jpeg": {"has_clients": False}, "h264": {"has_clients": False}},
            "source": {
                "resolution": {"width": 640, "height": 480},
                "online": online,
                "desired_fps": self.params["desired_fps"],
                "captured_fps": 0,
            },
            "stream": {"queued_fps": 0, "clients": 0, "clients_stat": {}},
        }
