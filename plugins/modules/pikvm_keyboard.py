#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_keyboard
short_description: Type on the keyboard of a server
version_added: 1.0.0
description:
  - Types a text, or presses chords of keys with real press and release times.
  - Every key that was pressed is released again, also if the task fails in between.
author:
  - community.pikvm contributors (@ansible-collections)
extends_documentation_fragment:
  - community.pikvm.connection
  - community.pikvm.wait
  - community.pikvm.attributes
attributes:
  diff_mode:
    support: N/A
    details:
      - What a server does with a key cannot be told beforehand.
  idempotent:
    support: none
    details:
      - It types each time.
options:
  text:
    description:
      - Text to type with the PiKVM's own printer, of any length. A line break is the Enter key.
      - Characters that O(keymap) lacks are dropped by the PiKVM in silence.
      - It is treated as a secret, because it may be one. So Ansible masks it wherever it occurs in the result, a short
        text within other values, too; V(1) hides RV(sent.characters). ansible-core 2.22 does so in all that it prints
        afterwards.
    type: str
  keymap:
    description:
      - Keyboard layout that the server expects, such as V(en-us). By default that of the PiKVM.
    type: str
  slow:
    description:
      - Type slowly, for servers that lose keys. Needs kvmd 4.25.
    type: bool
    default: false
  delay:
    description:
      - Seconds before each of the two events of a character, at most 5. Needs kvmd 4.92.
    type: float
  keys:
    description:
      - Chords to press one after the other, each of key names joined by V(+), as in V(ControlLeft+AltLeft+Delete).
      - Names are those of JavaScript's C(KeyboardEvent.code), such as V(KeyA), V(Digit1), V(F11), V(Enter),
        V(ArrowDown).
      - Needs the Python library C(websockets).
    type: list
    elements: str
  repeat:
    description:
      - How often to press all of O(keys), 1 to 10000.
    type: int
    default: 1
  until_text:
    description:
      - Press O(keys) again and again until the text of the screen matches this regular expression, for at most
        O(wait_timeout) seconds and whatever O(repeat) says. The PiKVM needs Tesseract for it.
    type: str
  interval:
    description:
      - Seconds between two chords.
    type: float
    default: 0.1
  hold:
    description:
      - Seconds to hold a chord down.
    type: float
    default: 0.05
requirements:
  - websockets >= 14 (with O(keys))
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Give a user name
  community.pikvm.pikvm_keyboard:
    text: "root\n"

- name: Leave whatever menu is open
  community.pikvm.pikvm_keyboard:
    keys:
      - Escape
    repeat: 3
    interval: 0.5

- name: Restart
  community.pikvm.pikvm_keyboard:
    keys:
      - ControlLeft+AltLeft+Delete
"""

RETURN = r"""
sent:
  description: How much was typed. In check mode, how much would be.
  returned: success
  type: dict
  contains:
    characters:
      description: Characters of O(text).
      type: int
    chords:
      description: Chords of O(keys), counted with O(repeat).
      type: int
  sample:
    characters: 0
    chords: 20
text:
  description: The text of the screen when it matched O(until_text).
  returned: success, with O(until_text), not in check mode
  type: str
"""

import re
from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._argspec import wait_spec
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError, StateError
from ansible_collections.community.pikvm.plugins.module_utils._conditions import parse_pattern
from ansible_collections.community.pikvm.plugins.module_utils._hid import Chord, Keyboard
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task
from ansible_collections.community.pikvm.plugins.module_utils._screen import Screen

MOST_REPEATS = 10000

SPEC: dict[str, Any] = {
    "text": {"type": "str", "no_log": True},
    "keymap": {"type": "str", "no_log": False},
    "slow": {"type": "bool", "default": False},
    "delay": {"type": "float"},
    "keys": {"type": "list", "elements": "str", "no_log": False},
    "repeat": {"type": "int", "default": 1},
    "until_text": {"type": "str"},
    "interval": {"type": "float", "default": 0.1},
    "hold": {"type": "float", "default": 0.05},
    **wait_spec(),
}


def run(task: Task) -> Result:
    """Type a text or press chords."""
    params = task.params
    chords = [Chord.parse(text) for text in params["keys"] or []]
    if not 1 <= params["repeat"] <= MOST_REPEATS:
        raise OptionError("repeat", f"must be between 1 and {MOST_REPEATS}")
    if params["delay"] is not None and params["delay"] > 5:
        raise OptionError("delay", "must be 5 seconds at most")
    sent = {"characters": len(params["text"] or ""), "chords": len(chords) * params["repeat"]}
    until = parse_pattern("until_text", params["until_text"])
    if params["text"] is not None:
        type_text(task)
    elif until and not task.check_mode:
        return press_until(task, chords, until)
    elif not task.check_mode:
        press_chords(task, chords)
    return {"changed": bool(sum(sent.values())), "sent": sent}


def type_text(task: Task) -> None:
    """Type with the device's printer. Raises OptionError for an unknown layout, StateError where nobody listens."""
    console, params = task.client.console, task.params
    if params["keymap"]:
        known = console.keymaps()
        if params["keymap"] not in known:
            raise OptionError("keymap", f"the PiKVM has no keymap {params['keymap']!r}; it has: {', '.join(known)}")
    if not console.hid().keyboard_online:
        raise StateError("No server listens to the keyboard of the PiKVM: is it on, and its USB up?")
    if not task.check_mode:
        console.hid_print(params["text"], params["keymap"], params["slow"], params["delay"])
        task.run.wait(console.hid, lambda hid: not hid.busy, 60.0)


def press_chords(task: Task, chords: list[Chord]) -> None:
    """Press over a socket of our own."""
    params = task.params
    socket = task.client.events()
    try:
        keyboard = Keyboard(task.client, socket)
        keyboard.play(chords, params["repeat"], params["interval"], params["hold"])
    finally:
        socket.close()


def press_until(task: Task, chords: list[Chord], until: re.Pattern[str]) -> Result:
    """Press as a viewer, so that there is a screen to read. Raises StateError where it does not show in time."""
    params = task.params
    screen = Screen(task.client)
    socket = task.client.events(stream=True)
    try:
        keyboard = Keyboard(task.client, socket)
        shown = keyboard.play_until(
            chords, params["interval"], params["hold"], lambda: screen.shows(until), params["wait_timeout"]
        )
    finally:
        socket.close()
    if not shown:
        raise StateError(
            f"The screen does not show {until.pattern!r} after {params['wait_timeout']:g} s and {keyboard.sent} chords "
            f"(wait_timeout). It shows: {' '.join(screen.text.split())[:500] or 'no text'}"
        )
    return {"changed": True, "sent": {"characters": 0, "chords": keyboard.sent}, "text": screen.text}


MODULE = Module(
    run,
    SPEC,
    constraints={
        "mutually_exclusive": [("text", "keys")],
        "required_one_of": [("text", "keys")],
        "required_by": {"keymap": "text", "delay": "text", "until_text": "keys"},
    },
)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
