#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_streamer
short_description: Set up the video of a PiKVM
version_added: 1.0.0
description:
  - Sets quality, frame rate and the like of the video that viewers of the screen get.
  - A PiKVM drops in silence what is outside of its limits. Here that is an error, and everything is read back.
  - A running video begins anew with its new settings about a second later. They last until kvmd restarts.
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
  quality:
    description:
      - JPEG quality in percent, 1 to 100.
    type: int
  desired_fps:
    description:
      - Frames per second, 0 to 120, where V(0) is as many as there are. The limit of the hardware is lower.
    type: int
  resolution:
    description:
      - Size of the picture, such as V(1280x720). Only capture hardware that can scale has this setting.
    type: str
  h264_bitrate:
    description:
      - Bit rate of the H.264 video in kbit/s, 25 to 20000.
    type: int
  h264_gop:
    description:
      - Frames from one key frame of the H.264 video to the next, 0 to 60.
    type: int
  state:
    description:
      - V(reset) lets a running video begin anew, each time.
    type: str
    choices:
      - reset
seealso:
  - module: community.pikvm.pikvm_info
    description: With O(community.pikvm.pikvm_info#module:gather_subset=streamer), it tells settings and limits.
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Be content with less over a thin line
  community.pikvm.pikvm_streamer:
    quality: 60
    desired_fps: 10
    h264_bitrate: 1000

- name: Let a video that hangs begin anew
  community.pikvm.pikvm_streamer:
    state: reset
"""

RETURN = r"""
streamer:
  description: The video as read back. In check mode, what would differ is as it would be.
  returned: success
  type: dict
  contains:
    running:
      description: Whether the video process runs. It does only while somebody looks.
      type: bool
    online:
      description: Whether there is a signal, V(null) if the process does not run.
      type: bool
    width:
      description: Width of the screen in pixels, V(null) if the process does not run.
      type: int
    height:
      description: Height of the screen in pixels, V(null) if the process does not run.
      type: int
    captured_fps:
      description: Frames per second, V(null) if the process does not run.
      type: int
    params:
      description: What it is set to, with a key for each setting that this PiKVM has.
      type: dict
      sample:
        quality: 80
        desired_fps: 40
        h264_bitrate: 5000
        h264_gop: 30
    limits:
      description: What some of these can be set to.
      type: dict
      sample:
        desired_fps:
          min: 0
          max: 70
    saved:
      description: >-
        The picture that the PiKVM keeps, as its V(online), V(width) and V(height). V(null) if it keeps none.
      type: dict
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._plan import result_of
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task
from ansible_collections.community.pikvm.plugins.module_utils._streamer import SETTINGS, plan_reset, plan_streamer

SPEC: dict[str, Any] = {
    "quality": {"type": "int"},
    "desired_fps": {"type": "int"},
    "resolution": {"type": "str"},
    "h264_bitrate": {"type": "int"},
    "h264_gop": {"type": "int"},
    "state": {"type": "str", "choices": ["reset"]},
}


def run(task: Task) -> Result:
    """Compare, set what differs, and read back."""
    client, params = task.client, task.params
    read = client.console.streamer
    wish = {name: params[name] for name in SETTINGS}
    found: Result = {}

    def plan_for(streamer: Any) -> Any:
        found.update(streamer.as_result())
        return plan_reset(client, streamer) if params["state"] else plan_streamer(client, streamer, wish)

    plan = task.run.converge(read, read, plan_for)
    seen = task.run.seen.as_result() if task.run.taken else {**found, **plan.after}
    return {**result_of(plan, task.run), "streamer": seen}


MODULE = Module(
    run,
    SPEC,
    constraints={
        "required_one_of": [(*SETTINGS, "state")],
        "mutually_exclusive": [("state", name) for name in SETTINGS],
    },
)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
