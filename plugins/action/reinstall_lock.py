# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let one run at a time use a PiKVM. It works on the controller, whatever the task is delegated to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

from ansible_collections.community.pikvm.plugins.module_utils._lock import Holder, Lock

SPEC: dict[str, Any] = {
    "device": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["taken", "released"], "default": "taken"},
    "keys": {"type": "float"},
}


class ActionModule(ActionBase):
    """The holder of the lock is Ansible's main process, whose child this worker is."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=SPEC)
        lock = Lock(Path(constants.config.get_config_value("ANSIBLE_HOME")).expanduser() / "pikvm", options["device"])
        holder = Holder.of(os.getppid(), str((task_vars or {}).get("inventory_hostname")))
        try:
            return {**result, "changed": False, **self._act(lock, holder, options)}
        except OSError as exc:
            return {**result, "failed": True, "msg": f"The lock of the PiKVM cannot be kept: {exc}"}

    def _act(self, lock: Lock, holder: Holder, options: dict[str, Any]) -> dict[str, Any]:
        check_mode = bool(self._task.check_mode)
        if options["keys"] is not None and not check_mode:
            lock.note_keys(options["keys"])
        if options["state"] == "released":
            if not check_mode:
                lock.release(holder)
        else:
            other = lock.look(holder) if check_mode else lock.take(holder)
            if other:
                words = f"by a run of Ansible (process {other.pid}) for {other.host}"
                return {"failed": True, "msg": f"This PiKVM is in use {words}. One run at a time can have it"}
        return {"since_keys": lock.since_keys()}
