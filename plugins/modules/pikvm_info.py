#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_info
short_description: Gather what a PiKVM tells about itself and its server
version_added: 1.0.0
description:
  - Reads the state of a PiKVM. It never writes.
  - The result has one shape for all versions of kvmd, that of the newest. What a device does not tell is V(null).
author:
  - community.pikvm contributors (@ansible-collections)
extends_documentation_fragment:
  - community.pikvm.connection
  - community.pikvm.attributes
  - community.pikvm.attributes.info_module
options:
  gather_subset:
    description:
      - What to read. Each subset is one request, V(hid) and V(streamer) are two each.
      - A subset is left out with a leading V(!), as in V(!gpio). If only such are given, they are taken from V(all).
    type: list
    elements: str
    choices:
      - all
      - info
      - atx
      - msd
      - gpio
      - hid
      - streamer
      - switch
      - metrics
      - "!info"
      - "!atx"
      - "!msd"
      - "!gpio"
      - "!hid"
      - "!streamer"
      - "!switch"
      - "!metrics"
    default:
      - info
      - atx
      - msd
      - gpio
  info_fields:
    description:
      - Which fields of the subset V(info) to return. All of them by default.
    type: list
    elements: str
    choices:
      - auth
      - extras
      - fan
      - health
      - meta
      - node
      - platform
      - system
      - uptime
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: See what there is
  community.pikvm.pikvm_info:
  register: found

- name: The power LED must be readable
  ansible.builtin.assert:
    that: found.pikvm.capabilities.atx

- name: Read the virtual drive only
  community.pikvm.pikvm_info:
    gather_subset:
      - msd
  register: found

- name: Show the stored images
  ansible.builtin.debug:
    msg: "{{ found.pikvm.msd.storage.images | dict2items | map(attribute='key') }}"
