# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real ansible-rulebook, in the virtual environment that `make eda` sets up for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .ansible import ROOT, Ansible
from .raw import until

BIN = ROOT / ".venv-eda" / "bin"
END_WITHIN = 20.0


class Rulebook:
    """Runs a rulebook for the length of a `with` block.

    Args:
        rulebook: its name in the collection, or its file.
        inventory: of the hosts that actions are for.
        variables: those of the rulebook.
    """

    def __init__(self, folder: Path, rulebook: str, inventory: dict[str, Any], variables: dict[str, Any]) -> None:
        if not (BIN / "ansible-rulebook").exists() or shutil.which("java") is None:
            pytest.skip("ansible-rulebook is not there: `make eda` installs it, and needs Java 17")
        self._log = folder / "rulebook.log"
        (folder / "hosts.yml").write_text(json.dumps(inventory), encoding="utf-8")
        (folder / "vars.yml").write_text(json.dumps(variables), encoding="utf-8")
        own = Ansible(folder).environment()
        self._command = [str(BIN / "ansible-rulebook"), "-r", rulebook, "-i", str(folder / "hosts.yml")]
        self._command += ["-e", str(folder / "vars.yml")]
        self._environment = {**own, "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}
        self._folder = folder

    def __enter__(self) -> Rulebook:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_WITHIN)
        finally:
            self._process.kill()
            self._process.wait()

    @property
    def output(self) -> str:
        """All that it has printed so far."""
        return self._log.read_text(encoding="utf-8")

    def says(self, words: str, patience: float = 60.0) -> None:
        """Wait until it has printed this."""
        try:
            until(lambda: words in self.output or self._process.poll() is not None, patience)
        finally:
            assert words in self.output, self.output

    def wait(self) -> int:
        """Its exit status once it has ended by itself."""
        return self._process.wait(END_WITHIN)
