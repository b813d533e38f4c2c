# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of every module run as they stand."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.community.pikvm.plugins.module_utils import _argspec
from tests.support.ansible import MODULES as PACKAGE
from tests.support.ansible import Ansible, Host, connection
from tests.support.device import switch_on, when_asked
from tests.support.expect import Start
from tests.support.web import library

MODULES = sorted(
    {path.stem for path in (Path(_argspec.__file__).parents[1] / "modules").glob("*.py")} - {"installer_image"}
)
"""All but the one that needs stock images, and is tested beside them."""

STARTS_ON = {"pikvm_info", "pikvm_atx_click", "pikvm_keyboard", "pikvm_mouse", "pikvm_snapshot"}
DEVICES: dict[str, dict[str, Any]] = {
    name: {"switch": True} for name in ("pikvm_switch", "pikvm_switch_edid", "pikvm_switch_port")
}

ELSEWHERE = "https://images.example.com"
"""The only address in the examples that is not the PiKVM's own: a web server with images."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    with library() as address:
        yield address


@pytest.mark.parametrize("module", MODULES)
def test_examples(ansible: Ansible, simulator: Start, elsewhere: str, tmp_path: Path, module: str) -> None:
    sim = simulator(**DEVICES.get(module, {}))
    documented = importlib.import_module(f"{PACKAGE}.{module}")
    tasks: list[dict[str, Any]] = yaml.safe_load(documented.EXAMPLES.replace(ELSEWHERE, elsewhere))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "netinst.iso").write_bytes(b"netinst" * 1000)
    if module in STARTS_ON:
        switch_on(sim)
    if module == "pikvm_wait_for":
        screen = 1 + next(
            index for index, each in enumerate(tasks) if "screen_text" in each[f"community.pikvm.{module}"]
        )
        when_asked(sim, "/api/ws", lambda: switch_on(sim), times=screen)
    environment = {f"PIKVM_{name.upper()}": str(value) for name, value in connection(sim).items()}
    outcomes = ansible.play({"server": Host(sim, tasks)}, environment=environment, defaults=False).hosts["server"]
    assert [(outcome.task, outcome.msg) for outcome in outcomes if not outcome.ok] == []
    assert len(outcomes) == len(tasks) > 0
