# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HID: chords of keys with real press and release times, mouse, and the devices themselves."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable

from ._client.api import Pikvm
from ._client.console import KEYS, Hid
from ._client.errors import AnswerError, OptionError, PikvmError, StateError
from ._client.events import EventSocket
from ._plan import Plan, Step

BETWEEN_KEYS = 0.05
"""Seconds between the presses of a chord's keys."""

BETWEEN_LOOKS = 1.0
"""Seconds between two looks at the screen while keys are pressed: reading it takes a Raspberry Pi about as long."""

READ_WITHIN = 5.0
"""Seconds for the PiKVM to say that it has read all keys."""

AFTER_LAST_KEY = 0.3
"""Seconds before the socket is closed: closing it makes the PiKVM drop what it has not handed on yet."""


@dataclass(frozen=True)
class Chord:
    """Keys that are pressed in order and released in reverse."""

    keys: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Chord:
        """`ControlLeft+AltLeft+Delete`. Raises OptionError for an unknown key, with the nearest names."""
        keys = tuple(part.strip() for part in text.split("+"))
        for key in keys:
            if key not in KEYS:
                near = _nearest(key)
                hint = f"did you mean {' or '.join(near)}?" if near else "names are those of KeyboardEvent.code"
                raise OptionError("keys", f"{key!r} in {text!r} is not the name of a key; {hint}")
        if len(set(keys)) < len(keys):
            raise OptionError("keys", f"{text!r} names a key twice")
        return cls(keys)

    def __str__(self) -> str:
        return "+".join(self.keys)


def _nearest(key: str) -> list[str]:
    """Names that may have been meant: that of a character, those that look alike, those that hold it."""
    named = [name for name in (f"Key{key.upper()}", f"Digit{key}") if name in KEYS]
    alike = difflib.get_close_matches(key, KEYS, n=3, cutoff=0.4)
    return named or alike or sorted(name for name in KEYS if key and key.lower() in name.lower())[:3]


class Keyboard:
    """Presses chords over an open socket, and lets no key stay pressed.

    Attributes:
        sent: chords that were pressed and released.
        heard: whether a server listened at some time.
    """

    def __init__(self, client: Pikvm, socket: EventSocket) -> None:
        self._client = client
        self._socket = socket
        self.sent = 0
        self.heard = False

    def play(self, chords: list[Chord], repeat: int, interval: float, hold: float) -> None:
        """Press all chords `repeat` times, `interval` seconds apart, each held for `hold` seconds.

        Raises:
            StateError: no server listens to the keyboard. AnswerError: the socket broke; the keys were released.
        """
        with self._nothing_stays_pressed():
            for chord in chords * repeat:
                if self.sent:
                    self._pause(interval)
                self._press(chord, hold)
        if not self.heard:
            raise StateError(
                "Keys were sent, but no server listens to the keyboard of the PiKVM: is it on, and its USB up?"
            )

    def play_until(
        self, chords: list[Chord], interval: float, hold: float, shown: Callable[[], bool], timeout: float
    ) -> bool:
        """Press the chords again and again until the screen shows what is waited for. Whether it did in time."""
        deadline = looked = time.monotonic()
        deadline += timeout
        with self._nothing_stays_pressed():
            while True:
                for chord in chords:
                    self._press(chord, hold)
                    self._pause(interval)
                if time.monotonic() - looked >= BETWEEN_LOOKS:
                    if shown():
                        return True
                    looked = time.monotonic()
                if looked >= deadline:
                    return False

    @contextmanager
    def _nothing_stays_pressed(self) -> Iterator[None]:
        try:
            yield
            if not self._socket.flush(READ_WITHIN):
                raise AnswerError(
                    f"Keys were sent, but after {READ_WITHIN:g} s the PiKVM does not say that it read them"
                )
            self._pause(AFTER_LAST_KEY)
        except BaseException:
            self._release_all()
            raise

    def _press(self, chord: Chord, hold: float) -> None:
        pressed: list[str] = []
        try:
            for key in chord.keys:
                self._socket.send("key", {"key": key, "state": True})
                pressed.append(key)
                self._pause(BETWEEN_KEYS if key != chord.keys[-1] else hold)
        finally:
            for key in reversed(pressed):
                self._socket.send("key", {"key": key, "state": False})
        self.sent += 1

    def _pause(self, seconds: float) -> None:
        """Wait, and hear meanwhile whether a server listens."""
        deadline = time.monotonic() + seconds
        while True:
            self._socket.receive(max(0.0, deadline - time.monotonic()))
            self.heard = self.heard or Hid.parse(self._socket.state.get("hid")).keyboard_online
            if time.monotonic() >= deadline:
                return

    def _release_all(self) -> None:
        """A reset releases all keys, also those whose release was lost."""
        try:
            self._client.console.hid_reset()
        except PikvmError:
            return  # the first error is what has to be told; closing the socket releases the keys, too


