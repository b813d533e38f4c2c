# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin of all modules of this collection; the other files in this folder only give it their modules.

Ansible loads an action plugin of a task's own name before it starts its workers, so none of them loads again what is
imported here and there. A redirection in meta/runtime.yml would be followed by each worker for itself, and links would
hide the modules from ansible-doc.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display

from ansible_collections.community.pikvm.plugins.module_utils._argspec import connection_spec
from ansible_collections.community.pikvm.plugins.module_utils._client.auth import PYOTP_IMPORT_ERROR
from ansible_collections.community.pikvm.plugins.module_utils._client.events import WEBSOCKETS_IMPORT_ERROR
from ansible_collections.community.pikvm.plugins.module_utils._client.tls import REQUESTS_IMPORT_ERROR
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module
from ansible_collections.community.pikvm.plugins.modules.pikvm_info import MODULE

IN_PROCESS = "pikvm_in_process"
PROGRESS = "pikvm_progress"
TERMINAL = bool(sys.stdout) and sys.stdout.isatty()
"""Whether somebody is watching. Asked here, for a worker may have lost Ansible's standard output."""


class ActionModule(NormalAction):
    """Takes options that a task leaves out from the host's variables: `pikvm_url` for `url`, and so on.

    These are the options of the connection, and `port` of a PiKVM Switch: what tells where a host is.

    Modules that talk to no PiKVM have none: their names do not begin with `pikvm_`.

    Where nothing forbids it, the module then runs inside this worker of Ansible's: packing it, and starting a Python
    for it, costs many times what it does itself.

    Attributes:
        module: the one of the same name.
    """

    module: Module = MODULE

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        known = task_vars or {}
        of_the_host = [*connection_spec(), *({"port"} & set(self.module.options))]
        for name in of_the_host if self.module.connects else ():
            if self._task.args.get(name) is None and known.get(f"pikvm_{name}") is not None:
                self._task.args[name] = self._templar.template(known[f"pikvm_{name}"])
        result: dict[str, Any]
        if self._belongs_here(known):
            result = {**ActionBase.run(self, tmp, task_vars), **self._run_here(known)}
        else:
            result = super().run(tmp, task_vars)
        if result.get("auth_token"):
            result["_ansible_no_log"] = True  # a session's token is for register, not for a screen
        return result

    def _belongs_here(self, known: dict[str, Any]) -> bool:
        """Whether the module would run on this machine, as this user, with this Python, while Ansible waits for it."""
        return (
            self._is_on(IN_PROCESS, known, True)
            and self._connection.transport == "local"
            and not self._task.async_val
            and not self._play_context.become
            and self._is_this_python(known.get("ansible_python_interpreter"))
            and not (REQUESTS_IMPORT_ERROR or PYOTP_IMPORT_ERROR or WEBSOCKETS_IMPORT_ERROR)
        )

    def _is_this_python(self, interpreter: Any) -> bool:
        """Whether a host's interpreter is this one, or nobody has named one."""
        named = str(self._templar.template(interpreter) or "auto")
        return named.startswith("auto") or os.path.realpath(named) == os.path.realpath(sys.executable)

    def _is_on(self, switch: str, known: dict[str, Any], default: bool) -> bool:
        """A switch: the host's variable of that name, else the environment variable."""
        wanted = known.get(switch, os.environ.get(switch.upper(), default))
        return bool(boolean(self._templar.template(wanted), strict=False))

    def _tell(self, known: dict[str, Any]) -> Callable[[str], None] | None:
        """What shows a line at once, where somebody wants that. Standard output belongs to the callbacks."""
        if self._task.no_log or not self._is_on(PROGRESS, known, TERMINAL):
            return None
        host = known["inventory_hostname"]

        def show(line: str) -> None:
            Display().display(f"{host}: {line}", stderr=True, screen_only=True)

        return show

    def _run_here(self, known: dict[str, Any]) -> dict[str, Any]:
        tell = self._tell(known)
        environment: dict[str, str] = {}
        self._compute_environment_string(environment)
        given = json.loads(json.dumps(self._task.args, default=str))  # as a module gets them: plain, vaults opened
        with self._surroundings(environment):
            check_mode, diff = bool(self._task.check_mode), bool(self._task.diff)
            return self.module.answer(self._task.action, given, check_mode, diff, tell)

    @contextmanager
    def _surroundings(self, environment: dict[str, str]) -> Iterator[None]:
        """Those of a module on a local connection: the task's environment, the playbook's folder."""
        before, folder = dict(os.environ), os.getcwd()
        os.environ.update({name: str(value) for name, value in environment.items()})
        os.chdir(self._loader.get_basedir())
        try:
            yield
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(before)
