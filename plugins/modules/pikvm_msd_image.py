#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_msd_image
short_description: Store an image on a PiKVM, or remove one
version_added: 1.0.0
description:
  - Sees to it that the storage of a PiKVM holds an image, whole and of the right size or content, or does not hold it.
  - An image that was cut off in mid-transfer is recognised and replaced, though the PiKVM may report its full size.
  - Free space is checked before the first byte, and a transfer that fails leaves nothing half-done behind.
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
      - Not with O(force=true).
options:
  state:
    description:
      - Whether the image is to be there.
    type: str
    choices:
      - present
      - absent
    default: present
  name:
    description:
      - Name of the image in the storage of the PiKVM.
      - It may have a folder in front, as in V(debian/netinst.iso). The folder must exist, a PiKVM cannot make one.
      - Needed for O(state=absent). Otherwise the last part of O(src) or O(download_url) by default.
    type: str
  src:
    description:
      - File with the image, on the host where the module runs. It is sent as it is read, never held in memory.
    type: path
  download_url:
    description:
      - Address from which the PiKVM itself fetches the image, over HTTP or HTTPS.
    type: str
  checksum:
    description:
      - What the image must hash to, as V(sha256:) and 64 hexadecimal digits.
      - O(src) is hashed before it is sent. What the PiKVM has fetched from O(download_url) is read back and hashed.
      - An image that is stored already is read back and hashed, too. A PiKVM does not do so while its drive is
        connected; then only name, completeness and size are compared, with a warning.
    type: str
  compare:
    description:
      - How a stored image is compared with O(src).
      - V(size) compares the size, and the content only if O(checksum) is given.
      - V(content) reads the stored image back and hashes it, before and after a transfer. This takes about as long as
        an upload, and needs the drive to be disconnected.
      - With O(download_url) it needs O(checksum).
    type: str
    choices:
      - size
      - content
    default: size
  force:
    description:
      - Transfer the image even if it is there already.
    type: bool
    default: false
  download_timeout:
    description:
      - Seconds that the PiKVM may take to connect to the web server of O(download_url).
    type: float
    default: 10.0
  download_validate_certs:
    description:
      - Whether the PiKVM checks the certificate of the web server of O(download_url).
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for the PiKVM to finish another operation first, and for the image to be listed afterwards.
      - Also how long a transfer may stand still.
    type: float
    default: 60.0
notes:
  - Images can be stored and removed only while the drive is not connected to the server. This module never
    disconnects it.
  - On a terminal, a line on standard error tells every five seconds how far a transfer has come. That needs a local
    connection, where the module runs inside Ansible's own worker. The variable C(pikvm_progress), or E(PIKVM_PROGRESS)
    in Ansible's environment, shows these lines without a terminal, too, or not at all. With C(no_log) there are none.
seealso:
  - module: community.pikvm.pikvm_msd_drive
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Upload an image
  community.pikvm.pikvm_msd_image:
    src: images/netinst.iso

- name: Be sure of its content, too
  community.pikvm.pikvm_msd_image:
    src: images/netinst.iso
    compare: content

- name: Let the PiKVM fetch an image itself
  community.pikvm.pikvm_msd_image:
    download_url: https://images.example.com/rescue.iso
    checksum: "sha256:2312394bd99545d9de131c24efb781e765ac1aec243f2ed9347597a793a415e9"

- name: Remove it
  community.pikvm.pikvm_msd_image:
    name: rescue.iso
    state: absent
"""

RETURN = r"""
image:
  description: The image as the PiKVM lists it. V(null) if it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Name in the storage.
      type: str
    size:
      description: Size in bytes. V(null) in check mode if it is not known yet.
      type: int
    complete:
      description: Whether it arrived whole.
      type: bool
    sha256:
      description: Its SHA-256, if it was read back by this task; V(null) otherwise.
      type: str
  sample:
    name: netinst.iso
    size: 698351616
    complete: true
    sha256: null
transferred:
  description: Bytes that were sent or fetched.
  returned: success
  type: int
  sample: 698351616
elapsed:
  description: Seconds that the transfer took.
  returned: success
  type: float
  sample: 34.9
rate:
  description: Bytes per second of the transfer, V(0) if there was none.
  returned: success
  type: int
  sample: 20010074
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._argspec import wait_spec
from ansible_collections.community.pikvm.plugins.module_utils._image import (
    Store,
    foretell,
    image_wish,
    plan_absent,
    plan_present,
)
from ansible_collections.community.pikvm.plugins.module_utils._plan import result_of
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "name": {"type": "str"},
    "src": {"type": "path"},
    "download_url": {"type": "str"},
    "checksum": {"type": "str"},
    "compare": {"type": "str", "choices": ["size", "content"], "default": "size"},
    "force": {"type": "bool", "default": False},
    "download_timeout": {"type": "float", "default": 10.0},
    "download_validate_certs": {"type": "bool", "default": True},
    **wait_spec(),
}


def run(task: Task) -> Result:
    """Compare, remove what is wrong, transfer, and read back."""
    wish = image_wish(task.params)
    store = Store(task.client, task.run, task.warn, task.tell)
    planner = plan_absent if task.params["state"] == "absent" else plan_present
    plan = task.run.converge(store.observe, store.read, lambda msd: planner(store, msd, wish))
    return {
        **result_of(plan, task.run),
        "image": foretell(plan) if task.check_mode and plan.steps else store.describe(wish.name),
        "transferred": store.transferred,
        "elapsed": round(store.elapsed, 2),
        "rate": int(store.transferred / store.elapsed) if store.elapsed else 0,
    }


MODULE = Module(
    run,
    SPEC,
    constraints={
        "mutually_exclusive": [("src", "download_url")],
        "required_if": [("state", "present", ("src", "download_url"), True), ("state", "absent", ("name",))],
    },
)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
