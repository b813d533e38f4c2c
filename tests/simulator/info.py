# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GET /api/info tells, category by category, and in which categories each version tells it."""

from __future__ import annotations

from typing import Any

from .clock import Clock
from .dialect import Dialect
from .errors import ValidatorError

TICK = 5.0
WAVE = 60.0
MEMORY = 8186580992

THROTTLING = {
    "raw_flags": 0,
    "ignore_past": False,
    "parsed_flags": {
        "undervoltage": {"now": False, "past": False},
        "freq_capped": {"now": False, "past": False},
        "throttled": {"now": False, "past": False},
    },
}

PLATFORM = {
    "type": "rpi",
    "base": "Raspberry Pi 4 Model B Rev 1.5",
    "serial": "10000000ABCDEF01",
    "model": "v3",
    "video": "hdmi",
    "board": "rpi4",
}

FEATURES = {"WITH_GPIO": True, "WITH_JANUS": True, "WITH_PTHREAD_NP": True, "WITH_SETPROCTITLE": True}


class Info:
    """The device's own description."""

    def __init__(self, clock: Clock, dialect: Dialect, auth_enabled: bool) -> None:
        self.host = "pikvm.local"
        self._clock = clock
        self._dialect = dialect
        self._auth_enabled = auth_enabled

    def state(self, fields: list[str], legacy: bool) -> dict[str, Any]:
        """The categories asked for (none: the version's default ones)."""
        legacy = legacy or not self._dialect.info_legacy
        names = self._names(legacy)
        allowed = names | {"health"} if self._dialect.info_health else names
        if not set(fields) <= allowed:
            raise ValidatorError(f"Failed sub-validator on one of the item of {fields!r}")
        wanted = set(fields) or names
        result = {name: self._category(name) for name in wanted}
        if legacy and "hw" in wanted:
            result.pop("health", None)
        if self._dialect.info_legacy and "system" in wanted and "hw" not in wanted:
            result["system"]["platform"] = dict(PLATFORM)
        return result

    def categories(self) -> dict[str, Any]:
        """Every category as the WebSocket tells it; what changes all the time is told anew every 5 s."""
        now = self._clock.now()
        native = self._dialect.info_health
        names = self._names(legacy=not native)
        told = {name: self._category(name, now - now % TICK) for name in sorted(names)}
        if native:
            told["system"]["platform"] = dict(PLATFORM)
        return told

    def health(self) -> dict[str, Any]:
        """How the device's own board is."""
        return _health(self._clock.now())

    def _names(self, legacy: bool) -> set[str]:
        names = {"auth", "extras", "fan", "meta", "system"}
        names.add("hw" if legacy else "health")
        if self._dialect.info_uptime:
            names.add("uptime")
        if self._dialect.info_legacy:
            names.add("node")
        return names

    def _category(self, name: str, now: float | None = None) -> Any:
        now = self._clock.now() if now is None else now
        health = _health(now)
        categories: dict[str, Any] = {
            "auth": {"enabled": self._auth_enabled},
            "extras": self._extras(),
            "fan": {"monitored": False, "state": None},
            "health": health,
            "hw": {"platform": dict(PLATFORM), "health": health},
            "meta": self._meta(),
            "node": {"host": self.host},
            "system": self._system(),
            "uptime": _uptime(now),
        }
        return categories[name]

    def _extras(self) -> dict[str, Any]:
        names = ["ipmi", "vnc"]
        if self._dialect.extras_janus:
            names += ["janus", "janus_static"]
        return {
            name: {
                "name": name.upper(),
                "description": f"The {name} add-on",
                "icon": f"share/svg/{name}.svg",
                "path": name,
                "daemon": f"kvmd-{name}",
                "place": 20,
                "enabled": False,
                "started": False,
            }
            for name in names
        }

    def _meta(self) -> dict[str, Any]:
        meta: dict[str, Any] = {"server": {"host": "localhost.localdomain"}}
        if self._dialect.extras_janus:
            meta["kvm"] = {}
        return meta

    def _system(self) -> dict[str, Any]:
        return {
            "kvmd": {"version": self._dialect.version},
            "streamer": {"app": "ustreamer", "version": "6.40", "features": FEATURES},
            "kernel": {"system": "Linux", "release": "6.6.45-5-rpi", "version": "#1 SMP", "machine": "aarch64"},
        }


def _health(now: float) -> dict[str, Any]:
    """A load and a warmth that go up and down within a minute."""
    wave = abs(now % WAVE / (WAVE / 2) - 1)
    available = int(MEMORY * (0.85 + 0.05 * wave))
    return {
        "temp": {"cpu": round(46.0 + 4.0 * wave, 3)},
        "cpu": {"percent": round(5 + 10 * wave)},
        "mem": {"percent": round(100 * (1 - available / MEMORY), 1), "total": MEMORY, "available": available},
        "throttling": THROTTLING,
    }


UP_BEFORE = 86400
"""Seconds for which the Raspberry Pi had been up when the device was switched on."""


def _uptime(now: float) -> dict[str, Any]:
    total = int(now) + UP_BEFORE
    minutes, seconds = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return {"total": total, "parts": {"days": days, "hours": hours, "minutes": minutes, "seconds": seconds}}
