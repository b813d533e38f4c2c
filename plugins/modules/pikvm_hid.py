#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_hid
short_description: Set up the keyboard and mouse that a PiKVM shows to its server
version_added: 1.0.0
description:
  - Chooses what kind of keyboard and mouse the server sees, and whether the jiggler keeps it awake.
  - A PiKVM ignores in silence what its hardware lacks; here everything is read back.
author:
  - community.pikvm contributors (@ansible-collections)
extends_documentation_fragment:
  - community.pikvm.connection
  - community.pikvm.attributes
attributes:
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Not with O(state=reset).
options:
  keyboard_output:
    description:
      - Kind of the keyboard.
    type: str
    choices:
      - usb
      - ps2
      - disabled
  mouse_output:
    description:
      - Kind of the mouse. V(usb) is absolute, V(usb_rel) relative.
    type: str
    choices:
      - usb
      - usb_win98
      - usb_rel
      - ps2
      - disabled
  jiggler:
    description:
      - Whether the PiKVM moves the mouse now and then, so that the server does not fall asleep.
    type: bool
  connected:
    description:
      - Whether the server sees keyboard and mouse at all. Only serial and SPI boards can do this.
    type: bool
  state:
    description:
      - V(reset) releases all keys and lets keyboard and mouse begin anew, each time.
    type: str
    choices:
      - reset
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Keep the server awake
  community.pikvm.pikvm_hid:
    jiggler: true

- name: Release whatever is pressed
  community.pikvm.pikvm_hid:
    state: reset
"""

RETURN = r"""
hid:
  description: Keyboard and mouse as read back. In check mode, as they would be.
  returned: success
  type: dict
  contains:
    keyboard_output:
      description: Kind of the keyboard, V(null) if there is no choice.
      type: str
    mouse_output:
      description: Kind of the mouse, V(null) if there is no choice.
      type: str
    jiggler:
      description: Whether the jiggler is active.
      type: bool
    connected:
      description: Whether the server sees them, V(null) if that cannot be changed.
      type: bool
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._hid import plan_hid, plan_reset, shown
from ansible_collections.community.pikvm.plugins.module_utils._plan import result_of
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

WISHES = ("keyboard_output", "mouse_output", "jiggler", "connected")

SPEC: dict[str, Any] = {
    "keyboard_output": {"type": "str", "choices": ["usb", "ps2", "disabled"]},
    "mouse_output": {"type": "str", "choices": ["usb", "usb_win98", "usb_rel", "ps2", "disabled"]},
    "jiggler": {"type": "bool"},
    "connected": {"type": "bool"},
    "state": {"type": "str", "choices": ["reset"]},
}


def run(task: Task) -> Result:
    """Compare, set what differs, and read back."""
    client, params = task.client, task.params
    hid = client.console.hid
    if params["state"] == "reset":
        plan = task.run.converge(hid, hid, lambda found: plan_reset(client, found))
    else:
        wish = {name: params[name] for name in WISHES}
        plan = task.run.converge(hid, hid, lambda found: plan_hid(client, found, wish))
    seen = shown(task.run.seen) if task.run.taken else plan.after["hid"]
    return {**result_of(plan, task.run), "hid": seen}


MODULE = Module(
    run,
    SPEC,
    constraints={"required_one_of": [(*WISHES, "state")], "mutually_exclusive": [("state", name) for name in WISHES]},
)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
