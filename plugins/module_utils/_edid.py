# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PiKVM Switch: the display data (EDID) that it can show to servers, created, changed and removed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ._chain import SHOWN_WITHIN, require_attached
from ._client.api import Pikvm
from ._client.errors import OptionError
from ._client.switch import DEFAULT_EDID, Switch
from ._plan import Plan, Step

LONGEST_NAME = 255


@dataclass(frozen=True)
class EdidWish:
    """The wish of a task: display data that are there as described, or not there (`present`)."""

    present: bool
    id: str | None
    name: str | None
    data: str | None
    wait_timeout: float


def parse_edid_data(text: str) -> str:
    """Hexadecimal digits as kvmd writes them. Raises OptionError unless they are one block, or two."""
    digits = re.sub(r"\s", "", text).upper()
    wrong = re.search(r"[^0-9A-F]", digits)
    if wrong:
        raise OptionError("data", f"must be hexadecimal digits, and {wrong.group()!r} is none")
    if len(digits) not in (256, 512):
        raise OptionError("data", f"must be 256 or 512 hexadecimal digits, not {len(digits)}")
    return digits


def parse_edid_name(text: str) -> str:
    """A name as kvmd stores it. Raises OptionError where it would store another one."""
    name = " ".join(text.split())
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise OptionError("name", f"must be 1 to {LONGEST_NAME} printable characters")
    return name


def plan_edid(client: Pikvm, switch: Switch, wish: EdidWish) -> Plan[Switch]:
    """Create, change or remove display data.

    Raises:
        OptionError: it is not told which are meant, or how they shall be; or they are the default ones.
    """
    key = _find_edid(require_attached(switch), wish)
    before = switch.edid(key).as_result() if key else None
    if not wish.present:
        if key == DEFAULT_EDID:
            raise OptionError("id" if wish.id else "name", "the default display data cannot be removed")
        steps = (_remove(client, key, wish),) if key else ()
        return Plan({"edid": before}, {"edid": None}, steps)
    if key is None or before is None:
        name, data = wish.name or "", wish.data
        if data is None:
            raise OptionError("data", f"is needed: the PiKVM has no display data called {name!r} yet")
        after = {"id": None, "name": name, "data": data}
        return Plan({"edid": None}, {"edid": after}, (_create(client, switch, name, data, wish),))
    wanted = {"name": wish.name if wish.id else None, "data": wish.data}
    changes = {part: value for part, value in wanted.items() if value is not None and value != before[part]}
    if changes and key == DEFAULT_EDID:
        raise OptionError("id" if wish.id else "name", "the default display data cannot be changed")
    steps = (_change(client, key, changes, wish),) if changes else ()
    return Plan({"edid": before}, {"edid": {**before, **changes}}, steps)


def edid_shown(switch: Switch, wish: EdidWish) -> dict[str, Any] | None:
    """The display data that a task meant, as they are."""
    key = _find_edid(switch, wish) if wish.present else None
    return switch.edid(key).as_result() if key else None


def _find_edid(switch: Switch, wish: EdidWish) -> str | None:
    """The ID of what a task means. An ID has to exist unless it shall not."""
    if wish.id:
        found = [key for key in switch.edids if key.lower() == wish.id.lower()]
        if not found and wish.present:
            raise OptionError("id", f"the PiKVM has no display data with the ID {wish.id!r}; it has: {_known(switch)}")
        return found[0] if found else None
    name = (wish.name or "").lower()
    found = [key for key, other in switch.edids.items() if other.lower() == name]
    if len(found) > 1:
        raise OptionError("name", f"{wish.name!r} names {len(found)} display data ({', '.join(found)}); use id")
    return found[0] if found else None


def _known(switch: Switch) -> str:
    return ", ".join(f"{key} ({name})" for key, name in switch.edids.items()) or "none"


def _create(client: Pikvm, before: Switch, name: str, data: str, wish: EdidWish) -> Step[Switch]:
    def there(switch: Switch) -> bool:
        new = [switch.edid(key) for key in switch.edids if key not in before.edids]
        return any((edid.name, edid.data) == (name, data) for edid in new)

    return _edid_step("create", "Creating", lambda: client.switch.create_edid(name, data), there, wish)


def _change(client: Pikvm, key: str, changes: dict[str, str], wish: EdidWish) -> Step[Switch]:
    def there(switch: Switch) -> bool:
        shown = switch.edid(key).as_result() if key in switch.edids else {}
        return all(shown.get(part) == value for part, value in changes.items())

    return _edid_step("change", "Changing", lambda: client.switch.change_edid(key, **changes), there, wish)


def _remove(client: Pikvm, key: str, wish: EdidWish) -> Step[Switch]:
    return _edid_step(
        "remove", "Removing", lambda: client.switch.remove_edid(key), lambda switch: key not in switch.edids, wish
    )


def _edid_step(name: str, doing: str, send: Any, done: Any, wish: EdidWish) -> Step[Switch]:
    return Step(
        name=name,
        words=f"{doing} the display data {wish.id or wish.name}",
        send=send,
        done=done,
        timeout=min(wish.wait_timeout, SHOWN_WITHIN),
        missed=lambda switch: f"the PiKVM has: {_known(switch)}",
        repeatable=True,
    )
