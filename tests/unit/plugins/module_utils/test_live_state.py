# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a PiKVM after a series of events, as each generation of kvmd words them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.events import LiveState

Events = list[tuple[str, dict[str, Any]]]

MODEL = {"scheme": {"inputs": {}, "outputs": {}}, "view": {}}
OTHER_MODEL = {"scheme": {"inputs": {"door": {}}, "outputs": {}}, "view": {}}
IMAGES = {"a.iso": {"size": 1, "complete": True}}
PARTS = {"": {"size": 10, "free": 9, "writable": True}}
DRIVE = {"image": None, "connected": False, "cdrom": True, "rw": False}
STORAGE = {"images": {}, "parts": PARTS, "uploading": None, "downloading": None}
MSD = {"enabled": True, "online": True, "busy": False, "storage": STORAGE, "drive": DRIVE}
SWITCH = {"model": {"ports": [1, 2]}, "summary": {"active_port": 0}, "atx": {"busy": [False, False]}}
STREAMER = {"features": {}, "limits": {}, "params": {"quality": 80}, "streamer": None, "snapshot": {"saved": None}}


def channel(state: bool) -> dict[str, Any]:
    return {"online": True, "state": state}


GPIO = {
    "model": MODEL,
    "state": {"inputs": {"led": channel(False)}, "outputs": {"a": channel(False), "b": channel(True)}},
}


def told(kind: str, events: Events) -> dict[str, Any]:
    live = LiveState()
    for event_type, event in events:
        live.apply(event_type, event)
    return live.get(kind)


REPLACED_WHOLE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("atx", {"enabled": True, "busy": True, "acts": {"power": True}}, {"enabled": True, "busy": False}),
    ("hid", {"online": True, "jiggler": {"active": True}}, {"online": False}),
    ("ocr", {"enabled": True, "langs": {"default": ["eng"]}}, {"enabled": False}),
    ("clients", {"count": 2, "names": []}, {"count": 1}),
    ("hid_keymaps", {"keymaps": {"default": "de"}, "more": 1}, {"keymaps": {"default": "en-us"}}),
]


@pytest.mark.parametrize("suffix", ["", "_state"], ids=["4.36", "4.21"])
@pytest.mark.parametrize(("kind", "first", "second"), REPLACED_WHOLE, ids=[row[0] for row in REPLACED_WHOLE])
def test_whole_kinds_are_replaced(kind: str, first: dict[str, Any], second: dict[str, Any], suffix: str) -> None:
    assert told(kind, [(kind + suffix, first), (kind + suffix, second)]) == second


PARTIAL: dict[str, tuple[str, Events, dict[str, Any]]] = {
    "info by category": (
        "info",
        [("info", {"auth": {"enabled": True}}), ("info", {"fan": None}), ("info", {"auth": {"enabled": False}})],
        {"auth": {"enabled": False}, "fan": None},
    ),
    "info may become null": ("info", [("info", {"meta": {"a": 1}}), ("info", {"meta": None})], {"meta": None}),
    "streamer by top key, each whole": (
        "streamer",
        [
            ("streamer", STREAMER),
            ("streamer", {"streamer": {"source": {"online": True}}}),
            ("streamer", {"params": {}}),
        ],
        {**STREAMER, "streamer": {"source": {"online": True}}, "params": {}},
    ),
    "streamer stops": (
        "streamer",
        [("streamer", {**STREAMER, "streamer": {"source": {}}}), ("streamer", {"streamer": None})],
        STREAMER,
    ),
    "gpio by channel": (
        "gpio",
        [("gpio", GPIO), ("gpio", {"state": {"inputs": {}, "outputs": {"a": channel(True)}}})],
        {"model": MODEL, "state": {**GPIO["state"], "outputs": {"a": channel(True), "b": channel(True)}}},
    ),
    "gpio of one side": (
        "gpio",
        [("gpio", GPIO), ("gpio", {"state": {"inputs": {"led": channel(True)}}})],
        {"model": MODEL, "state": {**GPIO["state"], "inputs": {"led": channel(True)}}},
    ),
    "gpio with model is whole": (
        "gpio",
        [("gpio", GPIO), ("gpio", {"model": OTHER_MODEL, "state": {"inputs": {}, "outputs": {}}})],
        {"model": OTHER_MODEL, "state": {"inputs": {}, "outputs": {}}},
    ),
    "msd busy": ("msd", [("msd", MSD), ("msd", {"busy": True})], {**MSD, "busy": True}),
    "msd progress": (
        "msd",
        [("msd", MSD), ("msd", {"storage": {"uploading": {"name": "a.iso", "size": 3, "written": 1}}})],
        {**MSD, "storage": {**STORAGE, "uploading": {"name": "a.iso", "size": 3, "written": 1}}},
    ),
    "msd images are whole": (
        "msd",
        [("msd", MSD), ("msd", {"storage": {"images": IMAGES}}), ("msd", {"storage": {"images": {}}})],
        MSD,
    ),
    "msd upload over": (
        "msd",
        [
            ("msd", MSD),
            ("msd", {"busy": True, "storage": {"uploading": {"name": "a.iso"}}}),
            ("msd", {"busy": False, "storage": {"uploading": None, "images": IMAGES}}),
        ],
        {**MSD, "storage": {**STORAGE, "images": IMAGES}},
    ),
    "msd drive is whole": (
        "msd",
        [("msd", MSD), ("msd", {"drive": {"connected": True}})],
        {**MSD, "drive": {"connected": True}},
    ),
    "msd drive goes alone": ("msd", [("msd", MSD), ("msd", {"drive": None})], {**MSD, "drive": None}),
    "msd with enabled is whole": (
        "msd",
        [("msd", MSD), ("msd", {"enabled": True, "online": False, "busy": False, "storage": None, "drive": None})],
        {"enabled": True, "online": False, "busy": False, "storage": None, "drive": None},
    ),
    "msd comes back": (
        "msd",
        [("msd", {"enabled": True, "online": False, "busy": False, "storage": None, "drive": None}), ("msd", MSD)],
        MSD,
    ),
    "switch by top key, each whole": (
        "switch",
        [("switch", SWITCH), ("switch", {"summary": {"active_port": 1}}), ("switch", {"atx": {"busy": [True, False]}})],
        {**SWITCH, "summary": {"active_port": 1}, "atx": {"busy": [True, False]}},
    ),
    "switch with model is whole": (
        "switch",
        [("switch", SWITCH), ("switch", {"model": {"ports": []}})],
        {"model": {"ports": []}},
    ),
}


