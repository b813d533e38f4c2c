# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that meets Ansible: parameters in, a result out, every failure in words."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass, field
from typing import Any, Callable, cast

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError

from ._argspec import connection_of, connection_spec
from ._client.answer import printable
from ._client.api import Pikvm
from ._client.errors import DeviceError, MissingLibraryError, OptionError, PikvmError
from ._plan import Run

LONGEST_MESSAGE = 4000


@dataclass
class Task:
    """What a module's `run()` works with.

    Attributes:
        params: the checked options.
        client: the PiKVM; it cannot write in check mode. A module that does not connect has none.
        run: takes the steps of a plan.
        warn: tells the user something that is not a failure.
        tell: shows the user a line at once, while the module works. None where nobody would see it.
    """

    params: dict[str, Any]
    client: Pikvm
    run: Run
    warn: Callable[[str], None]
    tell: Callable[[str], None] | None = None

    @property
    def check_mode(self) -> bool:
        return self.run.check_mode


Result = dict[str, Any]


@dataclass(frozen=True)
class Module:
    """A module as its file defines it. It runs as a process of its own (`main`), or inside one of Ansible's (`answer`).

    Attributes:
        run: what it does.
        options: its argument spec, without those of the connection.
        writes: whether it may write at all, outside check mode.
        connects: whether it talks to a PiKVM, and has the options for that. If so, its name begins with `pikvm_`.
        constraints: what AnsibleModule takes beside the options, such as `required_if`.
    """

    run: Callable[[Task], Result]
    options: dict[str, Any]
    writes: bool = True
    connects: bool = True
    constraints: dict[str, Any] = field(default_factory=dict)

    @property
    def argument_spec(self) -> dict[str, Any]:
        return dict(connection_spec() if self.connects else {}, **self.options)

    def main(self) -> None:
        """Take the parameters that Ansible has sent along, print the result, and exit."""
        module = OwnProcess(argument_spec=self.argument_spec, supports_check_mode=True, **self.constraints)
        module.no_log_values.update(logins(module.params))
        result = self._perform(module.params, module.check_mode, module._diff, module.warn)
        if result.get("failed"):
            module.fail_json(**result)
        module.exit_json(**result)

    def answer(
        self,
        name: str,
        given: dict[str, Any],
        check_mode: bool,
        diff: bool,
        tell: Callable[[str], None] | None = None,
    ) -> Result:
        """Check the parameters given and return the result that `main` would print, secrets masked like there."""
        try:
            checked = ArgumentSpecValidator(self.argument_spec, **self.constraints).validate(given)
        except (TypeError, ValueError) as exc:  # Ansible's own, for a number where a dictionary is wanted
            words = shown(f"The values of {', '.join(sorted(given))} cannot all be understood: {exc}")
            return masked({"failed": True, "changed": False, "msg": words}, self._secrets(given))
        params: dict[str, Any] = checked.validated_parameters
        secrets = self._secrets(params) | logins(params)
        said = (lambda line: tell(remove_values(line, secrets))) if tell else None
        warnings: list[str] = []
        if checked.error_messages:
            words = checked.errors.msg
            unsupported = isinstance(checked.errors[0], UnsupportedError)
            words = f"Unsupported parameters for ({name}) module: {words}" if unsupported else words
            result: Result = {"failed": True, "changed": False, "msg": words}
        else:
            result = self._perform(params, check_mode, diff, warnings.append, said)
        result["invocation"] = {"module_args": params}
        if warnings:
            result["warnings"] = warnings
        return masked(result, secrets)

    def _secrets(self, params: dict[str, Any]) -> set[str]:
        hidden = [params.get(name) for name, spec in self.argument_spec.items() if spec.get("no_log")]
        return {str(value) for value in hidden if value}

    def _perform(
        self,
        params: dict[str, Any],
        check_mode: bool,
        diff: bool,
        warn: Callable[[str], None],
        tell: Callable[[str], None] | None = None,
    ) -> Result:
        """Do it, and put every failure into words: such as a terminal can show as they stand, and with an end."""
        steps = Run(check_mode=check_mode, wait_timeout=params.get("wait_timeout", 60.0))
        try:
            check_seconds(params, self.options)
            result = self._work(params, steps, lambda words: warn(shown(words)), tell)
        except MissingLibraryError as exc:
            words = missing_required_lib(exc.library)
            result = {"failed": True, "changed": False, "msg": words, "exception": exc.trace}
        except PikvmError as exc:
            result = {"failed": True, **failure(exc, steps.taken)}
        except Exception as exc:  # noqa: BLE001  (a defect of ours: the user still gets a sentence)
            words = f"Unexpected {type(exc).__name__}: {exc}. This is a defect of community.pikvm: please report it"
            result = {"failed": True, "changed": bool(steps.taken), "msg": words, "exception": traceback.format_exc()}
        if not diff:
            result.pop("diff", None)
        if "msg" in result:
            result["msg"] = shown(result["msg"])
        return result

    def _work(
        self, params: dict[str, Any], steps: Run, warn: Callable[[str], None], tell: Callable[[str], None] | None
    ) -> Result:
        if not self.connects:
            return self.run(Task(params, cast("Pikvm", None), steps, warn, tell))
        client = Pikvm(connection_of(params), read_only=steps.check_mode or not self.writes)
        try:
            return self.run(Task(params, client, steps, warn, tell))
        finally:
            client.close()


def shown(words: str) -> str:
    """A message for a terminal: whatever a PiKVM, or a file's name, has contributed."""
    return printable(words if len(words) <= LONGEST_MESSAGE else words[:LONGEST_MESSAGE] + "…")


class OwnProcess(AnsibleModule):
    """What Ansible offers to a module that is a process of its own."""

    def add_path_info(self, kwargs: Result) -> Result:
        """Add nothing about the file that `dest` names: a result holds what is documented."""
        return kwargs


def masked(result: Result, secrets: set[str]) -> Result:
    """The result without secrets; true, false and null are none."""
    kept = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
    hidden: Result = remove_values(result, secrets)
    return {**hidden, **kept}


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


def logins(params: dict[str, Any]) -> set[str]:
    """What must not be told of addresses such as https://user:password@host."""
    found: set[str] = set()
    for name in ("url", "download_url"):
        login = re.match(r"(?:[^/]*//)?(.*)@", str(params.get(name) or ""))
        if login:
            found.update(part for part in (login.group(1), login.group(1).partition(":")[2]) if part)
    return found
