#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reinstall_lock
short_description: Let one run at a time use a PiKVM
version_added: 1.0.0
description:
  - Takes or releases a lock on the controller, in a file below E(ANSIBLE_HOME). It does not talk to the PiKVM.
  - The lock belongs to a run of C(ansible-playbook) and a host in it. That of a run that has ended, or was killed,
    counts no more.
  - The role P(community.pikvm.reinstall#role) takes it. Take it, too, in playbooks that must not meet a reinstallation.
author:
  - community.pikvm contributors (@ansible-collections)
extends_documentation_fragment:
  - community.pikvm.attributes
attributes:
  diff_mode:
    support: N/A
    details:
      - Nothing outside the controller changes.
  idempotent:
    support: full
  action_group:
    support: none
options:
  device:
    description:
      - Address of the PiKVM.
    type: str
    required: true
  state:
    description:
      - V(taken) fails if another run, or another host of this one, has it. In check mode it only looks.
    type: str
    choices:
      - taken
      - released
    default: taken
  keys:
    description:
      - Note that a playbook presses keys for so many seconds from now on, so that they are not taken for those of a
        person.
    type: float
"""

EXAMPLES = r"""
- name: Have the PiKVM for this play alone
  community.pikvm.reinstall_lock:
    device: https://pikvm1.example.com

- name: Let others have it
  community.pikvm.reinstall_lock:
    device: https://pikvm1.example.com
    state: released
"""

RETURN = r"""
since_keys:
  description: Seconds since the end of what was noted with O(keys), V(null) if nothing ever was.
  returned: success
  type: float
"""
