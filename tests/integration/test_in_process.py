# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules inside Ansible's worker and as processes of their own: the same results, and only where allowed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, Outcome, Played, check, connecting, task
from tests.support.device import switch_on
from tests.support.expect import Start
from tests.support.spoken import PASSWORD

MOVING = {
    "captured_fps",
    "ca_path",
    "elapsed",
    "exception",
    "free",
    "info",
    "lines",
    "metrics",
    "mod_ts",
    "rate",
    "timeout",
    "url",
}
"""Keys whose values are never twice the same, or name the device."""

ATX = {"gather_subset": ["atx"]}
QUICK = {"stable_for": 0.1, "wait_timeout": 30}


MODULES = [
    task("pikvm_info"),
    task("pikvm_atx_power", state=True, **QUICK),
    check("pikvm_atx_power", state="off", **QUICK),
    task("pikvm_atx_click", {"diff": True}, button="reset"),
    task("pikvm_msd_image", {"diff": True}, src="a.iso"),
    task("pikvm_msd_image", src="a.iso", timeout="9.5"),
    task("pikvm_msd_drive", {"diff": True}, state="connected", image="a.iso", media_type="flash", read_write=True),
    task("pikvm_msd_image", src="b.iso"),
    task("pikvm_msd_drive", state="disconnected", read_write=True),
    task("pikvm_gpio_channel", {"diff": True}, channel="relay1", state="on"),
    task("pikvm_gpio_channel", channel="relay9", state="on"),
    task("pikvm_keyboard", text="ls -l"),
    task("pikvm_keyboard", keys=["Retrun"]),
    task("pikvm_mouse", move={"x": 1, "y": "2"}),
    task("pikvm_mouse", move={"x": 1, "z": 2}),
    task("pikvm_hid", {"diff": True}, jiggler="yes"),
    task("pikvm_snapshot", dest="screen.jpg", ocr=True),
    task("pikvm_switch_port", port=1),
    task("pikvm_switch", colors={"active": "default"}),
    task("pikvm_switch_edid", name="ours", state="absent"),
    task("pikvm_streamer", {"diff": True}, quality=70),
    task("pikvm_log_info", since=60),
    task("pikvm_session", {"no_log": False}),
    task(
        "reinstall_report", state="begun", artifacts_dir="evidence", host="server", run="1", play="x", hosts=["server"]
    ),
]
"""Each module, as it does its work."""

FAILURES = [
    task("pikvm_wait_for", power="on", **QUICK),
    task("pikvm_wait_for", power="off", stable_for=0, wait_timeout=0.2),
    task("pikvm_wait_for", power="on", wait_timeout=-1),
    task("pikvm_info", gather_subset=["power"]),
    task("pikvm_info", retries="many"),
    task("pikvm_info", subset="atx"),
    task("pikvm_atx_power"),
    task("pikvm_keyboard", text="x", keys=["KeyX"]),
    task("pikvm_info", url="https://me:hidden-4713@127.0.0.1:1", retries=0),
    task("pikvm_info", ca_path="nowhere.pem"),
    task("pikvm_info", {"no_log": True}),
    task("reinstall_report", state="ended", artifacts_dir="evidence", host="server", run="1", play="x"),
    task("reinstall_report", state="begun", artifacts_dir="evidence", host="..", run="1", play="x"),
    task(
        "reinstall_report",
        state="begun",
        artifacts_dir="evidence",
        host="a",
        run="1",
        play="x",
        url="https://127.0.0.1:1",
    ),
]
"""Each way of failing that Ansible's own code has a part in."""


def test_every_module_is_here() -> None:
    assert connecting() <= {row["name"] for row in [*MODULES, *FAILURES]}


def play(ansible: Ansible, hosts: dict[str, Host], *arguments: str, **environment: str) -> Played:
    return ansible.play(hosts, ("-vvv", *arguments), environment)


def sent(played: Played) -> int:
    """How many of our modules were packed and sent."""
    return len(re.findall(r"Using module file .*/community/pikvm/plugins/modules/\w+\.py", played.output))


