# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each action plugin has to have. They run where Ansible does, unlike modules."""

from __future__ import annotations

import importlib
from pathlib import Path

import yaml

from ansible_collections.community.pikvm.plugins.module_utils import _argspec

PLUGINS = Path(_argspec.__file__).parents[1]
PACKAGE = "ansible_collections.community.pikvm.plugins"
MODULES = {path.stem for path in (PLUGINS / "modules").glob("*.py")}
CONNECTING = sorted(name for name in MODULES if name.startswith("pikvm_"))


def test_every_module_of_a_pikvm_has_the_action_plugin() -> None:
    common = importlib.import_module(f"{PACKAGE}.action.pikvm_info").ActionModule
    for name in CONNECTING:
        plugin = importlib.import_module(f"{PACKAGE}.action.{name}").ActionModule
        assert issubclass(plugin, common)
        assert plugin.module is importlib.import_module(f"{PACKAGE}.modules.{name}").MODULE
    assert {path.stem for path in (PLUGINS / "action").glob("*.py")} <= MODULES


def test_options_of_a_lock_are_the_documented_ones() -> None:
    documented = yaml.safe_load(importlib.import_module(f"{PACKAGE}.modules.reinstall_lock").DOCUMENTATION)["options"]
    spec = importlib.import_module(f"{PACKAGE}.action.reinstall_lock").SPEC
    assert set(spec) == set(documented)
    for name, option in spec.items():
        for key in ("type", "default", "choices", "elements", "required"):
            assert option.get(key) == documented[name].get(key), f"{name}: {key}"
