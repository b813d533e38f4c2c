#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pikvm_log_info
short_description: Read the log of a PiKVM
version_added: 1.0.0
description:
  - Returns the lines that kvmd and its companions have logged of late.
author:
  - community.pikvm contributors (@ansible-collections)
extends_documentation_fragment:
  - community.pikvm.connection
  - community.pikvm.attributes
  - community.pikvm.attributes.info_module
options:
  since:
    description:
      - How many seconds to look back.
    type: int
    default: 3600
  services:
    description:
      - Services whose lines are wanted, such as V(kvmd). All by default.
    type: list
    elements: str
  pattern:
    description:
      - Regular expression that the lines must contain.
    type: str
"""

EXAMPLES = r"""
# Address and login come from the environment here (PIKVM_URL, PIKVM_PASSWORD and so on);
# module_defaults for group/community.pikvm.all would do as well.

- name: See what went wrong in the last ten minutes
  community.pikvm.pikvm_log_info:
    since: 600
    pattern: (?i)error|fail
  register: log
"""

RETURN = r"""
lines:
  description: The lines, oldest first.
  returned: success
  type: list
  elements: str
  sample:
    - "[2026-08-16 10:00:00 kvmd.service] --- Started"
"""

import re
from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError
from ansible_collections.community.pikvm.plugins.module_utils._conditions import parse_pattern
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

SPEC: dict[str, Any] = {
    "since": {"type": "int", "default": 3600},
    "services": {"type": "list", "elements": "str"},
    "pattern": {"type": "str"},
}

HEAD = re.compile(r"^\[\S+ \S+ (?P<service>[^\]]+?)(\.service)?\]")


def run(task: Task) -> Result:
    """Read the log and keep the wanted lines."""
    params = task.params
    pattern = parse_pattern("pattern", params["pattern"])
    if params["since"] < 0:
        raise OptionError("since", "must be 0 or more seconds")
    lines = [clean(line) for line in task.client.log(params["since"]).splitlines()]
    if params["services"]:
        lines = [line for line in lines if service_of(line) in params["services"]]
    if pattern:
        lines = [line for line in lines if pattern.search(line)]
    return {"changed": False, "lines": lines}


def clean(line: str) -> str:
    """A line without what a terminal would obey."""
    return "".join(char if char.isprintable() or char == "\t" else "?" for char in line.rstrip())


def service_of(line: str) -> str:
    head = HEAD.match(line)
    return head.group("service") if head else ""


MODULE = Module(run, SPEC, writes=False)


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
