#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_gpio_channel
short_description: Switch or pulse a GPIO channel of a PiKVM
version_added: 1.0.0
description:
  - Switches an output channel on or off, or pulses it.
  - Channels that the web interface hides, such as C(__v3_usb_breaker__), can be named like any other.
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
      - O(state=on) and O(state=off) are, O(state=pulsed) pulses each time.
options:
  channel:
    description:
      - Name of the output channel. M(community.pikvm.pikvm_info) lists them.
    type: str
    required: true
  state:
    description:
      - V(on) and V(off) switch, which the channel must support.
      - V(pulsed) switches on for O(delay) seconds and off again. The channel ends off, whatever it was.
    type: str
    required: true
    choices:
      - "on"
      - "off"
      - pulsed
  delay:
    description:
      - Length of the pulse in seconds, within the channel's limits. By default the channel's own.
    type: float
  wait:
    description:
      - Whether to wait until the PiKVM has finished, and to read the channel back.
      - Without it, hardware that fails goes unnoticed.
    type: bool
    default: true
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Close a relay
  community.pikvm.pikvm_gpio_channel:
    channel: relay1
    state: "on"

- name: Unplug the emulated USB devices from the server
  community.pikvm.pikvm_gpio_channel:
    channel: __v3_usb_breaker__
    state: "off"

- name: Press a button for half a second
  community.pikvm.pikvm_gpio_channel:
    channel: button1
    state: pulsed
    delay: 0.5
"""

RETURN = r"""
channel_state:
  description: The channel as read back, V(on) or V(off). In check mode, as it would be. V(null) with O(wait=false).
  returned: success
  type: str
  sample: "on"
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._argspec import wait_spec
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError
from ansible_collections.community.pikvm.plugins.module_utils._client.models import Gpio
from ansible_collections.community.pikvm.plugins.module_utils._gpio import ChannelWish, busy, plan_channel
from ansible_collections.community.pikvm.plugins.module_utils._plan import result_of
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

SPEC: dict[str, Any] = {
    "channel": {"type": "str", "required": True},
    "state": {"type": "str", "required": True, "choices": ["on", "off", "pulsed"]},
    "delay": {"type": "float"},
    "wait": {"type": "bool", "default": True},
    **wait_spec(),
}


def run(task: Task) -> Result:
    """Look at the channel, and switch or pulse it."""
    client = task.client
    wish = ChannelWish(**{name: task.params[name] for name in SPEC})
    if wish.delay is not None and wish.state != "pulsed":
        raise OptionError("delay", f"is for state=pulsed only, not for state={wish.state}")

    def look() -> Gpio:
        return task.run.idle(client.gpio, lambda gpio: busy(wish.channel, gpio))

    plan = task.run.converge(look, client.gpio, lambda gpio: plan_channel(client, gpio, wish, task.check_mode))
    unread = task.run.taken and not wish.wait
    return {**result_of(plan, task.run), "channel_state": None if unread else plan.after["state"]}


MODULE = Module(run, SPEC)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
