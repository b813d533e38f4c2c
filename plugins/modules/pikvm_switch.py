#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_switch
short_description: Set up a PiKVM Switch as a whole
version_added: 1.0.0
description:
  - Sets the colors of the lights of a PiKVM Switch, lets the light at the link of a unit blink, or resets a unit.
  - A PiKVM answers with success also for a unit that does not exist. Here it must exist, and everything is read back.
  - Ports are set up with M(community.pikvm.pikvm_switch_port), display data with M(community.pikvm.pikvm_switch_edid).
author:
  - community.pikvm contributors (@ansible-collections)
extends_documentation_fragment:
  - community.pikvm.connection
  - community.pikvm.wait
  - community.pikvm.attributes
attributes:
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Not with O(state=reset).
options:
  colors:
    description:
      - Colors of the lights, by what they tell. Each is written as C(RRGGBB:BB:TTTT) in hexadecimal digits, which are
        red, green, blue, the brightness, and the milliseconds of a blink, V(0000) for a light that does not blink.
      - V(default) is the color that the PiKVM came with.
    type: dict
    suboptions:
      active:
        description:
          - The active port.
        type: str
      inactive:
        description:
          - The other ports.
        type: str
      beacon:
        description:
          - What blinks so that a person finds it.
        type: str
      bootloader:
        description:
          - A unit that waits for firmware.
        type: str
      flashing:
        description:
          - A unit that takes in firmware.
        type: str
  beacon:
    description:
      - The light at a link between units, so that a person finds it. That of a port is an option of
        M(community.pikvm.pikvm_switch_port).
    type: dict
    suboptions:
      unit:
        description:
          - The unit in the chain, counted from 1.
        type: int
        required: true
      link:
        description:
          - Which of its links.
        type: str
        required: true
        choices:
          - uplink
          - downlink
      state:
        description:
          - Whether it blinks.
        type: bool
        required: true
  state:
    description:
      - V(reset) lets O(unit) begin anew, each time.
    type: str
    choices:
      - reset
  unit:
    description:
      - The unit to reset, counted from 1. Needs O(state=reset).
    type: int
  bootloader:
    description:
      - Whether O(unit) is to wait for firmware in its bootloader then, where it serves no port. Needs O(state=reset).
    type: bool
    default: false
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Show the active port in blue, the others as they came
  community.pikvm.pikvm_switch:
    colors:
      active: "0000FF:80:0000"
      inactive: default

- name: Help somebody find the cable to the next unit
  community.pikvm.pikvm_switch:
    beacon:
      unit: 1
      link: downlink
      state: true

- name: Let the first unit begin anew
  community.pikvm.pikvm_switch:
    state: reset
    unit: 1
"""

RETURN = r"""
switch:
  description: The switch as read back. In check mode, what would differ is as it would be.
  returned: success
  type: dict
  contains:
    units:
      description: How many units there are in the chain.
      type: int
      sample: 1
    colors:
      description: The colors of the lights, in the notation of O(colors).
      type: dict
      sample:
        active: "00FF00:80:0000"
        inactive: "FF0000:40:0000"
        beacon: "E42C9C:FF:00FA"
        bootloader: "FFAA00:40:0000"
        flashing: "00AAFF:40:0000"
    beacons:
      description: Whether the light at the V(uplink) and at the V(downlink) of each unit blinks.
      type: dict
      sample:
        uplink:
          - false
        downlink:
          - true
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._argspec import wait_spec
from ansible_collections.community.pikvm.plugins.module_utils._chain import (
    ChainWish,
    parse_colors,
    plan_chain,
    plan_unit_reset,
)
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError
from ansible_collections.community.pikvm.plugins.module_utils._client.switch import LINKS, ROLES
from ansible_collections.community.pikvm.plugins.module_utils._plan import result_of
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

BEACON = {
    "unit": {"type": "int", "required": True},
    "link": {"type": "str", "required": True, "choices": list(LINKS)},
    "state": {"type": "bool", "required": True},
}

SPEC: dict[str, Any] = {
    "colors": {"type": "dict", "options": {role: {"type": "str"} for role in ROLES}},
    "beacon": {"type": "dict", "options": BEACON},
    "state": {"type": "str", "choices": ["reset"]},
    "unit": {"type": "int"},
    "bootloader": {"type": "bool", "default": False},
    **wait_spec(),
}


def run(task: Task) -> Result:
    """Compare, set what differs, and read back."""
    client, params = task.client, task.params
    for option, default in (("unit", None), ("bootloader", False)):
        if params[option] is not default and not params["state"]:
            raise OptionError(option, "is for a reset, and needs state=reset")
    read, patience = client.switch.state, params["wait_timeout"]
    if params["state"] == "reset":
        unit, bootloader = params["unit"], params["bootloader"]
        plan = task.run.converge(
            read, read, lambda found: plan_unit_reset(client, found, unit, bootloader, min(patience, 30.0))
        )
    else:
        wish = ChainWish(parse_colors(params["colors"]), params["beacon"], patience)
        plan = task.run.converge(read, read, lambda found: plan_chain(client, found, wish))
    seen = task.run.seen.chain() if task.run.seen else plan.after["switch"]
    return {**result_of(plan, task.run), "switch": seen}


MODULE = Module(
    run,
    SPEC,
    constraints={
        "required_one_of": [("colors", "beacon", "state")],
        "required_if": [("state", "reset", ["unit"])],
        "mutually_exclusive": [("state", "colors"), ("state", "beacon")],
    },
)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
