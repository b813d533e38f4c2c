# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test on this working tree, tracked and new files alike.

    ansible_test.py [--cache FOLDER] sanity|units [OPTION...]

ansible-test insists on a folder named ansible_collections/NAMESPACE/NAME and does not follow a symbolic link there,
so it gets a copy. Its home is inside the clone: what it caches stays out of the caller's. The ansible-core is that of
the Python that runs this.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "ansible-test"
OLDEST = "3.9"
GIT = ["git", "-c", "safe.directory=*"]

# What ansible-test would fetch from its own download site: a script that puts pip into an empty virtual environment.
# The pip at hand serves as well as the version asked for.
GET_PIP = """\
from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Sequence
from pathlib import Path

source = Path({source!r})
target = Path(sysconfig.get_path("purelib"))
for folder in (source / "pip", *source.glob("pip-*.dist-info")):
    shutil.copytree(folder, target / folder.name, dirs_exist_ok=True)
"""


def tree() -> list[str]:
    """The paths git knows or would add, as far as they exist."""
    command = [*GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({path for path in listed if path and os.path.lexists(ROOT / path)})


def copy_in(cache: Path) -> Path:
    """Where the copy is."""
    return cache / "ansible_collections" / "community" / "pikvm"


def copy_tree(copy: Path) -> None:
    """Make the copy a repository of its own that holds the working tree."""
    shutil.rmtree(copy, ignore_errors=True)
    for path in tree():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copy / path, follow_symlinks=False)
    for command in (["init", "--quiet"], ["add", "--all", "--force"]):
        subprocess.run([*GIT, *command], cwd=copy, check=True)


def write_pip_scripts(home: Path) -> None:
    """Save a script for each version of pip this ansible-test may ask for, under the names it looks for."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    packages = sysconfig.get_path("purelib")
    source = Path(packages, "ansible_test", "_internal", "python_requirements.py").read_text(encoding="utf-8")
    for version in set(re.findall(r"pip='(\d[\d.]*)'", source)):
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        script.write_text(GET_PIP.format(source=packages), encoding="utf-8")


def write_pip_config(home: Path) -> None:
    """Carry the caller's pip settings over: ansible-test passes no PIP_ variable on."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    settings: dict[str, str] = {}
    for key, value in (line.split("=", 1) for line in lines):
        if key.startswith(("global.", ":env:.")):
            settings[key.rpartition(".")[2]] = ast.literal_eval(value)
    config = home / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    body = "".join(f"{key} = {' '.join(value.split())}\n" for key, value in settings.items())
    config.write_text(f"[global]\n{body}quiet = 2\n", encoding="utf-8")


def interpreters() -> dict[str, Path]:
    """A Python for each version 3.X that is found: on PATH, or kept by pyenv."""
    folders = [Path(sys.executable).parent, *_given(), *_hidden("3.*")]
    found: dict[str, Path] = {}
    for command in (command for folder in folders for command in sorted(folder.glob("python3.[0-9]*"))):
        version = command.name.removeprefix("python")
        if re.fullmatch(r"3\.\d+", version) and version not in found and runs(command):
            found[version] = command
    return found


def search_path(wanted: Sequence[str] = (OLDEST,)) -> str:
    """PATH with this Python first, then those wanted that pyenv has, and without dead Pythons.

    A version switcher puts pythonX.Y commands on PATH that do nothing but fail, and ansible-test stops at the first.
    """
    hidden = [folder for version in wanted for folder in _hidden(f"{version}.*")]
    alive = [folder for folder in hidden + _given() if all(map(runs, folder.glob("python3.[0-9]*")))]
    return os.pathsep.join(dict.fromkeys(map(str, [Path(sys.executable).parent, *alive])))


def _given() -> list[Path]:
    return [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]


def _hidden(version: str) -> list[Path]:
    """Folders of the Pythons that pyenv has, whichever of them is active."""
    shims = [folder for folder in _given() if folder.name == "shims"]
    return [path for folder in shims for path in sorted(folder.parent.glob(f"versions/{version}/bin"))]


def runs(command: Path) -> bool:
    """Whether a command that is named like a Python is one; python3.11-config and the like pass."""
    if not re.fullmatch(r"python3\.\d+", command.name):
        return True
    return subprocess.run([command, "-c", ""], check=False, capture_output=True).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Run ansible-test on this working tree.", add_help=False)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--python")
    options, rest = parser.parse_known_args()
    home, copy = options.cache / "home", copy_in(options.cache)
    copy_tree(copy)
    write_pip_scripts(home)
    write_pip_config(home)
    target = [options.python] if options.python else []
    environ = {**os.environ, "HOME": str(home), "PATH": search_path([OLDEST, *target])}
    command = [str(Path(sys.executable).parent / "ansible-test"), *rest, *(f"--python={version}" for version in target)]
    return subprocess.run(command, cwd=copy, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
