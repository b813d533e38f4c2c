#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_snapshot
short_description: Take a picture of the screen of a server, or read its text
version_added: 0.1.0
description:
  - Saves the screen as a JPEG file where the module runs, and reads its text if asked for.
  - The video of a PiKVM runs only while somebody looks. The module looks, waits for a picture, and leaves.
  - A screen without a signal is no error. RV(online) tells it.
author:
  - community.pikvm contributors (@ansible-collections)
extends_documentation_fragment:
  - community.pikvm.connection
  - community.pikvm.wait
  - community.pikvm.attributes
attributes:
  check_mode:
    details:
      - The picture is taken in check mode, too, but not saved.
  diff_mode:
    support: N/A
    details:
      - Pictures are not compared.
  idempotent:
    support: none
    details:
      - Each picture is a new one.
options:
  dest:
    description:
      - File to write the picture to. It is replaced as a whole or not at all.
    type: path
  ocr:
    description:
      - Whether to read the text of the screen. The PiKVM needs Tesseract for it.
    type: bool
    default: false
  ocr_langs:
    description:
      - Languages of the text, such as V(eng). By default those of the PiKVM.
    type: list
    elements: str
  region:
    description:
      - Part of the screen to read, by its edges in pixels. An edge that is not given is that of the screen.
    type: dict
    suboptions:
      left:
        description:
          - Left edge.
        type: int
        default: -1
      top:
        description:
          - Upper edge.
        type: int
        default: -1
      right:
        description:
          - Right edge, counted from the left edge of the screen.
        type: int
        default: -1
      bottom:
        description:
          - Lower edge, counted from the upper edge of the screen.
        type: int
        default: -1
  width:
    description:
      - Scale the picture down to at most this many pixels in width.
    type: int
  quality:
    description:
      - JPEG quality of a scaled picture in percent.
    type: int
requirements:
  - websockets >= 14
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Save the screen
  community.pikvm.pikvm_snapshot:
    dest: screen.jpg

- name: Read it
  community.pikvm.pikvm_snapshot:
    ocr: true
  register: screen
"""

RETURN = r"""
dest:
  description: The file that was written, V(null) if none was asked for.
  returned: success
  type: str
  sample: screen.jpg
text:
  description: The text of the screen, V(null) without O(ocr) or without a signal.
  returned: success
  type: str
online:
  description: Whether the server sends a picture.
  returned: success
  type: bool
  sample: true
width:
  description: Width of the screen in pixels, V(null) if it is not known.
  returned: success
  type: int
  sample: 1280
height:
  description: Height of the screen in pixels, V(null) if it is not known.
  returned: success
  type: int
  sample: 720
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._argspec import wait_spec
from ansible_collections.community.pikvm.plugins.module_utils._client.console import Region
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task
from ansible_collections.community.pikvm.plugins.module_utils._screen import check_dest, check_langs, save, take_picture

EDGE = {"type": "int", "default": -1}

SPEC: dict[str, Any] = {
    "dest": {"type": "path"},
    "ocr": {"type": "bool", "default": False},
    "ocr_langs": {"type": "list", "elements": "str"},
    "region": {"type": "dict", "options": dict.fromkeys(("left", "top", "right", "bottom"), EDGE)},
    "width": {"type": "int"},
    "quality": {"type": "int"},
    **wait_spec(),
}


def run(task: Task) -> Result:
    """Become a viewer, wait for a picture, take it, and read it."""
    client, params = task.client, task.params
    check_dest(params["dest"])
    if not params["dest"] and not params["ocr"]:
        raise OptionError("dest", "is needed, or ocr=true, or both")
    for option in ("ocr_langs", "region"):
        if params[option] and not params["ocr"]:
            raise OptionError(option, "is for the text of the screen, and needs ocr=true")
    if params["ocr"]:
        check_langs(client, params["ocr_langs"] or [])
    socket = client.events(stream=True)
    try:
        picture = take_picture(client, params["width"], params["quality"], params["wait_timeout"])
        text = None
        if params["ocr"] and picture.online:
            text = client.console.screen_text(params["ocr_langs"], Region(**(params["region"] or {})))
    finally:
        socket.close()
    if params["dest"] and not task.check_mode:
        save(picture.picture, params["dest"])
    return {
        "changed": bool(params["dest"]),
        "dest": params["dest"],
        "text": text,
        "online": picture.online,
        "width": picture.width,
        "height": picture.height,
    }


MODULE = Module(run, SPEC, writes=False)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
