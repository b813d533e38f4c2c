#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_atx_click
short_description: Press a button of a server, whatever its state
version_added: 1.0.0
description:
  - Presses the power or the reset button once, without a look at the power LED.
  - Use it where the LED is not wired, or to wake a server from sleep. M(community.pikvm.pikvm_atx_power) is the
    better choice where there is an LED.
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
      - A press changes no state that could be told beforehand.
  idempotent:
    support: none
    details:
      - It presses each time.
options:
  button:
    description:
      - V(power) presses the power button shortly, V(power_long) holds it down for some seconds, V(reset) presses the
        reset button.
    type: str
    required: true
    choices:
      - power
      - power_long
      - reset
  wait:
    description:
      - Whether to wait until the button is released again. The reaction of the server is not waited for.
      - Without it, a PiKVM that fails in mid-press goes unnoticed.
    type: bool
    default: true
  port:
    description:
      - Port of a PiKVM Switch whose server is meant, as an index from 0, or as C(unit.channel) from 1, as in V("1.2").
      - By default the server on the PiKVM itself. Without it, the host's variable C(pikvm_port) is taken.
    type: str
seealso:
  - module: community.pikvm.pikvm_atx_power
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Wake the server
  community.pikvm.pikvm_atx_click:
    button: power

- name: Switch off a server whose LED is not wired
  community.pikvm.pikvm_atx_click:
    button: power_long
"""

RETURN = r"""
power:
  description: The power LED after the press, V(on) or V(off). A server may take longer than the press to react.
  returned: success
  type: str
  sample: "on"
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._argspec import wait_spec
from ansible_collections.community.pikvm.plugins.module_utils._atx import (
    busy,
    buttons_of,
    lit,
    plan_click,
    require_enabled,
)
from ansible_collections.community.pikvm.plugins.module_utils._client.models import Atx
from ansible_collections.community.pikvm.plugins.module_utils._plan import result_of
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

SPEC: dict[str, Any] = {
    "button": {"type": "str", "required": True, "choices": ["power", "power_long", "reset"]},
    "wait": {"type": "bool", "default": True},
    "port": {"type": "str"},
    **wait_spec(),
}


def run(task: Task) -> Result:
    """Press once, as soon as no other press is under way."""
    params = task.params
    buttons = buttons_of(task.client, task.run, params["port"])

    def look() -> Atx:
        return task.run.idle(lambda: require_enabled(buttons.atx()), busy)

    plan = task.run.converge(look, buttons.atx, lambda _: plan_click(buttons, params["button"], params["wait"]))
    return {"changed": result_of(plan, task.run)["changed"], "power": lit(buttons.atx())}


MODULE = Module(run, SPEC)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
