#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_snapshot
short_description: Take a picture of the screen of a server, or read its text
version_added: 1.0.0
description:
  - Saves the screen as a JPEG file where the module runs, and reads its text if asked for.
  - The video of a PiKVM runs only while somebody looks. The module looks, waits for a picture, and leaves.
  - The PiKVM itself can keep one picture, until kvmd restarts. Everybody who logs in to it shares that one.
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
    support: partial
    details:
      - Only with O(saved=forget). Pictures are not compared.
  idempotent:
    support: partial
    details:
      - Only with O(saved=forget). Each picture is a new one.
options:
  dest:
    description:
      - File to write the picture to. It is replaced as a whole or not at all.
    type: path
  saved:
    description:
      - What to do about the picture that the PiKVM keeps.
      - V(keep) lets the PiKVM keep the picture that is taken, in place of the one that it had.
      - V(load) takes no picture, but the one that the PiKVM keeps. It fails if there is none.
      - V(forget) takes no picture. The PiKVM keeps none any more.
    type: str
    choices:
      - keep
      - load
      - forget
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

- name: Let the PiKVM keep a picture of the state before
  community.pikvm.pikvm_snapshot:
    saved: keep

- name: Fetch that picture later
  community.pikvm.pikvm_snapshot:
    saved: load
    dest: before.jpg

- name: Leave nothing of it on the PiKVM
  community.pikvm.pikvm_snapshot:
    saved: forget
"""

RETURN = r"""
dest:
  description: The file that was written, V(null) if none was asked for.
  returned: success
  type: str
  sample: screen.jpg
text:
  description: The text of the picture, V(null) without O(ocr) or without a signal.
  returned: success
  type: str
online:
  description: Whether the server sends a picture, or sent that which was loaded. V(null) with O(saved=forget).
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
from ansible_collections.community.pikvm.plugins.module_utils._client.console import Region, Snapshot
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError
from ansible_collections.community.pikvm.plugins.module_utils._plan import result_of
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task
from ansible_collections.community.pikvm.plugins.module_utils._screen import (
    check_dest,
    check_langs,
    load_picture,
    save,
    take_picture,
)
from ansible_collections.community.pikvm.plugins.module_utils._streamer import plan_forget

EDGE = {"type": "int", "default": -1}

SPEC: dict[str, Any] = {
    "dest": {"type": "path"},
    "saved": {"type": "str", "choices": ["keep", "load", "forget"]},
    "ocr": {"type": "bool", "default": False},
    "ocr_langs": {"type": "list", "elements": "str"},
    "region": {"type": "dict", "options": dict.fromkeys(("left", "top", "right", "bottom"), EDGE)},
    "width": {"type": "int"},
    "quality": {"type": "int"},
    **wait_spec(),
}


def run(task: Task) -> Result:
    """Take a picture or load one, read and save it; or forget the one that is kept."""
    params = task.params
    check_options(params)
    if params["saved"] == "forget":
        read = task.client.console.streamer
        plan = task.run.converge(read, read, lambda found: plan_forget(task.client, found))
        return {**result_of(plan, task.run), **dict.fromkeys(("dest", "text", "online", "width", "height"))}
    if params["ocr"]:
        check_langs(task.client, params["ocr_langs"] or [])
    picture, text = load(task) if params["saved"] == "load" else take(task)
    if params["dest"] and not task.check_mode:
        save(picture.picture, params["dest"])
    return {
        "changed": bool(params["dest"]) or params["saved"] == "keep",
        "dest": params["dest"],
        "text": text,
        "online": picture.online,
        "width": picture.width,
        "height": picture.height,
    }


def check_options(params: dict[str, Any]) -> None:
    """Raise OptionError where there is nothing to do, or something that goes with nothing."""
    check_dest(params["dest"])
    if not params["dest"] and not params["ocr"] and params["saved"] not in ("keep", "forget"):
        raise OptionError("dest", "is needed, or ocr=true, or both")
    if params["saved"] == "forget" and (params["dest"] or params["ocr"]):
        raise OptionError("saved", "forget takes no picture: it goes with neither dest nor ocr")
    for option in ("ocr_langs", "region"):
        if params[option] and not params["ocr"]:
            raise OptionError(option, "is for the text of the screen, and needs ocr=true")


def take(task: Task) -> tuple[Snapshot, str | None]:
    """Become a viewer, wait for a picture, let it be kept if so wished, and read the screen."""
    client, params = task.client, task.params
    socket = client.events(stream=True)
    try:
        picture = take_picture(client, params["width"], params["quality"], params["wait_timeout"])
        kept = params["saved"] == "keep" and not task.check_mode
        if kept:
            picture = client.console.snapshot(True, params["width"], None, params["quality"], save=True)
        return picture, read_text(task, picture, kept)
    finally:
        socket.close()


def load(task: Task) -> tuple[Snapshot, str | None]:
    """The picture that is kept, and its text."""
    picture = load_picture(task.client, task.params["width"], task.params["quality"])
    return picture, read_text(task, picture, True)


def read_text(task: Task, picture: Snapshot, kept: bool) -> str | None:
    """The text of the picture that is kept, or else of the screen."""
    if not task.params["ocr"] or not picture.online:
        return None
    region = Region(**(task.params["region"] or {}))
    return task.client.console.screen_text(task.params["ocr_langs"], region, kept)


MODULE = Module(run, SPEC)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
