# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test on this working tree, tracked and new files alike.

    ansible_test.py sanity [OPTION...]

ansible-test insists on a folder named ansible_collections/NAMESPACE/NAME and does not follow a symbolic link there,
so it gets a copy. Its home is inside the clone: what it caches stays out of the caller's.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "ansible-test"
COPY = CACHE / "ansible_collections" / "community" / "pikvm"
HOME = CACHE / "home"
OLDEST = "3.9"
GIT = ["git", "-c", "safe.directory=*"]

# What ansible-test would fetch from its own download site: a script that puts pip into an empty virtual environment.
# The pip at hand serves as well as the version asked for.
GET_PIP = """\
from __future__ import annotations

import shutil
import sysconfig
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


def copy_tree() -> None:
    """Make COPY a repository of its own that holds the working tree."""
    shutil.rmtree(COPY, ignore_errors=True)
    for path in tree():
        (COPY / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, COPY / path, follow_symlinks=False)
    for command in (["init", "--quiet"], ["add", "--all", "--force"]):
        subprocess.run([*GIT, *command], cwd=COPY, check=True)


def write_pip_scripts() -> None:
    """Save a script for each version of pip this ansible-test may ask for, under the names it looks for."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    packages = sysconfig.get_path("purelib")
    source = Path(packages, "ansible_test", "_internal", "python_requirements.py").read_text(encoding="utf-8")
    for version in set(re.findall(r"pip='(\d[\d.]*)'", source)):
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        script.write_text(GET_PIP.format(source=packages), encoding="utf-8")


def write_pip_config() -> None:
    """Carry the caller's pip settings over to HOME: ansible-test passes no PIP_ variable on."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    settings: dict[str, str] = {}
    for key, value in (line.split("=", 1) for line in lines):
        if key.startswith(("global.", ":env:.")):
            settings[key.rpartition(".")[2]] = ast.literal_eval(value)
    config = HOME / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    body = "".join(f"{key} = {' '.join(value.split())}\n" for key, value in settings.items())
    config.write_text(f"[global]\n{body}quiet = 2\n", encoding="utf-8")


def search_path() -> str:
    """PATH with this Python first, then the oldest that modules support if pyenv has it, and without dead Pythons.

    A version switcher puts pythonX.Y commands on PATH that do nothing but fail, and ansible-test stops at the first.
    """
    given = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    hidden = [
        path for folder in given if folder.name == "shims" for path in folder.parent.glob(f"versions/{OLDEST}.*/bin")
    ]
    alive = [folder for folder in hidden + given if all(map(runs, folder.glob("python3.[0-9]*")))]
    return os.pathsep.join(dict.fromkeys(map(str, [Path(sys.executable).parent, *alive])))


def runs(command: Path) -> bool:
    """Whether a command that is named like a Python is one; python3.11-config and the like pass."""
    if not re.fullmatch(r"python3\.\d+", command.name):
        return True
    return subprocess.run([command, "-c", ""], check=False, capture_output=True).returncode == 0


def main() -> int:
    copy_tree()
    write_pip_scripts()
    write_pip_config()
    environ = {**os.environ, "HOME": str(HOME), "PATH": search_path()}
    command = [str(Path(sys.executable).parent / "ansible-test"), *sys.argv[1:]]
    return subprocess.run(command, cwd=COPY, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
