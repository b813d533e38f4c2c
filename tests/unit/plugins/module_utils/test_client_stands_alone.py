# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client can be used without Ansible."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.community.pikvm.plugins.module_utils._client import errors

FOLDER = Path(errors.__file__).parent

SCRIPT = """
import sys

class NoAnsible:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("ansible", "ansible_collections"):
            raise ImportError(f"{name} was imported")

sys.meta_path.insert(0, NoAnsible())
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    __import__(f"_client.{name}")
print(sorted(name.split(".")[0] for name in sys.modules if name.startswith("ansible")))
print(sys.modules["_client.api"].Pikvm(sys.modules["_client.transport"].Connection("pikvm")).transport.connection.url)
"""


def test_client_imports_no_ansible() -> None:
    names = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    assert {"api", "transport", "auth", "models", "errors"} <= set(names)
    command = [sys.executable, "-c", SCRIPT, str(FOLDER.parent), *names]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert finished.stderr == ""
    assert finished.stdout.split("\n") == ["[]", "https://pikvm", ""]
