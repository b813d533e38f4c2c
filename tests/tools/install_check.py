# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the tarball, install it where there is nothing but ansible-core and requests, and use it there.

    python -m tests.tools.install_check

The place is a temporary folder: a virtual environment with copies of those two and what they need, an empty home, no
network. A module and a playbook run there against a simulated PiKVM. Each Python in it notes every file of the clone
that it opens: there may be none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

import yaml
from packaging.requirements import Requirement

from tests.simulator import Simulator
from tests.tools.ansible_test import ROOT, tree

GALAXY = ("FILES.json", "MANIFEST.json")
"""What Galaxy's tool adds."""
SHIPPED = ("LICENSES", "changelogs", "docs", "meta", "playbooks", "plugins", "roles")
HIDDEN = (".ansible-lint", ".yamllint")
"""The hidden files that may be in the tarball."""
USED = ("ansible-core", "requests")
NOT_USED = "ansible_test"
IMAGE = b"an image" * 1000

WATCH = """\
import os
import sys


def note(event, args, clone={clone!r}, log={log!r}, open=os.open, write=os.write, close=os.close):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(args[0], (str, bytes)):
        path = os.path.abspath(os.fsdecode(args[0]))
        if path == clone or path.startswith(clone + os.sep):
            file = open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            write(file, os.fsencode(path) + b"\\\\n")
            close(file)


sys.addaudithook(note)
"""


class Wrong(Exception):
    """What is to be mended."""


def build(folder: Path) -> Path:
    """The tarball."""
    command = [sys.executable, "-m", "ansible", "galaxy", "collection", "build", str(ROOT), "--output-path"]
    subprocess.run([*command, str(folder)], check=True, capture_output=True)
    return next(folder.glob("*.tar.gz"))


def check_contents(tarball: Path) -> int:
    """How many files there are. Raises Wrong for one that should not be there, and for one that is missing."""
    with tarfile.open(tarball) as archive:
        names = {member.name for member in archive.getmembers() if not member.isdir()}
    ours = set(tree())
    strange = names - ours - set(GALAXY)
    hidden = {name for name in names if any(part.startswith(".") for part in PurePosixPath(name).parts)} - set(HIDDEN)
    missing = {name for name in ours if PurePosixPath(name).parts[0] in SHIPPED} - names
    for what, found in (("not in git", strange), ("hidden", hidden), ("missing", missing)):
        if found:
            raise Wrong(f"{tarball.name}: {what}: {', '.join(sorted(found))}")
    return len(names)


def needed(names: tuple[str, ...]) -> set[str]:
    """Distributions, and all that they need here."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            wants = map(Requirement, distribution(name).requires or [])
            left += [each.name for each in wants if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


class Place:
    """A temporary folder that knows nothing of the clone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.python = folder / "venv" / "bin" / "python"
        self.opened = folder / "opened"
        self.installed = self.home / ".ansible" / "collections" / "ansible_collections" / "community" / "pikvm"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
        packages = next((folder / "venv" / "lib").glob("python*/site-packages"))
        for name in needed(USED):
            _copy(name, packages)
        watch = WATCH.format(clone=str(ROOT), log=str(self.opened))
        (packages / "sitecustomize.py").write_text(watch, encoding="utf-8")

    def run(self, *words: str) -> str:
        """What a command of Ansible prints. Raises Wrong where it fails."""
        finished = subprocess.run(
            [str(self.python), "-m", *words],
            cwd=self.folder,
            env={"HOME": str(self.home), "PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        output = finished.stdout + finished.stderr
        if finished.returncode:
            raise Wrong(f"{' '.join(words)}: exit status {finished.returncode}\n{output}")
        return output

    def check_watched(self) -> None:
        """Raises Wrong where a look into the clone is not noted."""
        self.run("tokenize", str(ROOT / "galaxy.yml"))
        if not self.opened.exists():
            raise Wrong("Nobody notes what is opened")
        self.opened.unlink()

    def check_untouched(self) -> None:
        """Raises Wrong where something of the clone was opened."""
        if self.opened.exists():
            raise Wrong(f"Opened in the clone: {', '.join(sorted(set(self.opened.read_text().split())))}")


def _copy(name: str, packages: Path) -> None:
    """Copy a distribution's files, compiled ones too; its commands stay behind."""
    source = Path(sysconfig.get_path("purelib"))
    for file in distribution(name).files or []:
        if file.parts[0] not in ("..", NOT_USED):
            for path in _with_compiled(source / file):
                target = packages / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)


def _with_compiled(path: Path) -> Iterator[Path]:
    yield path
    if path.suffix == ".py":
        yield from (path.parent / "__pycache__").glob(f"{path.stem}.{sys.implementation.cache_tag}.pyc")


def inventory(sim: Simulator, place: Place) -> str:
    """A server behind that PiKVM."""
    (place.folder / "a.iso").write_bytes(IMAGE)
    server = {
        "ansible_connection": "local",
        "ansible_python_interpreter": str(place.python),
        "pikvm_url": sim.url,
        "pikvm_password": "admin",
        "pikvm_tls_fingerprint": sim.fingerprint,
        "reinstall_image": str(place.folder / "a.iso"),
        "reinstall_confirm": "server",
    }
    path = place.folder / "inventory.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": {"server": server}}}), encoding="utf-8")
    return str(path)


def use(place: Place) -> None:
    """Run a module both ways, and the playbook as far as it goes without changing anything."""
    with Simulator() as sim:
        server = inventory(sim, place)
        for way in ("true", "false"):
            module = ("adhoc", "all", "-i", server, "-m", "community.pikvm.pikvm_info")
            told = place.run("ansible", *module, "-e", f"pikvm_in_process={way}")
            if f'"version": "{sim.device.dialect.version}"' not in told:
                raise Wrong(f"pikvm_info does not tell the version:\n{told}")
        done = place.run("ansible", "playbook", "community.pikvm.reinstall", "-i", server, "--check")
        if "failed=0" not in done or not sim.requests or sim.writes:
            raise Wrong(f"The playbook did not get through, or wrote:\n{done}")


def check(folder: Path) -> None:
    tarball = build(folder)
    print(f"{tarball.name}: {check_contents(tarball)} files, each in git")
    place = Place(folder)
    place.check_watched()
    place.run("ansible", "galaxy", "collection", "install", "--offline", str(tarball))
    subprocess.run([sys.executable, "-m", "reuse", "--root", str(place.installed), "lint", "--quiet"], check=True)
    print("Installed with ansible-core and requests alone; each file has its licence")
    use(place)
    place.check_untouched()
    print("A module and the playbook run there, and open nothing of the clone")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="install-") as folder:
        try:
            check(Path(folder).resolve())
        except (Wrong, subprocess.CalledProcessError) as exc:
            print(exc)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
