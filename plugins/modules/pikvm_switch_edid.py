#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_switch_edid
short_description: Keep display data on a PiKVM Switch
version_added: 1.0.0
description:
  - Creates, changes and removes display data (EDID), which tell a server what display it is connected to.
  - Which of them a port shows to its server is O(community.pikvm.pikvm_switch_port#module:edid).
  - The default ones are those of the PiKVM itself. They can neither be changed nor removed here.
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
  name:
    description:
      - Name of the display data. Without O(id) it tells which are meant; upper and lower case are the same then.
      - With O(id), the name that they are to have.
    type: str
  data:
    description:
      - The display data, as 256 or 512 hexadecimal digits. Blanks and line breaks between them do not count.
      - Needed to create them. By default left as they are.
    type: str
  id:
    description:
      - ID of the display data that are meant, which the PiKVM has given to them. With O(state=present) they must exist.
      - Needed to give them another name, and if several have the same.
    type: str
  state:
    description:
      - V(present) creates them or changes what differs.
      - V(absent) removes them. Ports that show them go back to the default ones.
    type: str
    choices:
      - present
      - absent
    default: present
seealso:
  - module: community.pikvm.pikvm_switch_port
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Keep the data of a display
  community.pikvm.pikvm_switch_edid:
    name: Wide
    data: >-
      00FFFFFFFFFFFF00526288880088888800000103000000000000000000000000
      00000000000000000000000000000000000000000000000000FC00576964650A
      2020202020202020000000000000000000000000000000000000000000000000
      0000000000000000000000000000000000000000000000000000000000000017
  register: wide

- name: Show it to the second server
  community.pikvm.pikvm_switch_port:
    port: "1.2"
    edid: Wide

- name: Give it another name
  community.pikvm.pikvm_switch_edid:
    id: "{{ wide.edid.id }}"
    name: Wide screen

- name: Remove it
  community.pikvm.pikvm_switch_edid:
    name: Wide screen
    state: absent
"""

RETURN = r"""
edid:
  description: >-
    The display data as read back. In check mode, as they would be. V(null) if there are none with O(state=absent).
  returned: success
  type: dict
  contains:
    id:
      description: Their ID, V(null) in check mode if they would be created.
      type: str
      sample: 0d4a3d4e-4f0e-4e3c-8f0e-6a2b5d3c1a90
    name:
      description: Their name.
      type: str
      sample: Wide
    data:
      description: The display data, as 256 or 512 hexadecimal digits in upper case.
      type: str
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._argspec import wait_spec
from ansible_collections.community.pikvm.plugins.module_utils._edid import (
    EdidWish,
    edid_shown,
    parse_edid_data,
    parse_edid_name,
    plan_edid,
)
from ansible_collections.community.pikvm.plugins.module_utils._plan import result_of
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "data": {"type": "str"},
    "id": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **wait_spec(),
}


def run(task: Task) -> Result:
    """Compare, create, change or remove, and read back."""
    client, params = task.client, task.params
    wish = EdidWish(
        present=params["state"] == "present",
        id=params["id"],
        name=None if params["name"] is None else parse_edid_name(params["name"]),
        data=None if params["data"] is None else parse_edid_data(params["data"]),
        wait_timeout=params["wait_timeout"],
    )
    read = client.switch.state
    plan = task.run.converge(read, read, lambda found: plan_edid(client, found, wish))
    edid = edid_shown(task.run.seen, wish) if task.run.taken else plan.after["edid"]
    return {**result_of(plan, task.run), "edid": edid}


MODULE = Module(run, SPEC, constraints={"required_one_of": [("name", "id")]})


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
