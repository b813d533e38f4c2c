# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a terminal, a pipeline and a callback see while an image is on its way."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator import Simulator
from tests.support.ansible import LOCAL, PATIENCE, Ansible, of_the_host
from tests.support.expect import Start
from tests.support.web import DATA, library

MIB = 1024 * 1024
SPEED = 20.0
"""Device seconds in a real one."""
SIZE = 64 * MIB
"""More than the buffers on the way hold."""
SECONDS = 8.0
"""How long a transfer takes: longer than it is silent."""
LINE = r"(\w+): \w\.iso: [\d.]+ (?:[KM]iB|bytes) of (?:64\.0 M|256 K)iB \(\d+ %\), [\d.]+ [KM]iB/s, \d s left"
PLAIN = {"PIKVM_IN_PROCESS": "true", "ANSIBLE_DEPRECATION_WARNINGS": "false"}
COMMAND = (
    *("ansible", "all", "--one-line", "--forks", "4", "-m", "community.pikvm.pikvm_msd_image"),
    *("-a", "src={{ file | default(omit) }} download_url={{ address | default(omit) }}"),
)


@pytest.fixture
def shelf() -> Iterator[str]:
    with library() as url:
        yield url


def slow(sim: Simulator, size: int) -> Simulator:
    sim.fault("slow_card", bytes_per_second=size / SECONDS / SPEED)
    return sim


def inventory(simulator: Start, folder: Path, shelf: str) -> Path:
    """One host that fetches and three that upload, with or without a word about progress."""
    big = folder / "a.iso"
    with big.open("wb") as file:
        file.truncate(SIZE)
    hosts = {
        "asked": {"address": f"{shelf}/b.iso", "pikvm_progress": "yes"},
        "silent": {"file": str(big), "pikvm_progress": False},
        "unsaid": {"file": str(big)},
        "sent": {"file": str(big), "pikvm_progress": True, "pikvm_in_process": False},
    }
    for variables in hosts.values():
        sim = slow(simulator(discard_data=True), SIZE if "file" in variables else len(DATA))
        variables.update(of_the_host(sim))
    path = folder / "inventory.yml"
    path.write_text(json.dumps({"all": {"hosts": hosts, "vars": LOCAL}}), encoding="utf-8")
    return path


def run(ansible: Ansible, inventory: Path, terminal: bool, environment: dict[str, str]) -> tuple[str, str]:
    """Standard output, a terminal or a pipe, and standard error, which is a pipe."""
    output: list[bytes] = []
    ours, theirs = pty.openpty() if terminal else os.pipe()

    def listen() -> None:
        try:
            while piece := os.read(ours, 65536):
                output.append(piece)
        except OSError:
            pass  # how a terminal ends

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        finished = subprocess.run(
            [sys.executable, str(Path(sys.executable).with_name(COMMAND[0])), "-i", str(inventory), *COMMAND[1:]],
            env={**ansible.environment(), **PLAIN, **environment},
            cwd=ansible.cwd,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
    finally:
        os.close(theirs)
        listener.join()
        os.close(ours)
    return b"".join(output).decode(), finished.stderr.decode()


@pytest.mark.parametrize(
    ("terminal", "environment", "telling"),
    [
        (False, {}, {"asked"}),
        (False, {"PIKVM_PROGRESS": "true"}, {"asked", "unsaid"}),
        (True, {}, {"asked", "unsaid"}),
    ],
    ids=["pipe", "environment", "terminal"],
)
def test_progress_is_told_where_somebody_wants_it(
    ansible: Ansible,
    simulator: Start,
    tmp_path: Path,
    shelf: str,
    terminal: bool,
    environment: dict[str, str],
    telling: set[str],
) -> None:
    output, errors = run(ansible, inventory(simulator, tmp_path, shelf), terminal, environment)
    results = dict(re.findall(r"^(\w+) \| CHANGED => (.*?)\r?$", output, re.MULTILINE))
    assert set(results) == {"asked", "silent", "unsaid", "sent"}, output + errors
    assert all(json.loads(result)["transferred"] for result in results.values())
    assert len(output.splitlines()) == len(results)
    told = [re.fullmatch(LINE, line) for line in errors.splitlines()]
    assert {match.group(1) if match else errors for match in told} == telling
