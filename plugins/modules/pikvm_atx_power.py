#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_atx_power
short_description: Switch a server on or off with the buttons that a PiKVM presses
version_added: 1.0.0
description:
  - Presses the power or reset button of the server and waits until its power LED shows the wished state.
  - A PiKVM answers with success whether it has pressed or not, and whether the server has reacted or not. So only the
    power LED is believed, and only once it has held still.
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
      - O(state=on) and O(state=off) are, O(state=restarted) and O(state=reset) press each time.
options:
  state:
    description:
      - V(on) presses the power button if the LED is dark. A server whose LED blinks (asleep) is woken.
      - V(off) switches off as O(mode) says, if the LED is lit.
      - V(restarted) switches off as O(mode) says, waits until the LED is dark, and switches on.
      - V(reset) presses the reset button. The server must be on.
    type: str
    required: true
    choices:
      - "on"
      - "off"
      - restarted
      - reset
  mode:
    description:
      - How to switch off.
      - V(graceful) presses the power button shortly, a wish that the operating system may grant or ignore.
      - V(graceful_then_hard) does so, too, and holds the button down if the LED is still lit after O(graceful_timeout).
      - V(hard) holds the button down at once.
    type: str
    choices:
      - graceful
      - graceful_then_hard
      - hard
    default: graceful_then_hard
  graceful_timeout:
    description:
      - Seconds that the operating system gets to shut down.
    type: float
    default: 180.0
  wait:
    description:
      - Whether to wait until the LED shows the end state. Without it, a press that has no effect goes unnoticed, and
        O(mode=graceful_then_hard) never holds the button down after a short press.
      - O(state=restarted) waits for the LED to go dark in any case.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds until the LED has to show the effect of a press, and until the PiKVM has to be done with another press.
    type: float
    default: 60.0
  stable_for:
    description:
      - Seconds that the LED has to hold still before it is believed. With V(0) one look is enough, and a server that
        is asleep cannot be told from one that is on or off.
    type: float
    default: 2.0
  port:
    description:
      - Port of a PiKVM Switch whose server is meant, as an index from 0, or as C(unit.channel) from 1, as in V("1.2").
      - By default the server on the PiKVM itself. Without it, the host's variable C(pikvm_port) is taken.
    type: str
notes:
  - Where the power LED is not wired to the PiKVM, use M(community.pikvm.pikvm_atx_click).
seealso:
  - module: community.pikvm.pikvm_atx_click
  - module: community.pikvm.pikvm_wait_for
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Switch the server on
  community.pikvm.pikvm_atx_power:
    state: "on"

- name: Shut it down, and never take the power away from under it
  community.pikvm.pikvm_atx_power:
    state: "off"
    mode: graceful
    graceful_timeout: 300

- name: A cold start
  community.pikvm.pikvm_atx_power:
    state: restarted
    mode: hard
"""

RETURN = r"""
power:
  description: The power LED as it was seen last, V(unknown) if it did not hold still.
  returned: success
  type: str
  sample: "on"
actions:
  description: >-
    What was pressed, in order, out of V(power), V(power_long) and V(reset). In check mode, what would be pressed first.
  returned: success
  type: list
  elements: str
  sample:
    - power
elapsed:
  description: Seconds from the first look to the last.
  returned: success
  type: float
  sample: 7.4
"""

import time
from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._argspec import wait_spec
from ansible_collections.community.pikvm.plugins.module_utils._atx import (
    Observed,
    PowerWish,
    buttons_of,
    lit,
    observe,
    plan_power,
)
from ansible_collections.community.pikvm.plugins.module_utils._plan import result_of
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

SPEC: dict[str, Any] = {
    "state": {"type": "str", "required": True, "choices": ["on", "off", "restarted", "reset"]},
    "mode": {"type": "str", "choices": ["graceful", "graceful_then_hard", "hard"], "default": "graceful_then_hard"},
    "graceful_timeout": {"type": "float", "default": 180.0},
    "wait": {"type": "bool", "default": True},
    "stable_for": {"type": "float", "default": 2.0},
    "port": {"type": "str"},
    **wait_spec(),
}


def run(task: Task) -> Result:
    """Look at the LED, press what is needed, and look again."""
    start = time.monotonic()
    wish = PowerWish(**{name: task.params[name] for name in SPEC if name != "port"})
    buttons = buttons_of(task.client, task.run, task.params["port"])
    seen: list[Observed] = []

    def look() -> Observed:
        seen.append(observe(buttons, task.run, wish.stable_for))
        return seen[-1]

    plan = task.run.converge(look, buttons.atx, lambda observed: plan_power(buttons, observed, wish))
    power = seen[-1].power
    if task.run.taken:
        power = plan.after["power"] if wish.wait else lit(buttons.atx())
    actions = [step.name for step in plan.steps] if task.check_mode else task.run.taken
    return {
        **result_of(plan, task.run),
        "power": power,
        "actions": actions,
        "elapsed": round(time.monotonic() - start, 2),
    }


MODULE = Module(run, SPEC)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
