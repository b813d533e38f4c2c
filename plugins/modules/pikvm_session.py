#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_session
short_description: Log in to a PiKVM for a whole play
version_added: 1.0.0
description:
  - Opens a session, whose token can be used as O(auth_token) by other tasks. Where two-factor login is on, only this
    one task needs a code.
  - Closing a session closes every session of that user on the PiKVM, also that of a person in the web interface. So
    let sessions expire instead, or give machines a user of their own.
author:
  - community.pikvm contributors (@ansible-collections)
extends_documentation_fragment:
  - community.pikvm.connection
  - community.pikvm.attributes
attributes:
  diff_mode:
    support: N/A
    details:
      - A token is a secret.
  idempotent:
    support: none
    details:
      - Each login is a new session.
options:
  state:
    description:
      - V(present) logs in.
      - V(absent) logs out B(all) sessions of the user that O(auth_token) belongs to.
    type: str
    choices:
      - present
      - absent
    default: present
  expire:
    description:
      - Seconds until the session ends, if its PiKVM has kvmd 4.53 or later. The owner of the PiKVM may have set a
        lower limit.
      - V(0) lets it last until kvmd restarts, which is also what older versions do.
    type: int
    default: 3600
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: Log in once
  community.pikvm.pikvm_session:
    expire: 600
  register: session

- name: Use the session
  community.pikvm.pikvm_info:
    auth_token: "{{ session.auth_token }}"
"""

RETURN = r"""
auth_token:
  description: >-
    The token of the session, V(null) in check mode. It is a secret: no output shows the result.
  returned: when O(state=present)
  type: str
"""

from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import AuthError, OptionError, StateError
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "expire": {"type": "int", "default": 3600},
}


def run(task: Task) -> Result:
    """Log in, or out."""
    if task.params["expire"] < 0:
        raise OptionError("expire", "must be 0 or more seconds")
    if task.params["state"] == "absent":
        return log_out(task)
    if task.params["auth_token"]:
        raise OptionError("auth_token", "is a session already; a login needs username and password")
    task.client.check_login()
    return {"changed": True, "auth_token": None if task.check_mode else task.client.login(task.params["expire"])}


def log_out(task: Task) -> Result:
    """End the sessions, and see that they have ended. A session that has ended already is no error."""
    if not task.params["auth_token"]:
        raise OptionError("auth_token", "is needed: it says which session is to end")
    try:
        task.client.check_login()
    except AuthError:
        return {"changed": False}
    if not task.check_mode:
        task.client.logout()
        try:
            task.client.check_login()
        except AuthError:
            return {"changed": True}
        raise StateError("The PiKVM answered the logout with 200, but the session goes on")
    return {"changed": True}


MODULE = Module(run, SPEC)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