@pytest.mark.parametrize("suffix", ["", "_state"], ids=["4.36", "4.21"])
@pytest.mark.parametrize(("kind", "events", "state"), PARTIAL.values(), ids=PARTIAL)
def test_parts_are_merged(kind: str, events: Events, state: dict[str, Any], suffix: str) -> None:
    assert told(kind, [(name + suffix, event) for name, event in events]) == state


OLD: dict[str, tuple[str, Events, dict[str, Any]]] = {
    "gpio in two events": (
        "gpio",
        [("gpio_model_state", MODEL), ("gpio_state", GPIO["state"])],
        {"model": MODEL, "state": GPIO["state"]},
    ),
    "gpio in two events, the other way round": (
        "gpio",
        [("gpio_state", GPIO["state"]), ("gpio_model_state", MODEL)],
        {"model": MODEL, "state": GPIO["state"]},
    ),
    "gpio changes": (
        "gpio",
        [
            ("gpio_model_state", MODEL),
            ("gpio_state", GPIO["state"]),
            ("gpio_state", {**GPIO["state"], "inputs": {"led": channel(True)}}),
        ],
        {"model": MODEL, "state": {**GPIO["state"], "inputs": {"led": channel(True)}}},
    ),
    "info by event": (
        "info",
        [("info_hw_state", {"health": {}}), ("info_meta_state", {"server": {}}), ("info_hw_state", {"health": None})],
        {"hw": {"health": None}, "meta": {"server": {}}},
    ),
    "ocr without its wrapper": (
        "ocr",
        [("streamer_ocr_state", {"ocr": {"enabled": True, "langs": {}}})],
        {"enabled": True, "langs": {}},
    ),
    "keymaps in theirs": ("hid_keymaps", [("hid_keymaps_state", {"keymaps": {}})], {"keymaps": {}}),
    "msd whole": ("msd", [("msd_state", MSD), ("msd_state", {**MSD, "storage": None})], {**MSD, "storage": None}),
    "streamer whole": ("streamer", [("streamer_state", STREAMER)], STREAMER),
    "loop": ("loop", [("loop", {})], {}),
}


@pytest.mark.parametrize(("kind", "events", "state"), OLD.values(), ids=OLD)
def test_old_names_and_shapes_become_the_new_ones(kind: str, events: Events, state: dict[str, Any]) -> None:
    assert told(kind, events) == state


def test_kind_is_known_from_its_first_event() -> None:
    live = LiveState()
    assert ("atx" in live, live.get("atx")) == (False, {})
    assert live.apply("atx_state", {}) == "atx"
    assert ("atx" in live, "msd" in live) == (True, False)


def test_part_before_the_whole_is_no_failure() -> None:
    assert told("msd", [("msd", {"storage": {"images": IMAGES}}), ("msd", MSD)]) == MSD
    assert told("gpio", [("gpio", {"state": {"outputs": {"a": channel(True)}}}), ("gpio", GPIO)]) == GPIO


def test_what_was_given_out_does_not_change_what_is_known() -> None:
    live = LiveState()
    live.apply("msd", MSD)
    live.get("msd")["storage"]["images"]["b.iso"] = {}
    assert live.get("msd") == MSD


def test_new_connection_begins_with_nothing() -> None:
    live = LiveState()
    live.apply("atx", {"enabled": True})
    live.clear()
    assert "atx" not in live
