# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a PiKVM says of itself, in one shape for all versions of kvmd.

The shape is that of the newest kvmd; what an older one does not tell is None. Unknown keys are dropped, missing ones
forgiven, because derived devices leave some out. Not so the few that every kvmd tells and that decisions rest on, such
as the power LED: to take a missing one for `false` would be to claim what nobody has said. `as_result()` gives plain
data for a task's result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .errors import AnswerError, OptionError

LONGEST_NAME = 249
"""Bytes of one part of an image name. From 250 on kvmd's own marker files get too long, and it answers a bare 500."""

UNTOLD = "The PiKVM does not tell {} as a PiKVM tells it"

INFO_FIELDS = ("auth", "extras", "fan", "health", "meta", "node", "platform", "system", "uptime")


@dataclass(frozen=True)
class Atx:
    """GET /api/atx. `acts` is None where kvmd (before 4.88) does not tell which press is under way.

    A derived device may leave the LEDs dark, and tell the power beside them.
    """

    enabled: bool
    busy: bool
    power: bool
    hdd: bool
    acts: dict[str, bool] | None

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Atx:
        """Raises AnswerError where a PiKVM that can press buttons does not tell its LEDs."""
        enabled = answer.get("enabled") is True
        leds = _dict(answer.get("leds"))
        acts = answer.get("acts")
        return cls(
            enabled=enabled,
            busy=enabled and required(answer, "busy", "atx.busy"),
            power=enabled and (required(leds, "power", "atx.leds.power") or answer.get("power") is True),
            hdd=enabled and required(leds, "hdd", "atx.leds.hdd"),
            acts={name: bool(on) for name, on in acts.items()} if isinstance(acts, dict) else None,
        )

    def as_result(self) -> dict[str, Any]:
        return {
            "enabled": self.enabled,
            "busy": self.busy,
            "acts": self.acts,
            "leds": {"power": self.power, "hdd": self.hdd},
        }


