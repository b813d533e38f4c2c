#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_wait_for
short_description: Wait until a server or its PiKVM shows a state
version_added: 0.1.0
description:
  - Looks at LEDs, GPIO channels and the virtual drive until all the given conditions hold at once.
  - If they do not in time, it fails with what it saw last. It never writes.
  - In check mode it looks once and does not wait, because what it would wait for may not have been done.
author:
  - community.pikvm contributors (@ansible-collections)
extends_documentation_fragment:
  - community.pikvm.connection
  - community.pikvm.attributes
  - community.pikvm.attributes.info_module
options:
  power:
    description:
      - The power LED is lit or dark.
    type: str
    choices:
      - "on"
      - "off"
  hdd:
    description:
      - The disk LED is dark (V(idle)) or lit (V(active)). It flickers, so give O(stable_for), too.
    type: str
    choices:
      - idle
      - active
  gpio:
    description:
      - A GPIO channel, input or output, has a state.
    type: dict
    suboptions:
      channel:
        description:
          - Name of the channel.
        type: str
        required: true
      state:
        description:
          - The state to wait for.
        type: str
        required: true
        choices:
          - "on"
          - "off"
  msd:
    description:
      - V(idle) means that no operation on the virtual drive or its storage is under way.
    type: str
    choices:
      - idle
  stable_for:
    description:
      - Seconds that the conditions have to hold without a break.
    type: float
    default: 2.0
  wait_timeout:
    description:
      - Seconds until the conditions have to hold.
      - While the PiKVM does not answer, as when it restarts, it is asked again until this time is up.
    type: float
    default: 300.0
  poll:
    description:
      - Seconds between two looks.
    type: float
    default: 0.3
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Wait until the server has switched itself off
  community.pikvm.pikvm_wait_for:
    power: "off"
    stable_for: 5
    wait_timeout: 3600

- name: Wait for the end of somebody's upload
  community.pikvm.pikvm_wait_for:
    msd: idle
"""

RETURN = r"""
matched:
  description: Whether the conditions held. V(false) in check mode only; otherwise that is a failure.
  returned: always
  type: bool
  sample: true
observed:
  description: What was seen last, one key for each condition.
  returned: always
  type: dict
  sample:
    power: "off"
elapsed:
  description: Seconds that were waited.
  returned: always
  type: float
  sample: 512.3
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._conditions import Conditions
from ansible_collections.community.pikvm.plugins.module_utils._runner import Result, Task, run_module

SPEC: dict[str, Any] = {
    "power": {"type": "str", "choices": ["on", "off"]},
    "hdd": {"type": "str", "choices": ["idle", "active"]},
    "gpio": {
        "type": "dict",
        "options": {
            "channel": {"type": "str", "required": True},
            "state": {"type": "str", "required": True, "choices": ["on", "off"]},
        },
    },
    "msd": {"type": "str", "choices": ["idle"]},
    "stable_for": {"type": "float", "default": 2.0},
    "wait_timeout": {"type": "float", "default": 300.0},
    "poll": {"type": "float", "default": 0.3},
}


def run(task: Task) -> Result:
    """Look until all conditions hold, once in check mode."""
    params = task.params
    conditions = Conditions(task.client, params["power"], params["hdd"], params["gpio"], params["msd"])
    if task.check_mode:
        observed = conditions.look()
        return {"changed": False, "matched": conditions.hold(observed), "observed": observed, "elapsed": 0.0}
    waited = task.run.wait(
        conditions.look, conditions.hold, params["wait_timeout"], params["stable_for"], max(0.05, params["poll"])
    )
    result: Result = {
        "changed": False,
        "matched": waited.ok,
        "observed": waited.last,
        "elapsed": round(waited.elapsed, 2),
    }
    if not waited.ok:
        result.update(failed=True, msg=conditions.missed(waited, params["stable_for"]))
    return result


def main() -> None:
    run_module(run, SPEC, writes=False, required_one_of=[("power", "hdd", "gpio", "msd")])


if __name__ == "__main__":
    main()
