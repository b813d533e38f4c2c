#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_msd_drive
short_description: Connect or disconnect the virtual drive of a PiKVM
version_added: 1.0.0
description:
  - Selects an image as CD-ROM or flash drive, connects the drive to the server or takes it away.
  - The state is reached from any other in the fewest requests. A drive that is right already is never disconnected.
  - Each step is read back. What the PiKVM drops in silence, such as O(read_write) for an C(.iso), is an error.
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
  state:
    description:
      - V(connected) lets the server see the image.
      - V(disconnected) takes the drive away; the image stays selected.
      - V(ejected) takes the drive away and selects no image.
      - V(reset) takes the drive away by force and lets it begin anew, each time. The image stays selected. It is for a
        drive that neither connects nor disconnects any more, and does not mind one that is offline. Before kvmd 4.169
        it also makes the PiKVM look anew for images in its storage.
    type: str
    required: true
    choices:
      - connected
      - disconnected
      - ejected
      - reset
  image:
    description:
      - Name of a stored image. It must be complete.
      - By default the image that is selected already.
    type: str
  media_type:
    description:
      - What the server is to see. Kept as it is by default.
      - PiKVMs before kvmd 4.49 emulate CD only, not DVD. Use V(flash) there for big hybrid images.
    type: str
    choices:
      - cdrom
      - flash
  read_write:
    description:
      - Whether the server may write to the image. Needs O(media_type=flash).
      - By default kept as it is, and V(false) for an image that is newly selected.
    type: bool
seealso:
  - module: community.pikvm.pikvm_msd_image
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Store an image first
  community.pikvm.pikvm_msd_image:
    src: images/netinst.iso

- name: Insert it as a CD
  community.pikvm.pikvm_msd_drive:
    state: connected
    image: netinst.iso
    media_type: cdrom

- name: Take it out again
  community.pikvm.pikvm_msd_drive:
    state: ejected

- name: Let a drive that hangs begin anew
  community.pikvm.pikvm_msd_drive:
    state: reset
"""

RETURN = r"""
drive:
  description: >-
    The drive as the PiKVM shows it. In check mode, as it would be. V(null) if a reset left it offline.
  returned: success
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
  sample:
    connected: true
    image: netinst.iso
    media_type: cdrom
    read_write: false
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._argspec import wait_spec
from ansible_collections.community.pikvm.plugins.module_utils._client.models import Msd, parse_image_name
from ansible_collections.community.pikvm.plugins.module_utils._msd import (
    DriveWish,
    busy,
    plan_drive,
    plan_reset,
    require_enabled,
    require_online,
)
from ansible_collections.community.pikvm.plugins.module_utils._plan import result_of
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

SPEC: dict[str, Any] = {
    "state": {"type": "str", "required": True, "choices": ["connected", "disconnected", "ejected", "reset"]},
    "image": {"type": "str"},
    "media_type": {"type": "str", "choices": ["cdrom", "flash"]},
    "read_write": {"type": "bool"},
    **wait_spec(),
}


def run(task: Task) -> Result:
    """Look at the drive and take the steps that are missing."""
    client, params = task.client, task.params
    image = None if params["image"] is None else parse_image_name(params["image"], "image")
    wish = DriveWish(params["state"], image, params["media_type"], params["read_write"], params["wait_timeout"])

    reset = wish.state == "reset"

    def read() -> Msd:
        return require_enabled(client.msd()) if reset else require_online(client.msd())

    way = plan_reset if reset else plan_drive
    plan = task.run.converge(lambda: task.run.idle(read, busy), read, lambda msd: way(client, msd, wish))
    drive = plan.after["drive"]
    if task.run.taken:
        drive = task.run.seen.drive.as_result() if task.run.seen.drive else None
    return {**result_of(plan, task.run), "drive": drive}


MODULE = Module(run, SPEC)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
