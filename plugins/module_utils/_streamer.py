# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The video: from its settings to those wished for, and the picture that the PiKVM keeps of it."""

from __future__ import annotations

from typing import Any

from ._client.api import Pikvm
from ._client.console import Streamer
from ._client.errors import OptionError
from ._client.models import whole
from ._plan import Plan, Step

VALID = {"quality": (1, 100), "desired_fps": (0, 120), "h264_bitrate": (25, 20000), "h264_gop": (0, 60)}
"""What kvmd takes at all. A device may have narrower limits, and drops in silence what is outside of them."""

SETTINGS = ("quality", "desired_fps", "resolution", "h264_bitrate", "h264_gop")

SHOWN_WITHIN = 10.0
"""Seconds for settings to show: the video starts anew with them about a second later."""


def plan_streamer(client: Pikvm, streamer: Streamer, wish: dict[str, Any]) -> Plan[Streamer]:
    """From the settings as they are to those wished for; None leaves as it is.

    Raises:
        OptionError: this PiKVM has no such setting, or its limits forbid the value.
    """
    wanted = {name: value for name, value in wish.items() if value is not None}
    for name, value in wanted.items():
        _require_possible(streamer, name, value)
    current = streamer.params
    changes = {name: value for name, value in wanted.items() if value != current[name]}

    def told(found: Streamer) -> dict[str, Any]:
        return {name: found.params.get(name) for name in changes}

    step: Step[Streamer] = Step(
        name="set_params",
        words=f"Setting {', '.join(changes)}",
        send=lambda: client.console.streamer_set_params(changes),
        done=lambda found: told(found) == changes,
        timeout=SHOWN_WITHIN,
        missed=lambda found: f"the PiKVM shows {told(found)}",
        repeatable=True,
    )
    return Plan({"params": current}, {"params": {**current, **changes}}, (step,) if changes else ())


def plan_reset(client: Pikvm, streamer: Streamer) -> Plan[Streamer]:
    """Let the video process begin anew. There is nothing to compare; one that ran has to run again."""
    step: Step[Streamer] = Step(
        name="reset",
        words="Resetting the video",
        send=client.console.streamer_reset,
        done=lambda found: found.running or not streamer.running,
        timeout=SHOWN_WITHIN,
        missed=lambda _streamer: "the video does not run again",
        telling=False,
    )
    return Plan({"params": streamer.params}, {"params": streamer.params}, (step,))


def plan_forget(client: Pikvm, streamer: Streamer) -> Plan[Streamer]:
    """Let the PiKVM keep no picture."""
    step: Step[Streamer] = Step(
        name="forget",
        words="Asking the PiKVM to forget its saved picture",
        send=client.console.forget_snapshot,
        done=lambda found: found.saved is None,
        timeout=SHOWN_WITHIN,
        missed=lambda _streamer: "it still keeps one",
        repeatable=True,
    )
    return Plan({"saved": streamer.saved}, {"saved": None}, (step,) if streamer.saved else ())


def _require_possible(streamer: Streamer, name: str, value: Any) -> None:
    """The device would drop in silence what is outside of its limits."""
    if name not in streamer.params:
        known = ", ".join(setting for setting in SETTINGS if setting in streamer.params) or "nothing"
        raise OptionError(name, f"the video of this PiKVM has no such setting; it can be set: {known}")
    if name == "resolution":
        offered = streamer.limits.get("available_resolutions")
        if isinstance(offered, list) and offered and value not in offered:
            raise OptionError(name, f"this PiKVM does not offer {value}; it offers: {', '.join(map(str, offered))}")
        return
    limit = streamer.limits.get(name)
    limit = limit if isinstance(limit, dict) else {}
    least, most = VALID[name]
    told_least, told_most = whole(limit.get("min")), whole(limit.get("max"))
    least = least if told_least is None else max(least, told_least)
    most = most if told_most is None else min(most, told_most)
    if not least <= value <= most:
        raise OptionError(name, f"must be between {least} and {most} on this PiKVM, not {value}")