def shown(hid: Hid) -> dict[str, Any]:
    """What can be set about keyboard and mouse, as it is."""
    return {
        "keyboard_output": hid.keyboard_output,
        "mouse_output": hid.mouse_output,
        "jiggler": hid.jiggler,
        "connected": hid.connected,
    }


def plan_hid(client: Pikvm, hid: Hid, wish: dict[str, Any]) -> Plan[Hid]:
    """From the devices as they are to those wished for; None leaves as it is.

    Raises:
        OptionError: the hardware cannot do it.
    """
    _require_offered(hid, wish)
    current = shown(hid)
    changes = {name: value for name, value in wish.items() if value is not None and value != current[name]}
    steps: list[Step[Hid]] = []
    params = {name: value for name, value in changes.items() if name != "connected"}
    if params:
        steps.append(_set("set_params", partial(client.console.hid_set_params, **params), params))
    if "connected" in changes:
        connected = {"connected": changes["connected"]}
        steps.append(_set("set_connected", partial(client.console.hid_set_connected, **connected), connected))
    return Plan({"hid": current}, {"hid": {**current, **changes}}, tuple(steps))


def plan_reset(client: Pikvm, hid: Hid) -> Plan[Hid]:
    """Release all keys and begin anew. There is nothing to compare."""
    step: Step[Hid] = Step(
        name="reset",
        words="Resetting keyboard and mouse",
        send=client.console.hid_reset,
        done=lambda found: not found.busy,
        timeout=10.0,
        missed=lambda _hid: "they are still busy",
        telling=False,
    )
    return Plan({"hid": shown(hid)}, {"hid": shown(hid)}, (step,))


def require_mouse(hid: Hid, move: Any, wheel: Any, move_by: Any = None) -> None:
    """Raise where the mouse cannot do what is asked for: OptionError for its kind, StateError if nobody listens."""
    if move:
        _require_range("move", move, -32768, 32767)
        if hid.mouse_absolute is False:
            raise OptionError("move", "the mouse is a relative one; community.pikvm.pikvm_hid can set mouse_output=usb")
    if move_by:
        _require_range("move_by", move_by, -127, 127)
        if hid.mouse_absolute:
            raise OptionError(
                "move_by", "the mouse is an absolute one; community.pikvm.pikvm_hid can set mouse_output=usb_rel"
            )
    if wheel:
        _require_range("wheel", wheel, -127, 127)
    if not hid.mouse_online:
        raise StateError("No server listens to the mouse of the PiKVM: is it on, and its USB up?")


def _require_range(option: str, point: dict[str, int], least: int, most: int) -> None:
    for axis, value in point.items():
        if not least <= value <= most:
            raise OptionError(f"{option}.{axis}", f"must be between {least} and {most}, not {value}")


def _require_offered(hid: Hid, wish: dict[str, Any]) -> None:
    """The device would ignore in silence what its hardware lacks."""
    for name, outputs in {"keyboard_output": hid.keyboard_outputs, "mouse_output": hid.mouse_outputs}.items():
        if wish[name] is not None and wish[name] not in outputs:
            known = ", ".join(outputs) or "no choice"
            raise OptionError(name, f"this PiKVM does not offer {wish[name]}; it offers: {known}")
    if wish["connected"] is not None and hid.connected is None:
        raise OptionError("connected", "means nothing on this PiKVM: only serial and SPI boards can be disconnected")
    if wish["jiggler"] is not None and hid.jiggler is None:
        raise OptionError("jiggler", "this PiKVM has none; kvmd 3.265 has")


def _set(name: str, send: Callable[[], None], wanted: dict[str, Any]) -> Step[Hid]:
    def told(hid: Hid) -> dict[str, Any]:
        return {key: shown(hid)[key] for key in wanted}

    return Step(
        name=name,
        words=f"Setting {', '.join(wanted)}",
        send=send,
        done=lambda hid: not hid.busy and told(hid) == wanted,
        timeout=10.0,
        missed=lambda hid: f"the PiKVM shows {told(hid)}",
        repeatable=True,
    )
