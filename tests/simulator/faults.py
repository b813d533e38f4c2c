# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, switched on and off while the simulator runs.

Request faults strike each matching request and take these parameters besides their own:

* ``path``: a regular expression searched in the request's path (default: every path);
* ``times``: how many requests they strike before they are spent (default: all);
* ``writes``: only requests that are not GET (default false);
* ``when``: ``before`` (nothing is performed) or ``after`` (the device has done what was asked).

State faults change the device until they are cleared; with a ``path`` they begin with the first matching request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .device import Device
from .hub import Hub

REQUEST_FAULTS: dict[str, dict[str, Any]] = {
    "slow": {"seconds": 1.0, "when": "after"},
    "silent": {},
    "drop_request": {"abrupt": False},
    "truncate": {"when": "after"},
    "garbage": {},
    "html": {"status": 502},
    "error500": {},
    "ignore_write": {"writes": True},
    "drop_rw": {"writes": True},
    "upload_cut": {"bytes": 0, "writes": True},
    "session_expired": {},
    "refusal_close": {},
}
"""Names, their own parameters, and where a common parameter has another default.

slow: each answer comes `seconds` (real ones) late. silent: no answer ever. drop_request: the connection is closed
without an answer; `abrupt`: without the farewell TLS has for that. truncate: half of the answer's body, then the
connection is closed. garbage: 200 with a body that is not JSON. html: a proxy's error page. error500: a crash in kvmd.
ignore_write: 200 and nothing done. drop_rw: `rw=1` is read as absent. upload_cut: the connection is closed after so
many bytes of an upload's body. session_expired: the session of a request that shows a cookie is forgotten first.
refusal_close: the connection of an upload refused before its body was read is closed at once, where nginx would go on
discarding the body.
"""

STATE_FAULTS: dict[str, dict[str, Any]] = {
    "msd_busy": {"seconds": 5.0},
    "msd_offline": {},
    "msd_disabled": {},
    "full_disk": {"free": 0},
    "slow_card": {"bytes_per_second": 1048576.0},
    "atx_busy": {"seconds": 5.0},
    "atx_disabled": {},
    "gpio_offline": {},
    "clock_skew": {"seconds": 3600.0},
    "log_disabled": {},
    "session_limit": {"seconds": 60},
    "no_signal": {},
    "ocr_disabled": {},
    "ws_drop": {},
    "ws_silent": {},
    "restarting": {"seconds": 2.0},
}
"""Names and parameters; seconds are the device's, except those of `clock_skew`, which shifts the device's date.

full_disk: only `free` bytes are left. slow_card: uploads are stored no faster than that. log_disabled: the owner has
closed the log. session_limit: the owner lets no session last longer than so many (real) seconds. no_signal: the video
cable is out. ocr_disabled: there is no Tesseract. ws_drop: every open WebSocket is cut off, once. ws_silent: WebSockets
stay open and nothing comes from them, no pong either. restarting: 502 for so long; WebSockets, sessions, a selection
that is not connected and a running upload are lost, GPIO outputs go to their initial state.
"""

ABRUPT = "abrupt"
"""What a `ConnectionResetError` says that shall close the connection without farewell."""

COMMON = {"path": "", "times": 0, "writes": False, "when": "before"}
NAMES = sorted([*REQUEST_FAULTS, *STATE_FAULTS])


