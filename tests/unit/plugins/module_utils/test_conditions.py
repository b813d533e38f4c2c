# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions that a task waits for: what is looked at, when they hold, and what is said when they do not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.console import Snapshot
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import (
    OptionError,
    StateError,
    UnavailableError,
)
from ansible_collections.community.pikvm.plugins.module_utils._client.models import Atx, Channel, Gpio, Msd
from ansible_collections.community.pikvm.plugins.module_utils._conditions import (
    Comeback,
    Conditions,
    needs_screen,
    parse_pattern,
)
from ansible_collections.community.pikvm.plugins.module_utils._wait import Waited

DARK = UnavailableError(503, "UnavailableError", "Service Unavailable", "GET /api/streamer/snapshot")


class Shown:
    """A PiKVM and its watch, which show these things one after the other and count how often they are asked."""

    def __init__(self, **shown: list[Any]) -> None:
        self.shown = shown
        self.asked: list[str] = []
        self.console = self

    def _next(self, name: str) -> Any:
        self.asked.append(name)
        value = self.shown[name].pop(0)
        if isinstance(value, Exception):
            raise value
        return value

    def atx(self, port: str | None = None) -> Atx:
        assert port is None
        power, hdd = self._next("atx")
        return Atx(True, False, power, hdd, None)

    def gpio(self) -> Gpio:
        channel: Channel = self._next("gpio")
        return Gpio({"led": Channel("led", False, True, True)}, {channel.name: channel})

    def msd(self) -> Msd:
        drive = {"image": None, "connected": False, "cdrom": True, "rw": False}
        there = {"enabled": True, "online": True, "storage": {"images": {}}, "drive": drive}
        return Msd.parse({**there, "busy": self._next("msd")})

    def snapshot(self, *_args: Any, **_scale: Any) -> Snapshot:
        return Snapshot(self._next("snapshot"), True, 1, 1)

    def screen_text(self) -> str:
        return str(self._next("text"))


def conditions(shown: Any, fail_text: list[str] | None = None, **wanted: Any) -> Conditions:
    return Conditions(shown, shown, {"power": None, "hdd": None, **wanted}, fail_text or [])


def relay(state: bool, busy: bool = False) -> Channel:
    return Channel("relay", True, True, state, busy=busy, switch=True)


TABLE: dict[str, tuple[dict[str, Any], dict[str, list[Any]], list[dict[str, Any]], list[bool]]] = {
    "power": (
        {"power": "on"},
        {"atx": [(False, False), (True, True)]},
        [{"power": "off"}, {"power": "on"}],
        [False, True],
    ),
    "hdd": (
        {"hdd": "idle"},
        {"atx": [(True, True), (True, False)]},
        [{"hdd": "active"}, {"hdd": "idle"}],
        [False, True],
    ),
    "both LEDs are one look": (
        {"power": "on", "hdd": "active"},
        {"atx": [(True, False), (True, True)]},
        [{"power": "on", "hdd": "idle"}, {"power": "on", "hdd": "active"}],
        [False, True],
    ),
    "output": (
        {"gpio": {"channel": "relay", "state": "on"}},
        {"gpio": [relay(False), relay(True, busy=True), relay(True)]},
        [{"gpio": "off"}, {"gpio": "off"}, {"gpio": "on"}],
        [False, False, True],
    ),
    "input": ({"gpio": {"channel": "led", "state": "on"}}, {"gpio": [relay(False)]}, [{"gpio": "on"}], [True]),
    "msd": ({"msd": "idle"}, {"msd": [True, False]}, [{"msd": "busy"}, {"msd": "idle"}], [False, True]),
    "stable screen": (
        {"screen": "stable"},
        {"snapshot": [b"a", b"a", b"b", DARK, b"b", b"b"]},
        [{"screen": name} for name in ("changed", "stable", "changed", "no picture", "stable", "stable")],
        [False, True, False, False, True, True],
    ),
    "changed screen": (
        {"screen": "changed"},
        {"snapshot": [DARK, b"a", b"a", b"b", b"b", b"a"]},
        [{"screen": name} for name in ("no picture", "stable", "stable", "changed", "changed", "stable")],
        [False, False, False, True, True, False],
    ),
    "text": (
        {"screen_text": "^login:"},
        {"text": ["no login:", DARK, "banner\nlogin: "]},
        [{"screen_text": False}, {"screen_text": False}, {"screen_text": True}],
        [False, False, True],
    ),
    "all at once": (
        {"power": "on", "msd": "idle", "screen_text": "x"},
        {"atx": [(True, False)] * 2, "msd": [False] * 2, "text": ["y", "x"]},
        [{"power": "on", "msd": "idle", "screen_text": seen} for seen in (False, True)],
        [False, True],
    ),
}


