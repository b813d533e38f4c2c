# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Hands and eyes of a PiKVM: keyboard and mouse (HID), and the picture of the screen (streamer)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .answer import Params, Request
from .errors import AnswerError
from .models import UNTOLD, whole
from .transport import Transport

JPEG = b"\xff\xd8\xff"
UNHURRIED = 3600.0
"""Seconds that typing a long text slowly may take."""

MODIFIERS = tuple(f"{name}{side}" for name in ("Control", "Shift", "Alt", "Meta") for side in ("Left", "Right"))

_OTHER_KEYS = """
    Enter Escape Backspace Tab Space Minus Equal BracketLeft BracketRight Backslash Semicolon Quote
    Backquote Comma Period Slash CapsLock PrintScreen ScrollLock Pause NumLock Insert Delete Home End
    PageUp PageDown ArrowRight ArrowLeft ArrowDown ArrowUp ContextMenu Power
    NumpadDivide NumpadMultiply NumpadSubtract NumpadAdd NumpadEnter NumpadDecimal
    IntlBackslash IntlYen IntlRo KanaMode Convert NonConvert
    AudioVolumeMute AudioVolumeUp AudioVolumeDown
"""

KEYS = frozenset(
    [
        *(f"Key{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        *(f"Digit{digit}" for digit in range(10)),
        *(f"F{number}" for number in range(1, 25)),
        *(f"Numpad{digit}" for digit in range(10)),
        *MODIFIERS,
        *_OTHER_KEYS.split(),
    ]
)
"""The key names of kvmd 4.197: JavaScript's KeyboardEvent.code values. F13 to F24 and audio came late."""


@dataclass(frozen=True)
class Hid:
    """GET /api/hid. None where this kvmd or this hardware does not tell."""

    enabled: bool
    online: bool
    busy: bool
    connected: bool | None
    keyboard_online: bool
    keyboard_leds: dict[str, bool]
    keyboard_output: str | None
    keyboard_outputs: list[str]
    mouse_online: bool
    mouse_absolute: bool | None
    mouse_output: str | None
    mouse_outputs: list[str]
    jiggler: bool | None

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Hid:
        keyboard, mouse = _dict(answer.get("keyboard")), _dict(answer.get("mouse"))
        typed, moved = _dict(keyboard.get("outputs")), _dict(mouse.get("outputs"))
        return cls(
            enabled=bool(answer.get("enabled", True)),
            online=bool(answer.get("online")),
            busy=bool(answer.get("busy")),
            connected=_flag(answer.get("connected")),
            keyboard_online=keyboard.get("online") is True,
            keyboard_leds={name: bool(lit) for name, lit in _dict(keyboard.get("leds")).items()},
            keyboard_output=_text(typed.get("active")),
            keyboard_outputs=_texts(typed.get("available")),
            mouse_online=mouse.get("online") is True,
            mouse_absolute=_flag(mouse.get("absolute")),
            mouse_output=_text(moved.get("active")),
            mouse_outputs=_texts(moved.get("available")),
            jiggler=_flag(_dict(answer.get("jiggler")).get("active")),
        )

    def as_result(self) -> dict[str, Any]:
        return {
            "enabled": self.enabled,
            "online": self.online,
            "busy": self.busy,
            "connected": self.connected,
            "keyboard": {
                "online": self.keyboard_online,
                "leds": self.keyboard_leds,
                "output": self.keyboard_output,
                "outputs": self.keyboard_outputs,
            },
            "mouse": {
                "online": self.mouse_online,
                "absolute": self.mouse_absolute,
                "output": self.mouse_output,
                "outputs": self.mouse_outputs,
            },
            "jiggler": self.jiggler,
        }


@dataclass(frozen=True)
class Ocr:
    """GET /api/streamer/ocr."""

    enabled: bool
    default: list[str]
    available: list[str]

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Ocr:
        ocr = _dict(answer.get("ocr"))
        langs = _dict(ocr.get("langs"))
        return cls(ocr.get("enabled") is True, _texts(langs.get("default")), _texts(langs.get("available")))

    def as_result(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Streamer:
    """GET /api/streamer. Sizes in pixels.

    Attributes:
        online, width, height, captured_fps: None where the video process does not run.
        params: what it is set to, with a key for each setting that this PiKVM has.
        limits: for some settings {min, max}, and `available_resolutions`.
        saved: size and signal of the picture that the PiKVM keeps, None if it keeps none.
    """

    running: bool
    online: bool | None
    width: int | None
    height: int | None
    captured_fps: int | None
    params: dict[str, Any]
    limits: dict[str, Any]
    saved: dict[str, Any] | None

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Streamer:
        process = answer.get("streamer")
        source = _dict(_dict(process).get("source"))
        size = _dict(source.get("resolution"))
        saved = _dict(answer.get("snapshot")).get("saved", False)
        if saved is not None and not isinstance(saved, dict):
            raise AnswerError(UNTOLD.format("streamer.snapshot.saved"))
        return cls(
            running=isinstance(process, dict),
            online=source["online"] is True if "online" in source else None,
            width=whole(size.get("width")),
            height=whole(size.get("height")),
            captured_fps=whole(source.get("captured_fps")),
            params=dict(_dict(answer.get("params"))),
            limits=dict(_dict(answer.get("limits"))),
            saved=saved and {name: saved.get(name) for name in ("online", "width", "height")},
        )

    def as_result(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Snapshot:
    """A JPEG of the screen, `online` False where it shows the "no signal" picture. Sizes of the original in pixels."""

    picture: bytes
    online: bool
    width: int | None
    height: int | None


@dataclass(frozen=True)
class Region:
    """A part of the screen by its edges in pixels; -1 is the edge of the screen."""

    left: int = -1
    top: int = -1
    right: int = -1
    bottom: int = -1


class Console:
    """Keyboard, mouse and screen of one PiKVM. Every call to the HID is a 200 whether or not a server listens."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def hid(self) -> Hid:
        """GET /api/hid."""
        return Hid.parse(self._transport.get("/api/hid"))

    def hid_set_params(
        self, keyboard_output: str | None = None, mouse_output: str | None = None, jiggler: bool | None = None
    ) -> None:
        """POST /api/hid/set_params. Outputs that the hardware lacks are ignored in silence: read them back."""
        params: Params = {"keyboard_output": keyboard_output, "mouse_output": mouse_output, "jiggler": jiggler}
        self._transport.post("/api/hid/set_params", params)

    def hid_set_connected(self, connected: bool) -> None:
        """POST /api/hid/set_connected. Has no effect on OTG: read it back."""
        self._transport.post("/api/hid/set_connected", {"connected": connected})

    def hid_reset(self) -> None:
        """POST /api/hid/reset: all keys are released, the devices begin anew."""
        self._transport.post("/api/hid/reset")

    def inactivity(self) -> float:
        """GET /api/hid/inactivity: seconds since somebody typed or moved. Raises NotOfferedError below kvmd 4.83."""
        seconds = self._transport.get("/api/hid/inactivity").get("inactivity")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise AnswerError("GET /api/hid/inactivity was answered 200 without a number of seconds")
        return float(seconds)

    def keymaps(self) -> list[str]:
        """GET /api/hid/keymaps: the names of the layouts that text can be typed in."""
        return _texts(_dict(self._transport.get("/api/hid/keymaps").get("keymaps")).get("available"))

    def hid_print(self, text: str, keymap: str | None, slow: bool, delay: float | None) -> None:
        """POST /api/hid/print: type a text, all of it.

        Characters that the keymap lacks are dropped in silence. Without a delay the answer comes once all is queued.

        Args:
            slow: kvmd 4.25 and later pause 0.02 s between the keys.
            delay: seconds before each of the two events of a character, 0 to 5, kvmd 4.92 and later.
        """
        params: Params = {"limit": 0, "keymap": keymap, "slow": slow or None, "delay": delay}
        body = text.encode()
        request = Request("POST", "/api/hid/print", params, body, UNHURRIED, "text/plain; charset=utf-8")
        self._transport.write(request).result()

    def mouse_button(self, button: str, pressed: bool | None = None) -> None:
        """POST /api/hid/events/send_mouse_button; a click where `pressed` is None."""
        self._transport.post("/api/hid/events/send_mouse_button", {"button": button, "state": pressed})

    def mouse_move(self, x: int, y: int) -> None:
        """POST /api/hid/events/send_mouse_move: -32768 to 32767, 0 is the centre. Absolute mode only."""
        self._transport.post("/api/hid/events/send_mouse_move", {"to_x": x, "to_y": y})

    def mouse_relative(self, x: int, y: int) -> None:
        """POST /api/hid/events/send_mouse_relative: -127 to 127. Relative mode only."""
        self._transport.post("/api/hid/events/send_mouse_relative", {"delta_x": x, "delta_y": y})

    def mouse_wheel(self, x: int, y: int) -> None:
        """POST /api/hid/events/send_mouse_wheel: -127 to 127."""
        self._transport.post("/api/hid/events/send_mouse_wheel", {"delta_x": x, "delta_y": y})

    def streamer(self) -> Streamer:
        """GET /api/streamer."""
        return Streamer.parse(self._transport.get("/api/streamer"))

    def streamer_set_params(self, params: Params) -> None:
        """POST /api/streamer/set_params. The video starts anew with them about a second later.

        What is outside of the limits is dropped in silence: read it back.

        Args:
            params: quality, desired_fps, resolution, h264_bitrate, h264_gop.

        Raises:
            ValidatorError: a value no PiKVM takes. DeviceError: this PiKVM has no such setting.
        """
        self._transport.post("/api/streamer/set_params", params)

    def streamer_reset(self) -> None:
        """POST /api/streamer/reset: the video process starts anew if it runs."""
        self._transport.post("/api/streamer/reset")

    def ocr(self) -> Ocr:
        """GET /api/streamer/ocr."""
        return Ocr.parse(self._transport.get("/api/streamer/ocr"))

    def snapshot(
        self,
        allow_offline: bool = False,
        width: int | None = None,
        height: int | None = None,
        quality: int | None = None,
        save: bool = False,
        load: bool = False,
    ) -> Snapshot:
        """GET /api/streamer/snapshot. The video has to run: an open event socket with `stream` sees to it.

        Args:
            width, height, quality: of a scaled picture, in pixels and percent.
            save: the PiKVM keeps the picture, too, unscaled. That makes it a write.
            load: the picture that the PiKVM keeps, in place of a new one; no video is needed for it.

        Raises:
            UnavailableError: the video does not run, or there is no signal and `allow_offline` is not set, or there is
                nothing to load.
            AnswerError: the answer is no JPEG.
        """
        scaled = None if (width, height, quality) == (None, None, None) else True
        params: Params = {
            "allow_offline": allow_offline,
            "save": save or None,
            "load": load or None,
            "preview": scaled,
            "preview_max_width": width,
            "preview_max_height": height,
            "preview_quality": quality,
        }
        answer = self._transport.get_raw("/api/streamer/snapshot", params)
        if not answer.body.startswith(JPEG):
            raise AnswerError(f"{answer.request} was answered 200, but not with a JPEG picture")
        headers = answer.headers
        return Snapshot(
            picture=answer.body,
            online=headers.get("X-UStreamer-Online", "true").lower() == "true",
            width=_pixels(headers.get("X-UStreamer-Width")),
            height=_pixels(headers.get("X-UStreamer-Height")),
        )

    def forget_snapshot(self) -> None:
        """DELETE /api/streamer/snapshot: the PiKVM keeps no picture any more."""
        self._transport.write(Request("DELETE", "/api/streamer/snapshot")).result()

    def screen_text(self, langs: list[str] | None = None, region: Region | None = None, load: bool = False) -> str:
        """GET /api/streamer/snapshot with `ocr`: what kvmd's Tesseract reads on the screen.

        Args:
            load: read the picture that the PiKVM keeps.

        Raises:
            UnavailableError: as `snapshot`. DeviceError: an unknown language, or there is no Tesseract.
        """
        edges = {f"ocr_{name}": value for name, value in asdict(region or Region()).items() if value != -1}
        params: Params = {"ocr": True, "ocr_langs": ",".join(langs) if langs else None, "load": load or None, **edges}
        return self._transport.get_raw("/api/streamer/snapshot", params).text


def _pixels(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"[0-9]{1,9}", text) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
