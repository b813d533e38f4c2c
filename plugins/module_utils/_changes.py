# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has changed on a PiKVM, in one shape for all versions of kvmd: that of the facts."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import Any, Callable

from ._client.console import Hid, Streamer
from ._client.errors import OptionError
from ._client.models import Atx, Gpio, Info, Msd
from ._client.switch import Switch

CONNECTION = "connection"

PARSERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "atx": Atx.parse,
    "gpio": Gpio.parse,
    "hid": Hid.parse,
    "info": Info.parse,
    "msd": Msd.parse,
    "streamer": Streamer.parse,
    "switch": Switch.parse,
}

KINDS = tuple(sorted((*PARSERS, CONNECTION)))
RESTLESS = ("info", "streamer")
"""They change every few seconds: temperatures, uptime, frames."""

State = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A state, and how it came about.

    Attributes:
        kind: what has changed, one of KINDS.
        before: the state before; None where this is the first that was told.
        changed: dotted names of the fields that changed, such as `atx.leds.power`. A part that came or went as a whole
            is one field.
        at: when, in UTC.
        merged: how many earlier changes that nobody has taken are contained in this one.
    """

    kind: str
    state: State
    before: State | None
    changed: tuple[str, ...]
    at: str
    merged: int = 0

    @classmethod
    def now(cls, kind: str, state: State, before: State | None, changed: Sequence[str]) -> Change:
        at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return cls(kind, state, before, tuple(changed), at)

    def followed_by(self, later: Change) -> Change:
        """Both in one: from the state before the first to the state after the second.

        A field that changed there and back has changed. One that is in neither state is forgotten, so that the list
        cannot outgrow what it is about. A first state stays one: compared with nothing, nothing has changed.
        """
        if self.before is None:
            return Change(self.kind, later.state, None, (), later.at, self.merged + later.merged + 1)
        there = {*fields(self.before, self.kind), *fields(later.state, self.kind)}
        changed = tuple(sorted({*self.changed, *later.changed} & there))
        return Change(self.kind, later.state, self.before, changed, later.at, self.merged + later.merged + 1)

    def as_event(self, name: str, url: str) -> dict[str, Any]:
        """Plain data that belongs to whoever gets it."""
        return {
            "pikvm": {"name": name, "url": url},
            "event": self.kind,
            "state": copy.deepcopy(self.state),
            "before": copy.deepcopy(self.before),
            "changed": list(self.changed),
            "at": self.at,
            "merged": self.merged,
        }


class Filter:
    """Which changes are of interest.

    Args:
        wanted: kinds, and dotted names of fields; `*` stands for any part of a name.

    Raises:
        OptionError: one does not begin with a kind.
    """

    def __init__(self, wanted: Sequence[str]) -> None:
        for name in wanted:
            if name.split(".")[0] not in KINDS:
                known = ", ".join(KINDS)
                raise OptionError("filter", f"{name!r} does not begin with a kind of event; there are: {known}")
        self._wanted = tuple(wanted)
        self.kinds = frozenset(name.split(".")[0] for name in wanted)

    def passes(self, changed: Sequence[str]) -> bool:
        """Whether one of these fields is wanted, or a part of it, or what it is a part of."""
        return any(_meets(wanted, field) for wanted in self._wanted for field in changed)

    def missed(self, kind: str, state: State) -> list[str]:
        """What is wanted of a state that has no such field."""
        there = [*fields(state, kind)]
        names = (name for name in self._wanted if name.split(".")[0] == kind)
        return [name for name in names if not any(fnmatchcase(field, name) for field in there)]


def shaped(kind: str, told: Mapping[str, Any], known: State | None) -> State | None:
    """The state in the shape of the facts; None while not enough of it has been told.

    Args:
        told: as events have told it.
        known: the state before. Information comes bit by bit: what has not been told anew stays as it was.
    """
    if kind == "gpio" and not (told.get("model") and told.get("state")):
        return None
    state: State = _all_named(PARSERS[kind](told).as_result())
    if kind == "info" and known:
        return {name: known.get(name) if value is None else value for name, value in state.items()}
    return state


def news(kind: str, before: State, state: State) -> list[str]:
    """The fields that have changed. Information that is told for the first time has not."""
    known = {name: before[name] for name in before if kind != "info" or before[name] is not None}
    return differences(known, {name: state[name] for name in state if name in known}, kind)


def differences(before: Any, after: Any, name: str) -> list[str]:
    """Dotted names of what differs; `name` is that of the whole."""
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted({*before, *after})
        pairs = [(key, before.get(key), after.get(key), key in before and key in after) for key in keys]
    elif _alike(before, after):
        pairs = [(str(index), *pair, True) for index, pair in enumerate(zip(before, after))]
    else:
        return [name]
    found = []
    for key, old, new, lasting in pairs:
        found += differences(old, new, f"{name}.{key}") if lasting else [f"{name}.{key}"]
    return found


def fields(state: Any, name: str) -> Iterator[str]:
    """Dotted names of all that is in a state; `name` is that of the whole."""
    yield name
    if isinstance(state, dict):
        inner = [*state.items()]
    elif isinstance(state, list):
        inner = [(str(index), item) for index, item in enumerate(state)]
    else:
        return
    for key, value in inner:
        yield from fields(value, f"{name}.{key}")


def _all_named(value: Any) -> Any:
    """The same with `/` for an empty name, which the main storage has, and over which ansible-rulebook stumbles."""
    if isinstance(value, dict):
        return {name or "/": _all_named(item) for name, item in value.items()}
    return [_all_named(item) for item in value] if isinstance(value, list) else value


def _alike(before: Any, after: Any) -> bool:
    """Whether these are lists of the same things, as the ports of a switch are."""
    if not (isinstance(before, list) and isinstance(after, list) and len(before) == len(after)):
        return False
    return all(isinstance(item, dict) for item in (*before, *after))


def _meets(wanted: str, field: str) -> bool:
    """Whether they are the same, or one is a part of the other. The name of an image may hold dots itself."""
    if fnmatchcase(field, wanted) or fnmatchcase(field, f"{wanted}.*"):
        return True
    return all(fnmatchcase(part, pattern) for part, pattern in zip(field.split("."), wanted.split(".")))