@pytest.mark.parametrize(("wanted", "shown", "observed", "holds"), TABLE.values(), ids=TABLE)
def test_looks(
    wanted: dict[str, Any], shown: dict[str, list[Any]], observed: list[dict[str, Any]], holds: list[bool]
) -> None:
    device = Shown(**shown)
    looking = conditions(device, **wanted)
    seen = [looking.look() for _look in observed]
    assert seen == observed
    assert [looking.hold(look) for look in seen] == holds
    assert sorted(device.asked) == sorted(name for name in shown for _look in observed)


def test_fatal_text_ends_the_wait_and_is_quoted() -> None:
    looking = conditions(Shown(text=["fine", "Kernel panic - not syncing"]), ["nothing", "(?i)kernel PANIC"], msd=None)
    assert looking.look() == {}
    with pytest.raises(StateError, match="^The screen shows 'Kernel panic', which fail_text names: Kernel panic - not"):
        looking.look()


@pytest.mark.parametrize(
    ("shown", "came_back"),
    [
        ([(0, "GRUB"), (1, "Copying"), (3, "Restarting"), (4, "GRUB")], [False, False, False, True]),
        ([(0, "GRUB"), (1, ""), (2, ""), (3, "GRUB")], [False, False, False, True]),
        ([(0, "GRUB"), (1, "CRUB"), (1.5, "GRUB"), (9, "GRUB")], [False] * 4),
        ([(0, "BIOS"), (5, "GRUB"), (9, "GRUB"), (10, "off"), (20, "off")], [False] * 5),
    ],
    ids=["again", "dark between", "misread once", "once only"],
)
def test_text_that_comes_back(shown: list[tuple[float, str]], came_back: list[bool]) -> None:
    now = [0.0]
    comeback = Comeback(re.compile("GRUB"), lambda: now[0])
    seen = []
    for now[0], text in shown:
        seen.append(comeback.look(text) == "GRUB")
    assert seen == came_back


def test_fatal_text_beats_the_text_that_is_waited_for() -> None:
    looking = conditions(Shown(text=["login: panic"]), ["panic"], screen_text="login")
    with pytest.raises(StateError, match="panic"):
        looking.look()


def test_unknown_channel_is_told_with_those_there_are() -> None:
    looking = conditions(Shown(gpio=[relay(True)]), gpio={"channel": "nowhere", "state": "on"})
    with pytest.raises(OptionError, match="^gpio.channel: the PiKVM has no channel 'nowhere'; it has: led, relay$"):
        looking.look()


@pytest.mark.parametrize(
    ("stable_for", "words"),
    [
        (0.0, "Waited 7.0 s for power on, screen_text True; seen last: power off, screen_text False."),
        (2.0, "Waited 7.0 s for power on, screen_text True for 2 s; seen last: power off, screen_text False."),
    ],
)
def test_words_for_a_wait_in_vain(stable_for: float, words: str) -> None:
    looking = conditions(Shown(atx=[(False, False)], text=[" Loading  \n ... "]), power="on", screen_text="login")
    waited = Waited(False, looking.look(), 7.0)
    assert looking.missed(waited, stable_for) == f"{words} The screen showed: Loading ..."


def test_empty_screen_is_said_to_be_empty() -> None:
    looking = conditions(Shown(text=[DARK]), screen_text="login")
    assert looking.missed(Waited(False, looking.look(), 1.0), 0.0).endswith("The screen showed: no text")


@pytest.mark.parametrize("option", ["screen_text", "fail_text", "loop_text"])
def test_bad_pattern_is_refused(option: str) -> None:
    with pytest.raises(OptionError, match=rf"^{option}: '\(' is not a regular expression: "):
        parse_pattern(option, "(")


def test_no_pattern_is_none() -> None:
    assert parse_pattern("screen_text", None) is None


@pytest.mark.parametrize(
    ("params", "needed"),
    [
        ({"power": "on", "msd": "idle", "fail_text": []}, False),
        ({"screen": "stable"}, True),
        ({"screen_text": "x"}, True),
        ({"power": "on", "fail_text": ["x"]}, True),
        ({"power": "on", "frame": "x.jpg"}, True),
    ],
)
def test_what_needs_the_video(params: dict[str, Any], needed: bool) -> None:
    assert needs_screen(params) is needed