def still(value: Any, sim: Simulator) -> Any:
    """A result without what is different each time."""
    if isinstance(value, dict):
        return {key: still(inner, sim) for key, inner in value.items() if key not in MOVING}
    if isinstance(value, list):
        return [still(inner, sim) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\d+\.\d+ s\b", "a while", value.replace(sim.url, "https://pikvm"))
    return value


@pytest.mark.parametrize("tasks", [MODULES, FAILURES], ids=["work", "failures"])
def test_results_are_the_same(
    ansible: Ansible, simulator: Start, tmp_path: Path, subtests: pytest.Subtests, tasks: list[dict[str, Any]]
) -> None:
    for name in ("a.iso", "b.iso"):
        (tmp_path / name).write_bytes(b"an image" * 1000)
    ways = {"here": True, "sent": False}
    hosts = {name: Host(simulator(), tasks, {"retries": 0}, {"pikvm_in_process": here}) for name, here in ways.items()}
    for host in hosts.values():
        switch_on(host.sim)
    played = play(ansible, hosts)
    assert sent(played) == len(tasks)
    pairs: list[tuple[Outcome, Outcome]] = list(zip(*played.hosts.values(), strict=True))
    assert {here.outcome for here, _there in pairs} == {"ok", "failed"}
    for index, (here, there) in enumerate(pairs):
        with subtests.test(msg=f"task {index}, {here.task}"):
            assert here.outcome == there.outcome
            assert still(here.result, hosts["here"].sim) == still(there.result, hosts["sent"].sim)
            asked = [[(record.method, record.path) for record in outcome.requests] for outcome in (here, there)]
            assert here.task == "pikvm_wait_for" or sorted(set(asked[0])) == sorted(set(asked[1]))


def test_where_something_forbids_it_modules_are_sent(
    ansible: Ansible, simulator: Start, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    other = tmp_path / "python"
    other.write_text('#!/bin/sh\nexec "$REAL_PYTHON" "$@"\n', encoding="utf-8")
    other.chmod(0o755)
    real = {"REAL_PYTHON": "{{ ansible_playbook_python }}"}
    ways: dict[str, tuple[int, dict[str, Any], dict[str, Any]]] = {
        "nothing": (0, {}, {}),
        "python_that_is_ours": (0, {}, {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}),
        "switch": (1, {}, {"pikvm_in_process": "no"}),
        "async": (1, {"async": 30, "poll": 1}, {"ansible_async_dir": str(tmp_path / "async")}),
        "other_python": (1, {"environment": real}, {"ansible_python_interpreter": str(other)}),
    }
    sim = simulator()
    for name, (expected, beside, variables) in ways.items():
        with subtests.test(msg=name):
            host = Host(sim, [task("pikvm_info", beside, **ATX)], {}, variables)
            played = play(ansible, {name: host}, PIKVM_IN_PROCESS="true")
            assert [outcome.msg for outcome in played.hosts[name] if not outcome.ok] == []
            assert sent(played) == expected
    with subtests.test(msg="environment"):
        played = play(ansible, {"one": Host(sim, [task("pikvm_info", **ATX)])}, PIKVM_IN_PROCESS="false")
        assert sent(played) == 1


@pytest.mark.parametrize("here", [True, False])
def test_surroundings_are_those_of_the_task(ansible: Ansible, sim: Simulator, tmp_path: Path, here: bool) -> None:
    """Options from the task's `environment`, files from the playbook's folder, and nothing of either left behind."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a.iso").write_bytes(b"an image")
    login = {"PIKVM_URL": sim.url, "PIKVM_PASSWORD": PASSWORD, "PIKVM_CA_PATH": sim.ca_path}
    rows = [
        task("pikvm_msd_image", {"environment": login}, src="a.iso"),
        task("pikvm_msd_image", src="a.iso"),
    ]
    host = Host(sim, rows, variables={"pikvm_in_process": here})
    ansible.cwd = tmp_path / "elsewhere"
    found, lost = ansible.play({"one": host}, ("-vvv",), defaults=False).hosts["one"]
    assert found.ok, found.msg
    assert (found["image"]["name"], found["invocation"]["module_args"]["password"]) == (
        "a.iso",
        "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
    )
    assert lost.msg == "missing required arguments: url"
