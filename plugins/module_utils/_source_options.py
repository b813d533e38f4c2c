# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the event source, checked without Ansible, which need not be there where ansible-rulebook runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import urlsplit

from ._changes import KINDS, RESTLESS, Filter
from ._client.api import Pikvm
from ._client.errors import OptionError
from ._client.transport import Connection

TRUE, FALSE = ("yes", "true", "on", "1"), ("no", "false", "off", "0")


@dataclass(frozen=True)
class Device:
    """A PiKVM, and the name that its events bear."""

    name: str
    client: Pikvm

    @property
    def url(self) -> str:
        return self.client.transport.connection.url


@dataclass(frozen=True)
class SourceOptions:
    """What an event source is to do."""

    devices: list[Device]
    wanted: Filter
    initial: bool


def parse_options(given: Mapping[str, Any]) -> SourceOptions:
    """Check what stands in the rulebook, and in the environment.

    Raises:
        OptionError: an option cannot be used. Its message never shows a secret.
        MissingLibraryError: requests is not installed, or pyotp, which a second factor needs.
    """
    own = {"devices", "filter", "initial"}
    known = {*own, "name", *CONNECTION_OPTIONS}
    _refuse_unknown(given, known)
    wanted = [_text("filter", name) for name in _list(given, "filter")]
    devices = _list(given, "devices")
    if devices:
        for name in {"name", "url"} & _set(given):
            raise OptionError(name, "stands in each of the devices, and not beside them")
        shared = {name: given[name] for name in _set(given) - own}
        told = {name: value for name, value in os.environ.items() if name != "PIKVM_URL"}  # one address is not for all
        found = [_device(f"devices[{place}].", entry, shared, told) for place, entry in enumerate(devices)]
    elif "devices" in _set(given):
        raise OptionError("devices", "is an empty list: there is nothing to listen to")
    else:
        found = [_device("", {name: given[name] for name in _set(given) - own}, {}, os.environ)]
    _refuse_twins(found)
    initial = _boolean("initial", given["initial"]) if "initial" in _set(given) else False
    return SourceOptions(found, Filter(wanted or [kind for kind in KINDS if kind not in RESTLESS]), initial)


def _device(place: str, entry: Any, shared: Mapping[str, Any], environment: Mapping[str, str]) -> Device:
    """A device as its entry tells, else as is told for all, else as the environment does."""
    if not isinstance(entry, dict):
        raise OptionError(place.rstrip("."), "must be a dictionary with url, and what else differs from the others")
    try:
        _refuse_unknown(entry, {"name", *CONNECTION_OPTIONS})
        values = {name: _value(name, entry, shared, environment) for name in CONNECTION_OPTIONS}
        values = {name: value for name, value in values.items() if value is not None}
        if "url" not in values:
            raise OptionError("url", "is missing: the address of the PiKVM")
        client = Pikvm(Connection(**values, retries=0), read_only=True)
        host = urlsplit(client.transport.connection.url).netloc
        name = _text("name", entry["name"]) if "name" in _set(entry) else host
    except OptionError as exc:
        words = str(exc)[len(exc.option) + 2 :]
        raise OptionError(exc.option if exc.option.isupper() else f"{place}{exc.option}", words) from None
    return Device(name, client)


def _value(name: str, entry: Mapping[str, Any], shared: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    """What an option is set to; None where it is set nowhere, or to nothing."""
    convert = CONNECTION_OPTIONS[name]
    for given in (entry, shared):
        if name in _set(given):
            return convert(name, given[name])
    told = environment.get(f"PIKVM_{name.upper()}")
    return convert(f"PIKVM_{name.upper()}", told) if told else None


def _refuse_unknown(given: Mapping[str, Any], known: set[str]) -> None:
    for name in given:
        if name not in known:
            raise OptionError(str(name), f"there is no such option here; there are: {', '.join(sorted(known))}")


def _refuse_twins(devices: list[Device]) -> None:
    names = [device.name for device in devices]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise OptionError(f"devices[{place}].name", f"{name} is the name of another device, too")


def _set(given: Mapping[str, Any]) -> set[str]:
    """The options that are set to something."""
    return {name for name, value in given.items() if value is not None and value != ""}


def _list(given: Mapping[str, Any], name: str) -> list[Any]:
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise OptionError(name, "must be a list")
    return value


def _text(name: str, value: Any) -> str:
    """A password of digits alone arrives as a number where it comes out of a template."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return value
    raise OptionError(name, "must be text. What a template turns into something else can be set in the environment")


def _path(name: str, value: Any) -> str:
    return os.path.expanduser(os.path.expandvars(_text(name, value)))


def _boolean(name: str, value: Any) -> bool:
    words = str(value).lower()
    if words not in (*TRUE, *FALSE):
        raise OptionError(name, "must be true or false")
    return words in TRUE


def _number(name: str, value: Any) -> float:
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    raise OptionError(name, "must be a number of seconds")


CONNECTION_OPTIONS: Mapping[str, Callable[[str, Any], Any]] = {
    "url": _text,
    "username": _text,
    "password": _text,
    "totp_secret": _text,
    "auth_token": _text,
    "validate_certs": _boolean,
    "ca_path": _path,
    "tls_fingerprint": _text,
    "timeout": _number,
}
"""The options of a connection, as the modules have them, and how their values are read."""
