# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that meets Ansible: parameters in, a result out, every failure in words."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._argspec import connection_of, connection_spec
from ._client.api import Pikvm
from ._client.errors import DeviceError, MissingLibraryError, OptionError, PikvmError
from ._plan import Run


@dataclass
class Task:
    """What a module's `run()` works with.

    Attributes:
        params: the checked options.
        client: the PiKVM; it cannot write in check mode.
        run: takes the steps of a plan.
        warn: tells the user something that is not a failure.
    """

    params: dict[str, Any]
    client: Pikvm
    run: Run
    warn: Callable[[str], None]

    @property
    def check_mode(self) -> bool:
        return self.run.check_mode


Result = dict[str, Any]


def run_module(
    run: Callable[[Task], Result], argument_spec: dict[str, Any], writes: bool = True, **constraints: Any
) -> None:
    """Run a module's `run()` as an Ansible module and exit.

    Args:
        writes: whether it may write at all, outside check mode.
        constraints: what AnsibleModule takes beside the options, such as `required_if`.
    """
    module = AnsibleModule(
        argument_spec=dict(connection_spec(), **argument_spec), supports_check_mode=True, **constraints
    )
    hide_logins(module)
    steps = Run(check_mode=module.check_mode, wait_timeout=module.params.get("wait_timeout", 60.0))
    try:
        check_seconds(module.params, argument_spec)
        client = Pikvm(connection_of(module.params), read_only=module.check_mode or not writes)
        try:
            result = run(Task(module.params, client, steps, module.warn))
        finally:
            client.close()
    except MissingLibraryError as exc:
        module.fail_json(msg=missing_required_lib(exc.library), exception=exc.trace)
    except PikvmError as exc:
        module.fail_json(**failure(exc, steps.taken))
    except Exception as exc:  # noqa: BLE001  (a defect of ours: the user still gets a sentence)
        module.fail_json(
            msg=f"Unexpected {type(exc).__name__}: {exc}. This is a defect of community.pikvm: please report it",
            exception=traceback.format_exc(),
        )
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(**result)


def failure(exc: PikvmError, taken: list[str]) -> Result:
    """The result of a task that failed: what was asked, what was answered, what was done before."""
    result: Result = {"msg": ". ".join([str(exc), *exc.notes]), "changed": bool(taken)}
    if isinstance(exc, DeviceError):
        result["error"] = {"status": exc.status, "name": exc.name, "message": exc.message}
    return result


def check_seconds(params: dict[str, Any], argument_spec: dict[str, Any]) -> None:
    """Refuse durations that mean nothing. All float options of this collection are durations in seconds."""
    for name, spec in argument_spec.items():
        value: float | None = params.get(name)
        if spec.get("type") == "float" and value is not None and not 0 <= value <= 7 * 86400:
            raise OptionError(name, f"must be between 0 seconds and a week, not {value:g}")


def hide_logins(module: AnsibleModule) -> None:
    """Keep the password of an address such as https://user:password@host out of every output."""
    for name in ("url", "download_url"):
        login = re.match(r"(?:[^/]*//)?(.*)@", str(module.params.get(name) or ""))
        if login:
            module.no_log_values.update(part for part in (login.group(1), login.group(1).partition(":")[2]) if part)