@dataclass
class Fault:
    """A fault that is switched on; `left` is null for one that is never spent, `armed` while a state fault waits."""

    name: str
    params: dict[str, Any]
    path: re.Pattern[str]
    left: int | None
    armed: bool

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is one of those this fault strikes."""
        spent = self.left is not None and self.left <= 0
        spared = self.params.get("writes", False) and method == "GET"
        return not (spent or spared) and self.path.search(path) is not None


class Faults:
    """The faults of one device, at most one of each name."""

    def __init__(self, device: Device, hub: Hub) -> None:
        self._device = device
        self._hub = hub
        self._active: dict[str, Fault] = {}
        self._restarting_until = 0.0

    def set(self, name: str, **params: Any) -> None:
        """Switch a fault on, in place of an earlier one of that name; `ValueError` for what is not known."""
        values = _check(name, params)
        self.clear(name)
        try:
            path = re.compile(values["path"])
        except re.error as error:
            raise ValueError(f"{name}: path is not a regular expression: {error}") from error
        state = name in STATE_FAULTS
        fault = Fault(name, values, path, values.get("times") or None, armed=state and bool(values["path"]))
        self._active[name] = fault
        if state and not fault.armed:
            self._apply(fault)

    def clear(self, name: str | None = None) -> None:
        """Switch one fault off, or all."""
        if name is not None and name not in NAMES:
            raise ValueError(f"no fault is called {name!r}; there are {', '.join(NAMES)}")
        for fault in [self._active[key] for key in list(self._active) if name in (None, key)]:
            del self._active[fault.name]
            if fault.name in STATE_FAULTS and not fault.armed:
                self._effects()[fault.name](None)

    def arriving(self, method: str, path: str) -> None:
        """A request has come: state faults that waited for it begin."""
        for fault in self._active.values():
            if fault.armed and fault.matches(method, path):
                fault.armed = False
                self._apply(fault)

    def take(self, name: str, method: str, path: str, when: str | None = None) -> dict[str, Any] | None:
        """The parameters of a fault that strikes this request now, or null; counts the stroke."""
        fault = self._active.get(name)
        if fault is None or not fault.matches(method, path) or when not in (None, fault.params["when"]):
            return None
        if fault.left is not None:
            fault.left -= 1
        return fault.params

    @property
    def restarting(self) -> bool:
        """Whether kvmd is down at the moment."""
        return self._device.clock.now() < self._restarting_until

    def describe(self) -> dict[str, Any]:
        """What is switched on, as JSON values."""
        return {name: {**fault.params, "left": fault.left} for name, fault in self._active.items()}

    def _apply(self, fault: Fault) -> None:
        self._effects()[fault.name](fault.params)

    def _effects(self) -> dict[str, Callable[[dict[str, Any] | None], None]]:
        """What each state fault does with its parameters, and undoes with null."""
        return {
            "msd_busy": lambda params: self._device.msd.occupy(params["seconds"] if params else 0.0),
            "msd_offline": lambda params: self._device.msd.set_online(params is None),
            "msd_disabled": lambda params: setattr(self._device.msd, "enabled", params is None),
            "full_disk": lambda params: self._device.storage.set_free(params["free"] if params else None),
            "slow_card": lambda params: setattr(
                self._device.storage, "card_rate", params["bytes_per_second"] if params else None
            ),
            "atx_busy": lambda params: self._device.atx.occupy(params["seconds"] if params else 0.0),
            "atx_disabled": lambda params: setattr(self._device.atx, "enabled", params is None),
            "gpio_offline": lambda params: setattr(self._device.gpio, "online", params is None),
            "clock_skew": lambda params: setattr(self._device.clock, "skew", params["seconds"] if params else 0.0),
            "log_disabled": lambda params: setattr(self._device.log, "readable", params is None),
            "session_limit": lambda params: setattr(
                self._device.sessions, "longest", params["seconds"] if params else 0
            ),
            "no_signal": lambda params: setattr(self._device.streamer, "cable", params is None),
            "ocr_disabled": lambda params: setattr(self._device.streamer, "ocr_allowed", params is None),
            "ws_drop": lambda params: self._hub.drop() if params is not None else None,
            "ws_silent": lambda params: setattr(self._hub, "silent", params is not None),
            "restarting": self._restart,
        }

    def _restart(self, params: dict[str, Any] | None) -> None:
        if params is None:
            self._restarting_until = 0.0
        else:
            self._restarting_until = self._device.clock.now() + params["seconds"]
            self._device.restart()
            self._hub.drop()


def _check(name: str, params: dict[str, Any]) -> dict[str, Any]:
    if name in REQUEST_FAULTS:
        known = {**COMMON, **REQUEST_FAULTS[name]}
    elif name in STATE_FAULTS:
        known = {"path": "", **STATE_FAULTS[name]}
    else:
        raise ValueError(f"no fault is called {name!r}; there are {', '.join(NAMES)}")
    for key, value in params.items():
        if key not in known:
            raise ValueError(f"{name} has no parameter {key!r}; it has {', '.join(sorted(known))}")
        wanted = (int, float) if isinstance(known[key], float) else type(known[key])
        if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(known[key], bool):
            raise ValueError(f"{name}: {key} must be like {known[key]!r}, not {value!r}")
    values = {**known, **params}
    if values.get("when", "before") not in ("before", "after"):
        raise ValueError(f"{name}: when must be before or after")
    return values
