# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells the module which play its task belongs to: no variable of Ansible's does."""

from __future__ import annotations

from typing import Any

from ansible_collections.community.pikvm.plugins.action.pikvm_info import ActionModule as OfAllModules
from ansible_collections.community.pikvm.plugins.modules.reinstall_report import MODULE


class ActionModule(OfAllModules):
    """The hosts of a play have its identity in common, in whichever worker they run; the next play has another."""

    module = MODULE

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        if not self._task.args.get("play"):
            self._task.args["play"] = str(self._task.get_play()._uuid)
        return super().run(tmp, task_vars)
