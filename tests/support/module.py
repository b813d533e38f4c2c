# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module as a process of its own, for what Ansible does not let a test do: interrupt it, or take a library away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from .ansible import ROOT

STARTER = """
import json, signal, sys
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from {module} import main
signal.signal(signal.SIGINT, signal.default_int_handler)
with patch_module_args(json.loads(sys.argv[1])):
    main()
"""
"""It can be interrupted also where the tests themselves cannot, as jobs in the background cannot."""


def run_module(
    folder: Path, module: ModuleType, options: dict[str, Any], path: Sequence[Path] = ()
) -> subprocess.Popen[str]:
    """Start a module with these options; `path` comes before everything else that it may import."""
    places = [*map(str, path), str(ROOT / ".collections")]
    return subprocess.Popen(
        [sys.executable, "-c", STARTER.format(module=module.__name__), json.dumps(options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "HOME": str(folder)},
    )
