# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random values for the options of all modules: a failure in words before anything is written, or success."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.community.pikvm.plugins.module_utils._runner import Module
from tests.simulator import Simulator
from tests.support.ansible import ROOT

from ..campaign import module_of

NAMES = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]["all"]
OURS: dict[str, Module] = {name: module_of(name) for name in sorted(NAMES)}

QUICK = {"wait_timeout": 0.3, "stable_for": 0.0, "graceful_timeout": 0.3, "interval": 0.0, "hold": 0.0, "delay": 0.0}
"""What lasts as long as it is told to is told to be short, unless its value is refused."""

SECONDS: st.SearchStrategy[Any] = st.sampled_from(
    [math.nan, math.inf, -math.inf, -1.0, 1e300, "abc", "", [], None, "0x1"]
)
WHOLE: st.SearchStrategy[Any] = st.integers() | st.sampled_from(
    [10**30, -1, 0, "9" * 400, "1e3", 1.5, True, None, "abc", [], {}]
)
TEXTS = st.text() | st.sampled_from(
    ["", " ", "\0", "\x1b[2J", "\ud800", "x" * 3000, "../../etc/passwd", "0", "1.1", "a.iso"]
)
ANYTHING = TEXTS | WHOLE | st.lists(TEXTS, max_size=2) | st.dictionaries(TEXTS, TEXTS, max_size=2)
PLACES = ("", "/", "a\0b", "x" * 300, "no/such/folder", "../../x/y", "\ud800", "file")


def value_of(name: str, spec: dict[str, Any], folder: Path) -> st.SearchStrategy[Any]:
    """Values for one option: some right, some almost, some of another type."""
    kind = spec.get("type", "str")
    if kind == "float":
        return SECONDS | st.just(QUICK.get(name, 0.1))
    if kind == "path":
        return st.sampled_from([str(folder / place) if place != "/" else str(folder) for place in PLACES])
    if spec.get("choices"):
        return st.sampled_from(spec["choices"]) | (ANYTHING if kind == "str" else WHOLE)
    if kind == "int":
        return WHOLE
    if kind == "bool":
        return st.booleans() | WHOLE
    if kind == "list":
        return st.lists(TEXTS, max_size=3) | ANYTHING
    if kind == "dict":
        inner = {key: value_of(key, part, folder) for key, part in spec.get("options", {}).items()}
        return st.fixed_dictionaries({}, optional=inner) | ANYTHING
    return TEXTS | ANYTHING


def options_of(module: Module, folder: Path) -> st.SearchStrategy[dict[str, Any]]:
    known = {name: value_of(name, spec, folder) for name, spec in module.options.items()}
    needed = {name: known.pop(name) for name, spec in module.options.items() if spec.get("required")}
    brief = {name: seconds for name, seconds in QUICK.items() if name in known}
    return st.fixed_dictionaries(needed, optional=known).map(lambda drawn: {**brief, **drawn})


@pytest.fixture(scope="module")
def device() -> Iterator[Simulator]:
    with Simulator(speed=200.0, switch=True) as sim:
        yield sim
        assert sim.crashes == []


@pytest.mark.parametrize("name", OURS)
@given(data=st.data())
def test_random_options(name: str, device: Simulator, tmp_path: Path, data: st.DataObject) -> None:
    module = OURS[name]
    options = data.draw(options_of(module, tmp_path))
    device.clear_requests()
    connection = {"url": device.url, "password": "admin", "ca_path": device.ca_path, "timeout": 5.0, "retries": 0}
    result = module.answer(f"community.pikvm.{name}", {**connection, **options}, False, True)
    assert "exception" not in result, result["exception"]
    if result.get("failed"):
        refuses = [option for option in options if result["msg"].startswith((f"{option}:", f"{option}."))]
        checked = "argument" in result["msg"] or "parameter" in result["msg"] or "value of" in result["msg"]
        assert result["msg"]
        assert "defect" not in result["msg"]
        if "error" not in result and (refuses or checked):
            assert [record.path for record in device.requests if record.method != "GET"] == []


@given(
    values=st.fixed_dictionaries(
        {},
        optional={
            "url": TEXTS,
            "username": ANYTHING,
            "password": ANYTHING,
            "totp_secret": ANYTHING,
            "auth_token": ANYTHING,
            "validate_certs": ANYTHING,
            "ca_path": st.sampled_from(["/nonexistent", "/", "\0", "/dev/null", __file__]),
            "tls_fingerprint": TEXTS,
            "timeout": SECONDS,
            "retries": WHOLE,
        },
    )
)
@example(values={"ca_path": "\0"})
@example(values={"ca_path": "\ud800"})
def test_random_connections(values: dict[str, Any]) -> None:
    given_values = {"url": "https://127.0.0.1:1", "retries": 0, "timeout": 0.2, **values}
    if not 0 <= _number(given_values["retries"]) <= 1:
        given_values["url"] = "https://"  # nobody waits for a thousand attempts
    if "url" in values and given_values["url"] != "https://":
        given_values["url"] = f"https://127.0.0.1:1/{values['url']}"
    result = OURS["pikvm_info"].answer("community.pikvm.pikvm_info", given_values, False, False)
    assert result["failed"]
    assert "exception" not in result, result["exception"]
    assert "defect" not in result["msg"]


def _number(value: Any) -> float:
    return value if isinstance(value, int) else -1
