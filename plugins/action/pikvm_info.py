# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin of all modules of this collection (meta/runtime.yml leads them here).

It bears the name of one of them because an action plugin is documented by the module of its name.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.community.pikvm.plugins.module_utils._argspec import connection_spec


class ActionModule(NormalAction):
    """Takes connection options that a task leaves out from the host's variables: `pikvm_url` for `url`, and so on."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        known = task_vars or {}
        for name in connection_spec():
            if self._task.args.get(name) is None and known.get(f"pikvm_{name}") is not None:
                self._task.args[name] = self._templar.template(known[f"pikvm_{name}"])
        result: dict[str, Any] = super().run(tmp, task_vars)
        if result.get("auth_token"):
            result["_ansible_no_log"] = True  # a session's token is for register, not for a screen
        return result
