#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reinstall_image_info
short_description: Look at an image that is to be installed
version_added: 1.0.0
description:
  - Tells the size and the SHA-256 of a file where the module runs. It talks to no PiKVM.
  - The role P(community.pikvm.reinstall#role) uses it before it touches a server.
  - A large file is hashed once. Its hash is kept in C(~/.ansible/pikvm/hashes) for as long as the file is not touched,
    so that a fleet that installs one image reads it once. Whoever comes while it is being hashed waits for that.
author:
  - community.pikvm contributors (@ansible-collections)
options:
  path:
    description:
      - The image, a file that is not empty.
    type: path
    required: true
  checksum:
    description:
      - What the file has to have, V(sha256:) and 64 hexadecimal digits.
    type: str
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
    support: full
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
  platform:
    description: Target OS or platform that can be operated against.
    support: full
    platforms: posix
seealso:
  - module: community.pikvm.pikvm_msd_image
"""

EXAMPLES = r"""
- name: Look at the image
  community.pikvm.reinstall_image_info:
    path: images/netinst.iso
  register: image

- name: Tell its hash
  ansible.builtin.debug:
    var: image.sha256
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: images/netinst.iso
size:
  description: Bytes of the file.
  returned: success
  type: int
  sample: 697303040
sha256:
  description: SHA-256 of the file, as hexadecimal digits.
  returned: success
  type: str
  sample: b4a4ed4a4a1a6b84ee1a4bb4d4e4c4b4a4ed4a4a1a6b84ee1a4bb4d4e4c4b4a4
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError
from ansible_collections.community.pikvm.plugins.module_utils._client.upload import ImageFile
from ansible_collections.community.pikvm.plugins.module_utils._hashes import sha256_of
from ansible_collections.community.pikvm.plugins.module_utils._image import parse_checksum
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

SPEC: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "checksum": {"type": "str"},
}


def run(task: Task) -> Result:
    """Refuse what cannot be an image, or not the one that is meant."""
    path, checksum = task.params["path"], task.params["checksum"]
    wanted = parse_checksum(checksum) if checksum else None
    image = ImageFile(path, option="path")
    sha256 = sha256_of(image)
    if wanted and sha256 != wanted:
        raise OptionError("checksum", f"{path} is not the image that is meant: it has sha256:{sha256}")
    return {"changed": False, "path": path, "size": image.size, "sha256": sha256}


MODULE = Module(run, SPEC, writes=False, connects=False)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
