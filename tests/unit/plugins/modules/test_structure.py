# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection has in common."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.community.pikvm.plugins.module_utils import _argspec

PLUGINS = Path(_argspec.__file__).parents[1]
PACKAGE = "ansible_collections.community.pikvm.plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
OF_A_PIKVM = [name for name in MODULES if name.startswith("pikvm_")]
"""The others talk to none: they have no connection options, are not in the action group and need no action plugin."""
LONGEST_RUN = 80


@pytest.fixture(params=MODULES)
def module(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(f"{PACKAGE}.modules.{request.param}")


def documentation(module: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(module.DOCUMENTATION)
    return found


def documented_options(module: Any) -> dict[str, Any]:
    """The options of the module's own documentation and of the fragments it extends."""
    own = documentation(module)
    options: dict[str, Any] = dict(own.get("options", {}))
    for fragment in own.get("extends_documentation_fragment", []):
        name, _dot, variant = fragment.removeprefix("community.pikvm.").partition(".")
        source = importlib.import_module(f"{PACKAGE}.doc_fragments.{name}").ModuleDocFragment
        text = getattr(source, variant.upper() if variant else "DOCUMENTATION")
        inherited = yaml.safe_load(text).get("options", {})
        options = {**inherited, **options}
    return options


def test_there_are_modules() -> None:
    assert {"pikvm_info", "pikvm_atx_power", "pikvm_atx_click"} <= set(MODULES)
    assert {"pikvm_msd_image", "pikvm_msd_drive", "pikvm_gpio_channel"} <= set(MODULES)


def name_of(module: Any) -> str:
    return str(module.__name__.rpartition(".")[2])


def test_every_section_is_there(module: Any) -> None:
    docs = documentation(module)
    name = name_of(module)
    assert docs["module"] == name
    assert docs["short_description"]
    assert docs["version_added"]
    shared = {"community.pikvm.connection", "community.pikvm.attributes"} if name in OF_A_PIKVM else set()
    assert shared <= set(docs.get("extends_documentation_fragment", []))
    assert f"community.pikvm.{name}:" in module.EXAMPLES
    assert yaml.safe_load(module.EXAMPLES)
    assert all(value["description"] and value["returned"] for value in yaml.safe_load(module.RETURN).values())


def test_spec_lists_exactly_the_documented_options(module: Any) -> None:
    spec = {**(_argspec.connection_spec() if name_of(module) in OF_A_PIKVM else {}), **module.SPEC}
    documented = documented_options(module)
    assert set(spec) == set(documented)
    for name, option in spec.items():
        for key in ("type", "default", "choices", "elements", "required"):
            assert option.get(key) == documented[name].get(key), f"{name}: {key}"


def test_run_is_short(module: Any) -> None:
    assert len(inspect.getsource(module.run).splitlines()) < LONGEST_RUN


def test_connection_options_tell_their_environment_variable() -> None:
    options = documented_options(importlib.import_module(f"{PACKAGE}.modules.pikvm_info"))
    for name, option in _argspec.connection_spec().items():
        variable = f"PIKVM_{name.upper()}"
        assert option["fallback"][1] == [variable]
        assert f"E({variable})" in "".join(options[name]["description"])


def test_secrets_are_never_logged() -> None:
    spec = _argspec.connection_spec()
    assert {name for name, option in spec.items() if option.get("no_log")} == set(_argspec.SECRETS)


def test_action_group_lists_every_module_of_a_pikvm() -> None:
    runtime = yaml.safe_load((PLUGINS.parent / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert sorted(runtime["action_groups"]["all"]) == OF_A_PIKVM


def test_every_module_of_a_pikvm_has_the_action_plugin() -> None:
    names = sorted(path.stem for path in (PLUGINS / "action").glob("*.py"))
    plugins = {importlib.import_module(f"{PACKAGE}.action.{name}").ActionModule for name in names}
    assert (names, len(plugins)) == (OF_A_PIKVM, 1)
