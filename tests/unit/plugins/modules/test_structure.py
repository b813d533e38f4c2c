# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection has in common."""

from __future__ import annotations

import ast
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
CONNECTING = [name for name in MODULES if name.startswith("pikvm_")]
"""Those that talk to a PiKVM."""
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


def test_every_section_is_there(module: Any) -> None:
    docs = documentation(module)
    name = module.__name__.rpartition(".")[2]
    assert docs["module"] == name
    assert docs["short_description"]
    assert docs["version_added"]
    fragments = {"community.pikvm.connection", "community.pikvm.attributes"} if name in CONNECTING else set()
    assert fragments <= set(docs.get("extends_documentation_fragment", []))
    assert f"community.pikvm.{name}:" in module.EXAMPLES
    assert yaml.safe_load(module.EXAMPLES)
    assert all(value["description"] and value["returned"] for value in yaml.safe_load(module.RETURN).values())


def spec_of(module: Any) -> dict[str, Any] | None:
    """The module's options; None for one that is but documentation: its action plugin takes them."""
    if hasattr(module, "MODULE"):
        return dict(module.MODULE.argument_spec)
    return dict(module.SPEC) if hasattr(module, "SPEC") else None


def test_spec_lists_exactly_the_documented_options(module: Any) -> None:
    spec = spec_of(module)
    if spec is None:
        assert not hasattr(module, "main")
        return
    documented = documented_options(module)
    assert set(spec) == set(documented)
    for name, option in spec.items():
        for key in ("type", "default", "choices", "elements", "required"):
            assert option.get(key) == documented[name].get(key), f"{name}: {key}"


def test_those_that_talk_to_a_pikvm_have_the_options_for_it(module: Any) -> None:
    connects = module.__name__.rpartition(".")[2] in CONNECTING
    assert connects == (_argspec.connection_spec().keys() <= documented_options(module).keys())
    assert connects == (hasattr(module, "MODULE") and module.MODULE.connects)


def test_run_is_short(module: Any) -> None:
    if not hasattr(module, "run"):
        assert not hasattr(module, "main")
        return
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


def test_action_group_lists_every_module_that_has_connection_options() -> None:
    runtime = yaml.safe_load((PLUGINS.parent / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert sorted(runtime["action_groups"]["all"]) == CONNECTING


def test_no_decision_is_made_by_the_version_of_kvmd() -> None:
    found = [
        f"{path.name}:{node.lineno}"
        for path in PLUGINS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and not isinstance(node.ops[0], (ast.Is, ast.IsNot))
        and any("version" in name for name in names(node))
    ]
    assert found == []


def names(node: ast.AST) -> set[str]:
    """The variables and attributes in an expression."""
    inner = list(ast.walk(node))
    return {each.id for each in inner if isinstance(each, ast.Name)} | {
        each.attr for each in inner if isinstance(each, ast.Attribute)
    }
