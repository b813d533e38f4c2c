# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes every task's whole result as a line of JSON to the file that TASK_RESULTS names."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_results
type: aggregate
short_description: Results as lines of JSON
description:
  - Each line holds host, task, outcome (ok, failed, unreachable, skipped), result, Unix times of start and end.
"""


class CallbackModule(CallbackBase):
    """One line for each task of each host."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_results"

    def __init__(self) -> None:
        super().__init__()
        self._started = 0.0
        self._file = open(os.environ["TASK_RESULTS"], "a", encoding="utf-8")  # noqa: SIM115 - as long as the play

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        del host, task
        self._started = time.time()

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        del ignore_errors
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write("skipped", result)

    def _write(self, outcome: str, result: Any) -> None:
        line = {
            "host": result._host.get_name(),
            "task": result._task.get_name(),
            "outcome": outcome,
            "started": self._started,
            "ended": time.time(),
            "result": result._result,
        }
        self._file.write(json.dumps(line, default=str) + "\n")
        self._file.flush()