@dataclass(frozen=True)
class Image:
    """An image in the storage. `size` in bytes; `size` of an incomplete image may be the full one: trust `complete`."""

    name: str
    size: int
    complete: bool
    mod_ts: float | None
    removable: bool | None
    writable: bool | None
    in_storage: bool = True

    @classmethod
    def parse(cls, name: str, answer: Mapping[str, Any]) -> Image:
        return cls(
            name=name,
            size=_int(answer.get("size")),
            complete=answer.get("complete") is True,
            mod_ts=_number(answer.get("mod_ts")),
            removable=_flag(answer.get("removable")),
            writable=_flag(answer.get("writable")),
            in_storage=bool(answer.get("in_storage", True)),
        )

    def as_result(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Part:
    """A part of the storage: the main one is named "", others are sub-directories. Sizes in bytes."""

    size: int
    free: int
    writable: bool


@dataclass(frozen=True)
class Drive:
    """The virtual drive as the server sees it."""

    image: Image | None
    connected: bool
    cdrom: bool
    read_write: bool

    @property
    def image_name(self) -> str | None:
        return self.image.name if self.image else None

    @property
    def media_type(self) -> str:
        return "cdrom" if self.cdrom else "flash"

    def as_result(self) -> dict[str, Any]:
        return {
            "connected": self.connected,
            "image": self.image_name,
            "media_type": self.media_type,
            "read_write": self.read_write,
        }


@dataclass(frozen=True)
class Msd:
    """GET /api/msd. `drive` is None where there is none: disabled, or offline."""

    enabled: bool
    online: bool
    busy: bool
    images: dict[str, Image]
    parts: dict[str, Part]
    drive: Drive | None
    uploading: dict[str, Any] | None = None
    downloading: dict[str, Any] | None = None

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Msd:
        """Raises AnswerError where a PiKVM that has a drive does not tell its state, or what it stores."""
        online = answer.get("enabled") is True and answer.get("online") is True
        storage = _dict(answer.get("storage"))
        drive = answer.get("drive")
        images = _dict(storage.get("images"))
        if online and not isinstance(storage.get("images"), dict):
            raise AnswerError(UNTOLD.format("msd.storage.images"))
        uploading, downloading = storage.get("uploading"), storage.get("downloading")
        return cls(
            enabled=answer.get("enabled") is True,
            online=online,
            busy=required(answer, "busy", "msd.busy") if online else answer.get("busy") is True,
            images={name: Image.parse(name, _dict(image)) for name, image in images.items()},
            parts=_parts(storage),
            drive=_drive(drive) if online and isinstance(drive, dict) else None,
            uploading=uploading if isinstance(uploading, dict) else None,
            downloading=downloading if isinstance(downloading, dict) else None,
        )

    def part_of(self, name: str) -> Part | None:
        """The part of the storage in which an image of that name lies."""
        folder = name.rpartition("/")[0]
        while folder and folder not in self.parts:
            folder = folder.rpartition("/")[0]
        return self.parts.get(folder)

    def as_result(self) -> dict[str, Any]:
        return {
            "enabled": self.enabled,
            "online": self.online,
            "busy": self.busy,
            "storage": {
                "images": {name: image.as_result() for name, image in self.images.items()},
                "parts": {name: asdict(part) for name, part in self.parts.items()},
                "uploading": self.uploading,
                "downloading": self.downloading,
            },
            "drive": self.drive.as_result() if self.drive else None,
        }


@dataclass(frozen=True)
class Channel:
    """A GPIO channel: its scheme and its state. Inputs can neither be switched nor pulsed. Delays in seconds."""

    name: str
    output: bool
    online: bool
    state: bool
    busy: bool = False
    switch: bool = False
    pulse_delay: float = 0.0
    pulse_min: float = 0.0
    pulse_max: float = 0.0

    @property
    def pulse(self) -> bool:
        return self.pulse_delay > 0

    def as_result(self) -> dict[str, Any]:
        if not self.output:
            return {"online": self.online, "state": self.state}
        pulse = {"delay": self.pulse_delay, "min_delay": self.pulse_min, "max_delay": self.pulse_max}
        return {
            "online": self.online,
            "state": self.state,
            "busy": self.busy,
            "switch": self.switch,
            "pulse": pulse if self.pulse else None,
        }


@dataclass(frozen=True)
class Gpio:
    """GET /api/gpio, scheme and state of each channel in one place."""

    inputs: dict[str, Channel]
    outputs: dict[str, Channel]

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Gpio:
        scheme = _dict(_dict(answer.get("model")).get("scheme"))
        state = _dict(answer.get("state"))
        return cls(inputs=_channels(scheme, state, "inputs"), outputs=_channels(scheme, state, "outputs"))

    def as_result(self) -> dict[str, Any]:
        return {
            "inputs": {name: channel.as_result() for name, channel in self.inputs.items()},
            "outputs": {name: channel.as_result() for name, channel in self.outputs.items()},
        }


@dataclass(frozen=True)
class Info:
    """GET /api/info with every field in its place of kvmd 4.130 and later; None where the device does not tell."""

    version: str | None
    fields: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Info:
        system = dict(_dict(answer.get("system")))
        hw = _dict(answer.get("hw"))
        found = {name: answer.get(name) for name in INFO_FIELDS}
        platform = system.pop("platform", None)
        found["platform"] = hw.get("platform") or platform
        found["health"] = hw.get("health") or answer.get("health")
        found["system"] = system or None
        version = _dict(system.get("kvmd")).get("version")
        return cls(version=str(version) if version is not None else None, fields=found)

    def as_result(self) -> dict[str, Any]:
        return dict(self.fields)


def parse_image_name(text: str, option: str = "name") -> str:
    """The name under which kvmd will store an image called `text`: outer blanks and empty path parts fall away.

    Raises:
        OptionError: kvmd would refuse the name, alter it beyond that, or choke on it.
    """
    parts = [part for part in text.strip().split("/") if part]
    if not parts:
        raise OptionError(option, "is empty; an image needs a name")
    for part in parts:
        if part.startswith(".") or part == "lost+found":
            raise OptionError(
                option, f"{text!r} is not a valid image name: no part may begin with a dot or be lost+found"
            )
        if not part.isprintable():
            raise OptionError(option, f"{text!r} holds control characters, which a PiKVM replaces")
        if len(part.encode("utf-8", "surrogateescape")) > LONGEST_NAME:
            raise OptionError(option, f"is too long: {len(part.encode())} bytes, and {LONGEST_NAME} is the most")
    return "/".join(parts)


def parse_metrics(text: str) -> dict[str, float]:
    """Prometheus' text format as names and numbers. Comments and what is no number, NaN too, are dropped."""
    found = {}
    for line in text.splitlines():
        name, _sep, value = line.strip().rpartition(" ")
        if not name or line.startswith("#"):
            continue
        try:
            number = float(value)
        except ValueError:
            continue
        if math.isfinite(number):
            found[name.strip()] = number
    return found


def _parts(storage: Mapping[str, Any]) -> dict[str, Part]:
    """Before 3.206 the storage is one, and tells its size itself."""
    parts = storage.get("parts")
    if not isinstance(parts, dict):
        parts = {"": storage} if "free" in storage else {}
    return {
        name: Part(_int(part.get("size")), _int(part.get("free")), bool(part.get("writable", True)))
        for name, part in ((name, _dict(part)) for name, part in parts.items())
    }


def _drive(answer: Mapping[str, Any]) -> Drive:
    image = answer.get("image", "")
    image = Image.parse(str(image.get("name")), image) if isinstance(image, dict) else image
    if image is not None and not isinstance(image, Image):
        raise AnswerError(UNTOLD.format("msd.drive.image"))
    return Drive(
        image=image,
        connected=required(answer, "connected", "msd.drive.connected"),
        cdrom=required(answer, "cdrom", "msd.drive.cdrom"),
        read_write=required(answer, "rw", "msd.drive.rw"),
    )


def _channels(scheme: Mapping[str, Any], state: Mapping[str, Any], side: str) -> dict[str, Channel]:
    schemes, states = _dict(scheme.get(side)), _dict(state.get(side))
    return {
        name: _channel(name, side == "outputs", _dict(schemes.get(name)), _dict(states.get(name))) for name in schemes
    }


def _channel(name: str, output: bool, scheme: Mapping[str, Any], state: Mapping[str, Any]) -> Channel:
    pulse = _dict(scheme.get("pulse"))
    online = state.get("online") is True
    return Channel(
        name=name,
        output=output,
        online=online,
        state=online and required(state, "state", f"gpio.state of {name}"),
        busy=online and output and required(state, "busy", f"gpio.state of {name}: busy"),
        switch=scheme.get("switch") is True,
        pulse_delay=_number(pulse.get("delay")) or 0.0,
        pulse_min=_number(pulse.get("min_delay")) or 0.0,
        pulse_max=_number(pulse.get("max_delay")) or 0.0,
    )


def required(answer: Mapping[str, Any], key: str, place: str) -> bool:
    """A value on which decisions rest. Raises AnswerError, with its place, where it is neither true nor false."""
    value = answer.get(key)
    if not isinstance(value, bool):
        raise AnswerError(UNTOLD.format(place))
    return value


def whole(value: Any) -> int | None:
    """A whole number, or None; true and false are none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _int(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
