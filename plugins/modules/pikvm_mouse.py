#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_mouse
short_description: Move, click and scroll the mouse of a server
version_added: 1.0.0
description:
  - Moves the mouse first, then clicks, then scrolls, as far as asked for.
author:
  - community.pikvm contributors (@ansible-collections)
extends_documentation_fragment:
  - community.pikvm.connection
  - community.pikvm.attributes
attributes:
  diff_mode:
    support: N/A
    details:
      - What a server does with its mouse cannot be told beforehand.
  idempotent:
    support: none
    details:
      - It moves and clicks each time.
options:
  move:
    description:
      - Where to move. Needs a mouse in absolute mode.
      - Mutually exclusive with O(move_by).
    type: dict
    suboptions:
      x:
        description:
          - From -32768, the left edge, over 0, the middle, to 32767, the right edge.
        type: int
        required: true
      y:
        description:
          - From -32768, the upper edge, over 0, the middle, to 32767, the lower edge.
        type: int
        required: true
  move_by:
    description:
      - How far to move from where it is, -127 to 127. Needs a mouse in relative mode, see
        O(community.pikvm.pikvm_hid#module:mouse_output). The server may make more or less of it.
      - Mutually exclusive with O(move).
    type: dict
    suboptions:
      x:
        description:
          - To the right.
        type: int
        default: 0
      y:
        description:
          - Downwards.
        type: int
        default: 0
  click:
    description:
      - Button to press and release.
    type: str
    choices:
      - left
      - right
      - middle
      - up
      - down
  wheel:
    description:
      - How far to scroll, -127 to 127.
    type: dict
    suboptions:
      x:
        description:
          - To the right.
        type: int
        default: 0
      y:
        description:
          - Upwards.
        type: int
        default: 0
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Click in the middle of the screen
  community.pikvm.pikvm_mouse:
    move:
      x: 0
      y: 0
    click: left

- name: Scroll down
  community.pikvm.pikvm_mouse:
    wheel:
      y: -5

- name: Choose a relative mouse, as old firmware needs it
  community.pikvm.pikvm_hid:
    mouse_output: usb_rel

- name: Push it to the right and down, and click there
  community.pikvm.pikvm_mouse:
    move_by:
      x: 100
      y: 20
    click: left
"""

RETURN = r"""
sent:
  description: What was sent, in order. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample:
    - move
    - click
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._hid import require_mouse
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

POINT = {"x": {"type": "int", "required": True}, "y": {"type": "int", "required": True}}
WAY = {"x": {"type": "int", "default": 0}, "y": {"type": "int", "default": 0}}

SPEC: dict[str, Any] = {
    "move": {"type": "dict", "options": POINT},
    "move_by": {"type": "dict", "options": WAY},
    "click": {"type": "str", "choices": ["left", "right", "middle", "up", "down"]},
    "wheel": {"type": "dict", "options": WAY},
}


def run(task: Task) -> Result:
    """Move, click, scroll."""
    console, params = task.client.console, task.params
    move, move_by, click, wheel = (params[name] for name in SPEC)
    require_mouse(console.hid(), move, wheel, move_by)
    sent = [name for name in SPEC if params[name] is not None]
    if not task.check_mode:
        if move:
            console.mouse_move(move["x"], move["y"])
        if move_by:
            console.mouse_relative(move_by["x"], move_by["y"])
        if click:
            console.mouse_button(click)
        if wheel:
            console.mouse_wheel(wheel["x"], wheel["y"])
    return {"changed": True, "sent": sent}


MODULE = Module(run, SPEC, constraints={"required_one_of": [tuple(SPEC)], "mutually_exclusive": [("move", "move_by")]})


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
