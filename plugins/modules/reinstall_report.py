#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reinstall_report
short_description: Write down how a reinstallation went
version_added: 1.0.0
description:
  - Keeps the evidence of the role P(community.pikvm.reinstall#role) where the module runs. It talks to no PiKVM.
  - When a run begins, it makes the folder of the run. While the run goes from state to state, it writes them to
    C(timeline.jsonl) in that folder. When the run has ended, it adds C(report.json), C(junit.xml) and C(kvmd.log).
  - At the beginning and at the end it writes a page that shows all hosts of the play, C(index.html) in
    O(artifacts_dir). The page needs no script, no network and no other file. Pictures of more than 512 KiB, and those
    beyond 6 MiB in all, are linked to instead of being part of it.
author:
  - community.pikvm contributors (@ansible-collections)
options:
  state:
    description:
      - Whether the run begins, enters a state, or has ended.
    type: str
    choices:
      - begun
      - entered
      - ended
    required: true
  artifacts_dir:
    description:
      - Folder for the evidence of all hosts.
    type: path
    required: true
  host:
    description:
      - Name of the host, and of its folder in O(artifacts_dir).
    type: str
    required: true
  run:
    description:
      - Name of the run, and of its folder in that of the host.
    type: str
    required: true
  play:
    description:
      - What tells this play from others. By default it is the play that the task belongs to.
    type: str
  hosts:
    description:
      - All hosts of the play, so that the page shows those that have not begun, too.
    type: list
    elements: str
    default: []
  entered:
    description:
      - The state that the run enters.
      - Needed if O(state=entered).
    type: str
  left:
    description:
      - What the state leaves behind that was entered last. It is done then.
    type: dict
    suboptions:
      proof:
        description:
          - What shows that it was done.
        type: dict
        required: true
      frame:
        description:
          - The picture of the screen, as C(docs/report.schema.json) in the collection describes it.
        type: dict
  report:
    description:
      - What is known of the run, as C(docs/report.schema.json) in the collection describes it. The module adds
        C(schema), C(play), C(led), C(transitions), C(log) and C(files). Where they are missing, it adds C(ended), and
        C(states) and C(image) as C(timeline.jsonl) tells them.
      - Needed if O(state=ended).
    type: dict
  timeline:
    description:
      - Lines to add to C(timeline.jsonl) first.
    type: list
    elements: dict
    default: []
  log:
    description:
      - Lines of the PiKVM's log, oldest first. The newest MiB of them is kept.
    type: list
    elements: str
  log_error:
    description:
      - Why there is no O(log).
    type: str
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
    support: full
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: none
    details:
      - The page tells when it was written.
  platform:
    description: Target OS or platform that can be operated against.
    support: full
    platforms: posix
"""

EXAMPLES = r"""
- name: Begin
  community.pikvm.reinstall_report:
    state: begun
    artifacts_dir: evidence
    host: server1
    run: 20261121T004141.077080Z
    hosts: "{{ ansible_play_hosts_all }}"

- name: Enter the first state
  community.pikvm.reinstall_report:
    state: entered
    artifacts_dir: evidence
    host: server1
    run: 20261121T004141.077080Z
    entered: eject

- name: End
  community.pikvm.reinstall_report:
    state: ended
    artifacts_dir: evidence
    host: server1
    run: 20261121T004141.077080Z
    report:
      run: 20261121T004141.077080Z
      host: server1
      entry_point: eject
      result: succeeded
      started: "2026-11-21T00:41:41.077080Z"
      seconds: 1.5
      planned:
        - eject
    left:
      proof:
        drive:
          connected: false
          image: null
    log:
      - "[2026-11-21 00:41:42 kvmd.service] --- MSD: ejected"
"""

RETURN = r"""
path:
  description: Folder of the run.
  returned: success
  type: str
  sample: /home/me/reinstall/server1/20261121T004141.077080Z
entered:
  description: The state that the run is in.
  returned: if O(state=entered), also if it could not be written
  type: str
  sample: eject
since:
  description: When it was entered, in seconds since 1970.
  returned: if O(state=entered), also if it could not be written
  type: float
  sample: 1795221701.07708
states:
  description: What the states have left behind that are done, in their order, as in C(report.json). In check mode none.
  returned: if O(state=entered), also if it could not be written
  type: list
  elements: dict
page:
  description: The page of the play. Null where it could not be written; a warning tells why.
  returned: success, unless O(state=entered)
  type: str
  sample: /home/me/reinstall/index.html
"""

import time
from pathlib import Path
from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import StateError
from ansible_collections.community.pikvm.plugins.module_utils._evidence import (
    append_lines,
    enter,
    folder_of,
    leave,
    make_folder,
    save_log,
    save_report,
    states_of,
)
from ansible_collections.community.pikvm.plugins.module_utils._plays import name_of, note
from ansible_collections.community.pikvm.plugins.module_utils._runner import Module, Result, Task

SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["begun", "entered", "ended"], "required": True},
    "artifacts_dir": {"type": "path", "required": True},
    "host": {"type": "str", "required": True},
    "run": {"type": "str", "required": True},
    "play": {"type": "str"},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "entered": {"type": "str"},
    "left": {"type": "dict", "options": {"proof": {"type": "dict", "required": True}, "frame": {"type": "dict"}}},
    "report": {"type": "dict"},
    "timeline": {"type": "list", "elements": "dict", "default": []},
    "log": {"type": "list", "elements": "str"},
    "log_error": {"type": "str"},
}


def run(task: Task) -> Result:
    """Write what there is to be written; the page last, because nothing depends on it."""
    params = task.params
    base = Path(params["artifacts_dir"]).absolute()
    host, name, play = params["host"], params["run"], params["play"] or ""
    folder = folder_of(str(base), host, name)
    if params["state"] == "entered":
        return go_on(folder, params, task.check_mode)
    result: Result = {"changed": True, "path": str(folder), "page": str(base / "index.html")}
    if task.check_mode:
        return result
    make_folder(folder)
    leave(folder, params["left"])
    append_lines(folder, params["timeline"])
    if params["state"] == "ended":
        log = {"file": None, "msg": params["log_error"] or "the PiKVM was not asked"}
        if params["log"] is not None:
            log = save_log(folder, params["log"])
        save_report(folder, params["report"], name_of(base, play, host, name), log)
    try:
        note(base, play, params["hosts"], host, name)
    except StateError as exc:
        task.warn(f"The page of the play was not written. {exc}")
        result["page"] = None
    return result


def go_on(folder: Path, params: dict[str, Any], check_mode: bool) -> Result:
    """From one state to the next. Who has to put things right needs to know where it failed."""
    result: Result = {"changed": True, "path": str(folder), "entered": params["entered"], "since": time.time()}
    if not check_mode:
        try:
            leave(folder, params["left"])
            enter(folder, params["entered"])
        except StateError as exc:
            result.update(failed=True, changed=False, msg=str(exc))
    return {**result, "states": states_of(folder)}


REQUIRED = [("state", "entered", ["entered"]), ("state", "ended", ["report"])]
MODULE = Module(run, SPEC, connects=False, constraints={"required_if": REQUIRED})


def main() -> None:
    MODULE.main()


if __name__ == "__main__":
    main()
