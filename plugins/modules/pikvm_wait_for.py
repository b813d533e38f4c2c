#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_wait_for
short_description: Wait until a server or its PiKVM shows a state
version_added: 1.0.0
description:
  - Looks at LEDs, GPIO channels, the virtual drive and the screen until all the given conditions hold at once.
  - Where it can have a WebSocket (Python library C(websockets)), it is told of changes at once; else it asks again
    and again. RV(used) tells which. The screen is looked at again and again in any case.
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
  port:
    description:
      - Port of a PiKVM Switch whose LEDs are meant by O(power) and O(hdd), as an index from 0, or as C(unit.channel)
        from 1, as in V("1.2"). By default those on the PiKVM itself.
      - Without it, the host's variable C(pikvm_port) is taken.
    type: str
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
  screen_text:
    description:
      - The text of the screen matches this regular expression. The PiKVM needs Tesseract for it.
    type: str
  fail_text:
    description:
      - Regular expressions. As soon as the text of the screen matches one of them, the module fails.
    type: list
    elements: str
  loop_text:
    description:
      - Regular expression for what the screen shows while something runs that must not start twice, as an installer.
      - When the screen shows it, then for a second does not, and then does again, the module fails.
    type: str
  screen:
    description:
      - V(stable) means that the picture does not change, give O(stable_for), too. V(changed) means that it is no
        longer the one that was there at first.
    type: str
    choices:
      - stable
      - changed
  frame:
    description:
      - File to save the screen to if the conditions do not come to hold.
    type: path
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
      - Seconds between two looks, where looking again and again is needed. At least 1 for the screen.
    type: float
    default: 0.3
requirements:
  - websockets >= 14 (for the screen; else it is only faster with it)
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Wait until the server has switched itself off
  community.pikvm.pikvm_wait_for:
    power: "off"
    stable_for: 5
    wait_timeout: 3600

- name: Wait until the server has switched itself off, and notice an installer that starts over and over
  community.pikvm.pikvm_wait_for:
    power: "off"
    stable_for: 5
    loop_text: ^Debian GNU/Linux installer
    wait_timeout: 3600

- name: Wait for the end of an installation on the screen
  community.pikvm.pikvm_wait_for:
    screen_text: "login:"
    fail_text:
      - Kernel panic
      - Installation failed
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
text:
  description: The text of the screen as it was read last, V(null) if it was not read.
  returned: always
  type: str
used:
  description: How changes were noticed, by C(events) or by C(polling).
  returned: always
  type: str
  sample: events
frame:
  description: The saved screen.
  returned: on failure, with O(frame)
  type: str
elapsed:
  description: Seconds that were waited.
  returned: always
  type: float
  sample: 512.3
"""

import time
from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import PikvmError, StateError
from ansible_collections.community.pikvm.plugins.module_utils._conditions import Conditions, needs_screen
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task
from ansible_collections.community.pikvm.plugins.module_utils._screen import check_dest, save, take_picture
from ansible_collections.community.pikvm.plugins.module_utils._wait import Waited
from ansible_collections.community.pikvm.plugins.module_utils._watch import Watch

CONDITIONS = ("power", "hdd", "gpio", "msd", "screen", "screen_text")
SCREEN_POLL = 1.0
EVENT_PAUSE = 15.0
"""Seconds after which an event socket that is silent is looked at all the same."""

SPEC: dict[str, Any] = {
    "power": {"type": "str", "choices": ["on", "off"]},
    "hdd": {"type": "str", "choices": ["idle", "active"]},
    "port": {"type": "str"},
    "gpio": {
        "type": "dict",
        "options": {
            "channel": {"type": "str", "required": True},
            "state": {"type": "str", "required": True, "choices": ["on", "off"]},
        },
    },
    "msd": {"type": "str", "choices": ["idle"]},
    "screen_text": {"type": "str"},
    "fail_text": {"type": "list", "elements": "str"},
    "loop_text": {"type": "str"},
    "screen": {"type": "str", "choices": ["stable", "changed"]},
    "frame": {"type": "path"},
    "stable_for": {"type": "float", "default": 2.0},
    "wait_timeout": {"type": "float", "default": 300.0},
    "poll": {"type": "float", "default": 0.3},
}


def run(task: Task) -> Result:
    """Look until all conditions hold, once in check mode."""
    params = task.params
    check_dest(params["frame"], "frame")
    screen = needs_screen(params)
    poll = max(params["poll"], SCREEN_POLL if screen else 0.05)
    kinds = {name for name, wanted in kinds_of(params).items() if wanted}
    with Watch(task.client, kinds, screen, poll) as watch:
        wanted = {name: params[name] for name in CONDITIONS}
        texts = params["fail_text"] or [], params["loop_text"]
        conditions = Conditions(task.client, watch, wanted, *texts, params["port"])
        start = time.monotonic()
        try:
            waited = wait(task, watch, conditions, poll if screen else EVENT_PAUSE)
        except StateError as exc:
            seen = Waited(False, conditions.observed, time.monotonic() - start)
            return missed(task, conditions, seen, str(exc), watch.used)
        result = outcome(conditions, waited, watch.used)
        if waited.ok or task.check_mode:
            return result
        return missed(task, conditions, waited, conditions.missed(waited, params["stable_for"]), watch.used)


def kinds_of(params: dict[str, Any]) -> dict[str, bool]:
    """Which kinds of events the conditions need."""
    leds = bool(params["power"] or params["hdd"])
    return {
        "atx": leds and params["port"] is None,
        "switch": leds and params["port"] is not None,
        "gpio": params["gpio"] is not None,
        "msd": params["msd"] is not None,
    }


def wait(task: Task, watch: Watch, conditions: Conditions, pause: float) -> Waited:
    """Wait for events or for the next look; look once in check mode."""
    if task.check_mode:
        observed = conditions.look()
        return Waited(conditions.hold(observed), observed, 0.0)
    params = task.params
    task.run.sleep = watch.wait
    return task.run.wait(conditions.look, conditions.hold, params["wait_timeout"], params["stable_for"], pause)


def outcome(conditions: Conditions, waited: Waited, used: str) -> Result:
    return {
        "changed": False,
        "matched": waited.ok,
        "observed": waited.last,
        "elapsed": round(waited.elapsed, 2),
        "text": conditions.text,
        "used": used,
    }


def missed(task: Task, conditions: Conditions, waited: Waited, msg: str, used: str) -> Result:
    """A failure, with the last frame if it was asked for. A frame that cannot be had does not hide the failure."""
    result: Result = {**outcome(conditions, waited, used), "failed": True, "msg": msg}
    if task.params["frame"] and not task.check_mode:
        try:
            save(take_picture(task.client, None, None, 5.0).picture, task.params["frame"], "frame")
            result["frame"] = task.params["frame"]
        except PikvmError as exc:
            result["msg"] += f". The screen could not be saved: {exc}"
    return result


MODULE = Module(run, SPEC, writes=False, constraints={"required_one_of": [CONDITIONS]})


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
