#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_switch_port
short_description: Choose and set up a port of a PiKVM Switch
version_added: 1.0.0
description:
  - Makes a port of a PiKVM Switch the active one, names it, and sets its display data, click delays and beacon.
  - A PiKVM answers with success also for a port that does not exist, and clamps what is out of range. Here a port
    must exist, and everything is read back.
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
    support: full
options:
  port:
    description:
      - The port, as an index that counts from 0 over the whole chain, or as C(unit.channel), both counted from 1, as
        in V("1.2").
      - The numbers that the web interface shows for a single switch count from 1, so its port 2 is V(1) or V("1.2")
        here.
    type: str
    required: true
  active:
    description:
      - V(true) makes it the active port. A port stops being active when another one becomes it.
    type: bool
    choices:
      - true
  force:
    description:
      - Switch to another port even while an image is connected, which takes the drive away from one server and gives
        it to the other.
    type: bool
    default: false
  name:
    description:
      - Name of the port.
    type: str
  edid:
    description:
      - Name or ID of the display data that the server gets to see.
    type: str
  dummy:
    description:
      - Whether a display is simulated while the port is not active. Needs kvmd 4.72.
    type: bool
  power_delay:
    description:
      - Seconds of a short press of the power button.
    type: float
  power_long_delay:
    description:
      - Seconds of a long press of the power button.
    type: float
  reset_delay:
    description:
      - Seconds of a press of the reset button.
    type: float
  beacon:
    description:
      - Whether the light of the port blinks, so that a person finds it.
    type: bool
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Look at the second server
  community.pikvm.pikvm_switch_port:
    port: "1.2"
    active: true

- name: Name it, and let it blink
  community.pikvm.pikvm_switch_port:
    port: "1.2"
    name: server2
    beacon: true
"""

RETURN = r"""
port:
  description: The port as read back. In check mode, what would differ is as it would be.
  returned: success
  type: dict
  contains:
    index:
      description: Number of the port, from 0.
      type: int
    id:
      description: What the web interface calls it.
      type: str
    name:
      description: Its name.
      type: str
    active:
      description: Whether it is the active one.
      type: bool
    beacon:
      description: Whether its light blinks.
      type: bool
    edid:
      description: ID of its display data.
      type: str
    dummy:
      description: Whether a display is simulated, V(null) before kvmd 4.72.
      type: bool
    click_delays:
      description: Seconds of its presses.
      type: dict
    leds:
      description: Power and disk LED of the server.
      type: dict
    links:
      description: Whether there is a video signal, and a USB connection.
      type: dict
    busy:
      description: Whether a press is under way.
      type: bool
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._argspec import wait_spec
from ansible_collections.community.pikvm.plugins.module_utils._plan import result_of
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task
from ansible_collections.community.pikvm.plugins.module_utils._switch import PortWish, plan_port

SPEC: dict[str, Any] = {
    "port": {"type": "str", "required": True},
    "active": {"type": "bool", "choices": [True]},
    "force": {"type": "bool", "default": False},
    "name": {"type": "str"},
    "edid": {"type": "str"},
    "dummy": {"type": "bool"},
    "power_delay": {"type": "float"},
    "power_long_delay": {"type": "float"},
    "reset_delay": {"type": "float"},
    "beacon": {"type": "bool"},
    **wait_spec(),
}


def run(task: Task) -> Result:
    """Compare the port, set what differs, and read back."""
    client, params = task.client, task.params
    wish = PortWish(**{name: params[name] for name in SPEC})
    read = client.switch.state
    plan = task.run.converge(read, read, lambda found: plan_port(client, found, wish))
    port = task.run.seen.find(wish.port).as_result() if task.run.taken else plan.after["port"]
    return {**result_of(plan, task.run), "port": port}


MODULE = Module(run, SPEC)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