"""

RETURN = r"""
pikvm:
  description: The state of the PiKVM. There is a key for each subset that was read.
  returned: success
  type: dict
  contains:
    version:
      description: Version of kvmd. V(null) unless the subset V(info) was read.
      type: str
      sample: "4.197"
    capabilities:
      description: What can be used, as far as the subsets that were read tell. The others are V(null).
      type: dict
      contains:
        atx:
          description: Whether buttons can be pressed and LEDs be read.
          type: bool
        msd:
          description: Whether there is a virtual drive, and it is online.
          type: bool
        gpio:
          description: Whether there is an output channel.
          type: bool
        hid:
          description: Whether there is a keyboard and a mouse.
          type: bool
        ocr:
          description: Whether the PiKVM can read text on the screen. Known from the subset V(streamer).
          type: bool
        switch:
          description: Whether a PiKVM Switch is attached.
          type: bool
        metrics:
          description: Whether there are metrics.
          type: bool
    info:
      description: Fields of C(/api/info), each at the place where kvmd 4.130 and later have it.
      returned: when the subset V(info) was read
      type: dict
    atx:
      description: ATX, the buttons and LEDs of the server.
      returned: when the subset V(atx) was read
      type: dict
      contains:
        enabled:
          description: Whether the PiKVM can press buttons.
          type: bool
        busy:
          description: Whether a press is under way.
          type: bool
        acts:
          description: Which press is under way. V(null) before kvmd 4.88.
          type: dict
        leds:
          description: The LEDs RV(pikvm.atx.leds.power) and RV(pikvm.atx.leds.hdd).
          type: dict
          contains:
            power:
              description: Whether the power LED is lit.
              type: bool
            hdd:
              description: Whether the disk LED is lit.
              type: bool
    msd:
      description: The virtual drive and its storage.
      returned: when the subset V(msd) was read
      type: dict
      contains:
        enabled:
          description: Whether the PiKVM is configured to have a virtual drive.
          type: bool
        online:
          description: Whether the virtual drive is there.
          type: bool
        busy:
          description: Whether an operation such as an upload is under way.
          type: bool
        storage:
          description: What is stored.
          type: dict
          contains:
            images:
              description: The stored images by name, each with its V(size) in bytes and whether it is V(complete).
              type: dict
            parts:
              description: >-
                The parts of the storage by name, each with its V(size) and V(free) in bytes, and whether it is
                V(writable). The main part has an empty name.
              type: dict
            uploading:
              description: The upload under way, V(null) if there is none.
              type: dict
            downloading:
              description: The download by the PiKVM itself that is under way, V(null) if there is none.
              type: dict
        drive:
          description: What the server sees. V(null) if there is no drive.
          type: dict
          contains:
            connected:
              description: Whether the server sees the drive.
              type: bool
            image:
              description: Name of the selected image, or V(null).
              type: str
            media_type:
              description: V(cdrom) or V(flash).
              type: str
            read_write:
              description: Whether the server can write to the image.
              type: bool
    gpio:
      description: The GPIO channels, each with its state and what it can do.
      returned: when the subset V(gpio) was read
      type: dict
      contains:
        inputs:
          description: Input channels by name, each with its V(state).
          type: dict
        outputs:
          description: >-
            Output channels by name, each with its V(state), whether it can V(switch), and the lengths of its V(pulse),
            or V(null).
          type: dict
    hid:
      description: Keyboard and mouse, with the outputs that can be chosen and whether a server listens.
      returned: when the subset V(hid) was read
      type: dict
      contains:
        enabled:
          description: Whether the PiKVM is configured to have a keyboard and a mouse.
          type: bool
        online:
          description: Whether its hardware answers. Whether a server listens is told of each device.
          type: bool
        busy:
          description: Whether they are being set up at the moment.
          type: bool
        connected:
          description: Whether the server sees them, V(null) if that cannot be changed.
          type: bool
        keyboard:
          description: Whether a server listens (V(online)), its lights (V(leds)), its kind and what it could be.
          type: dict
        mouse:
          description: Whether a server listens (V(online)), whether it is V(absolute), its kind and what it could be.
          type: dict
        jiggler:
          description: Whether the jiggler is active. V(null) before kvmd 3.265.
          type: bool
        inactivity:
          description: >-
            Seconds since somebody last typed or moved the mouse through the PiKVM. V(null) before kvmd 4.83.
          type: float
    streamer:
      description: The video. It runs only while somebody looks, so its size and signal may be unknown.
      returned: when the subset V(streamer) was read
      type: dict
      contains:
        running:
          description: Whether the video process runs.
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
          description: What the video is set to, such as V(quality) and V(desired_fps).
          type: dict
        limits:
          description: What some of these can be set to, such as V(desired_fps) with its V(min) and V(max).
          type: dict
        saved:
          description: >-
            The picture that the PiKVM keeps, as its V(online), V(width) and V(height). V(null) if it keeps none.
          type: dict
        ocr:
          description: Whether text can be read, and in which languages.
          type: dict
    switch:
      description: The ports of the PiKVM Switch. V(null) if this kvmd knows of none.
      returned: when the subset V(switch) was read
      type: dict
      contains:
        ports:
          description: The ports, in order.
          type: list
          elements: dict
        edids:
          description: Names of the display data by ID.
          type: dict
        units:
          description: How many units there are in the chain.
          type: int
        colors:
          description: The colors of the lights, in the notation of O(community.pikvm.pikvm_switch#module:colors).
          type: dict
        beacons:
          description: Whether the light at the V(uplink) and at the V(downlink) of each unit blinks.
          type: dict
    metrics:
      description: Numbers by the names that Prometheus gets. V(null) if there are none.
      returned: when the subset V(metrics) was read
      type: dict
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._client.models import INFO_FIELDS
from ansible_collections.community.pikvm.plugins.module_utils._facts import readers
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

DEFAULT = ["info", "atx", "msd", "gpio"]
SUBSETS = (*DEFAULT, "hid", "streamer", "switch", "metrics")
CAPABILITIES = ("atx", "msd", "gpio", "hid", "ocr", "switch", "metrics")

SPEC: dict[str, Any] = {
    "gather_subset": {
        "type": "list",
        "elements": "str",
        "choices": ["all", *SUBSETS, *(f"!{name}" for name in SUBSETS)],
        "default": DEFAULT,
    },
    "info_fields": {"type": "list", "elements": "str", "choices": list(INFO_FIELDS)},
}


def run(task: Task) -> Result:
    """Read each subset that is wanted."""
    wanted = wanted_subsets(task.params["gather_subset"])
    pikvm: Result = {"version": None, "capabilities": dict.fromkeys(CAPABILITIES)}
    if "info" in wanted:
        info = task.client.info()
        fields = task.params["info_fields"] or INFO_FIELDS
        pikvm["version"] = info.version
        pikvm["info"] = {name: value for name, value in info.as_result().items() if name in fields}
    for name, (read, capabilities) in readers(task.client).items():
        if name in wanted:
            found = read()
            pikvm[name] = found.as_result() if found is not None else None
            pikvm["capabilities"].update({key: found is not None and able(found) for key, able in capabilities.items()})
    return {"changed": False, "pikvm": pikvm}


def wanted_subsets(names: list[str]) -> list[str]:
    """The subsets to read, in their fixed order."""
    named = [name for name in names if not name.startswith("!")]
    if not named or "all" in named:
        named = list(SUBSETS)
    return [name for name in SUBSETS if name in named and f"!{name}" not in names]


MODULE = Module(run, SPEC, writes=False)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
