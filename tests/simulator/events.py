# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the states of the organs are told over a WebSocket: whole or in parts, under old names or new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from .device import Device
from .dialect import Dialect

Event = tuple[str, dict[str, Any]]
States = dict[str, dict[str, Any]]

PROGRESS_SECONDS = 1.0
"""Device seconds between two events about the same transfer."""


class Voice(Enum):
    """The ways a WebSocket is spoken to."""

    WHOLE = "whole"
    """Whole states under names that end in `_state` (to 4.20, and on request to 4.35)."""
    SUFFIXED = "suffixed"
    """Parts under names that end in `_state` (4.21 to 4.35)."""
    SHORT = "short"
    """Parts under short names (4.36+)."""

    @classmethod
    def of(cls, dialect: Dialect, legacy: bool) -> Voice:
        """The voice for a client; `legacy` counts only where the version reads it."""
        if not dialect.ws_partial or (legacy and dialect.ws_legacy is not None):
            return cls.WHOLE
        return cls.SHORT if dialect.ws_short_names else cls.SUFFIXED


def collect(device: Device) -> States:
    """What every organ says of itself now."""
    states = {
        "gpio": device.gpio.state(),
        "atx": device.atx.state(),
        "msd": device.msd.state(),
        "ocr": device.streamer.ocr(),
        "streamer": device.streamer.state(),
        "hid_keymaps": device.hid.keymaps(),
        "hid": device.hid.state(),
        "info": device.info.categories(),
    }
    if device.dialect.switch:
        states["switch"] = device.switch.state()
    return states


def opening(states: States, voice: Voice) -> Iterator[Event]:
    """Everything, as a client hears it when it comes."""
    for topic, state in states.items():
        yield from _whole(topic, None, state) if voice is Voice.WHOLE else _first(topic, state, voice)


def changes(before: States, now: States, voice: Voice) -> Iterator[Event]:
    """What has changed."""
    for topic, state in now.items():
        if state != before[topic]:
            told = _whole if voice is Voice.WHOLE else _parts(voice)
            yield from told(topic, before[topic], state)


def hold_back(before: States, now: States) -> bool:
    """Whether the drive differs only in how far its transfer has come."""
    old, new = before["msd"], now["msd"]
    if not (old["storage"] and new["storage"]) or old["drive"] != new["drive"] or old["busy"] != new["busy"]:
        return False
    transfers = [(storage["uploading"], storage["downloading"]) for storage in (old["storage"], new["storage"])]
    same = [[bool(transfer) for transfer in pair] for pair in transfers]
    return same[0] == same[1] and any(same[0]) and old["storage"]["images"] == new["storage"]["images"]


def _whole(topic: str, before: dict[str, Any] | None, state: dict[str, Any]) -> Iterator[Event]:
    if topic == "gpio":
        if before is None or before["model"] != state["model"]:
            yield "gpio_model_state", state["model"]
        yield "gpio_state", state["state"]
    elif topic == "info":
        for category, value in state.items():
            if before is None or before.get(category) != value:
                yield f"info_{category}_state", value
    elif topic == "ocr":
        yield "streamer_ocr_state", {"ocr": state}
    elif topic != "switch":
        yield f"{topic}_state", state


def _first(topic: str, state: dict[str, Any], voice: Voice) -> Iterator[Event]:
    if topic == "info":
        for category, value in state.items():
            yield _named(topic, voice), {category: value}
    elif topic == "msd":
        yield _named(topic, voice), _without_totals(state)
    else:
        yield _named(topic, voice), state


def _parts(voice: Voice) -> Callable[[str, dict[str, Any], dict[str, Any]], Iterator[Event]]:
    def tell(topic: str, before: dict[str, Any], state: dict[str, Any]) -> Iterator[Event]:
        name = _named(topic, voice)
        if topic == "info":
            for category in _changed(before, state):
                yield name, {category: state[category]}
        elif topic == "streamer" or (topic == "switch" and before["model"] == state["model"]):
            yield name, {key: state[key] for key in _changed(before, state)}
        elif topic == "gpio" and before["model"] == state["model"]:
            yield name, {"state": _changed_channels(before["state"], state["state"])}
        elif topic == "msd":
            yield name, _changed_drive(_without_totals(before), _without_totals(state))
        else:
            yield name, state

    return tell


def _named(topic: str, voice: Voice) -> str:
    return topic if voice is Voice.SHORT else f"{topic}_state"


def _changed(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [key for key, value in now.items() if key not in before or before[key] != value]


def _changed_channels(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    return {kind: {name: channels[name] for name in _changed(before[kind], channels)} for kind, channels in now.items()}


def _changed_drive(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    whole = any(before[key] != now[key] for key in ("enabled", "online"))
    if whole or any((before[key] is None) != (now[key] is None) for key in ("storage", "drive")):
        return now
    part = {key: now[key] for key in _changed(before, now)}
    if "storage" in part:
        part["storage"] = {key: now["storage"][key] for key in _changed(before["storage"], now["storage"])}
    return part


def _without_totals(state: dict[str, Any]) -> dict[str, Any]:
    """Partial events never had the totals of the storage."""
    if state["storage"] is None:
        return state
    return {**state, "storage": {key: state["storage"][key] for key in state["storage"] if key not in ("size", "free")}}
