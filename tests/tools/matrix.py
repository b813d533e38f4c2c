# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests with every ansible-core and Python that are supported, and print a table of what came of it.

    python -m tests.tools.matrix [--core 2.16] [--python 3.12] [--kvmd 4.20] [--only modules] [--quick] [--corners]

Each row is an ansible-core and a Python. Where that ansible-core runs on that Python, Ansible does; where it only sends
modules to it, Ansible runs on the newest Python at hand and sends every module there. The rows with an older kvmd let
all simulated PiKVMs speak as that. What cannot be run here is skipped, and the table says why.

Virtual environments and logs are kept in `.cache/matrix`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.simulator.dialect import RECORDED
from tests.tools.ansible_test import ROOT, copy_in, interpreters
from tests.tools.run_steps import Counts, read_junit

CACHE = ROOT / ".cache" / "matrix"
REQUIREMENTS = ROOT / "tests" / "requirements"
COLUMNS = ("sanity", "units", "modules")
TIMEOUT = 3600
TESTS_NEED = 11
"""The oldest minor version of Python on which the simulator and the tests run."""

NEEDED = (
    "aiohttp",
    "asyncssh",
    "cryptography",
    "jsonschema",
    "pillow",
    "pip",
    "pyotp",
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
    "qemu.qmp",
    "requests",
    "websockets",
)
LOOSE = ("ansible-core", "resolvelib")
"""What is pinned for one ansible-core only."""
RESOLVER = "resolvelib<1.1"
"""The one that every ansible-core is content with."""


@dataclass(frozen=True)
class Core:
    """A release of ansible-core, and the minor versions of Python 3 that it runs on and sends modules to."""

    release: str
    runs_on: range
    sends_to: range
    sanity: tuple[str, ...] = ()
    """Options for its sanity tests."""


CORES = (
    Core("2.16.19", range(10, 13), range(9, 13)),
    Core("2.17.14", range(10, 13), range(9, 13)),
    Core("2.18.19", range(11, 14), range(9, 14)),
    Core("2.19.14", range(11, 14), range(9, 14)),
    Core("2.20.10", range(12, 15), range(9, 15)),
    Core("2.21.5", range(12, 15), range(9, 15)),
    # Its pylint would be fetched from a forge.
    Core("2.22.0rc1", range(13, 16), range(9, 16), ("--skip-test", "pylint")),
)
NEWEST_STABLE = CORES[-2]
EACH_ONCE = ("tests/integration/modules/test_dialects.py", "-k", RECORDED[0])
"""Each module once."""


class Skip(Exception):
    """Something cannot be run here; the words say why."""


@dataclass(frozen=True)
class Cell:
    """One thing to run: a column of a row."""

    core: Core
    minor: int
    column: str
    kvmd: str = RECORDED[0]
    tests: tuple[str, ...] = ("tests/integration/modules", "tests/integration/role")
    runs_on: int | None = None
    """The Python that Ansible runs on, where it is not that one or the newest."""

    @property
    def row(self) -> tuple[str, str, str]:
        return self.core.release, f"3.{self.minor}", self.kvmd

    @property
    def name(self) -> str:
        return "-".join((*self.row, self.column))


@dataclass(frozen=True)
class Outcome:
    cell: Cell
    counts: Counts
    seconds: float
    skipped: str = ""

    def __str__(self) -> str:
        return f"skipped: {self.skipped}" if self.skipped else f"{self.counts}, {self.seconds:.0f} s"


class Pythons:
    """The interpreters at hand, and the virtual environments made from them."""

    def __init__(self) -> None:
        self._found = {int(name.removeprefix("3.")): path for name, path in interpreters().items()}

    def require(self, minor: int) -> Path:
        """Raises Skip where there is none."""
        if minor not in self._found:
            raise Skip(f"no Python 3.{minor} here")
        return self._found[minor]

    def controllers(self, core: Core) -> list[int]:
        """Those on which this ansible-core and the tests run, the newest last."""
        return sorted(minor for minor in self._found if minor in core.runs_on and minor >= TESTS_NEED)

    def require_controller(self, core: Core) -> int:
        """The newest of them. Raises Skip where there is none."""
        able = self.controllers(core)
        if not able:
            raise Skip(f"no Python here that runs ansible-core {core.release} and the tests")
        return able[-1]

    def controller(self, core: Core, minor: int) -> Path:
        """The Python of an environment with that ansible-core."""
        name, wanted = f"{core.release}-3.{minor}", [f"ansible-core=={core.release}", RESOLVER]
        if minor == sys.version_info.minor:
            return self._environment(name, minor, [*wanted, "--no-deps"], borrows=True)
        return self._environment(name, minor, [*wanted, *NEEDED, "-c", str(_constraints(minor))])

    def target(self, minor: int) -> Path:
        """The Python of an environment that modules are sent to."""
        return self._environment(f"target-3.{minor}", minor, ["--no-deps", "-r", str(REQUIREMENTS / "target.txt")])

    def _environment(self, name: str, minor: int, install: list[str], borrows: bool = False) -> Path:
        """Made once. One that borrows has the packages of the tests' own environment behind what is installed here."""
        base = self.require(minor)
        folder = CACHE / name
        python, stamp = folder / "bin" / "python", folder / "stamp"
        sources = [Path(word).read_bytes() for word in install if word.endswith(".txt")]
        key = hashlib.sha256(b"\0".join([" ".join(install).encode(), *sources])).hexdigest()
        if not (stamp.exists() and stamp.read_text(encoding="utf-8") == key and python.exists()):
            log = CACHE / "logs" / f"{name}.log"
            log.unlink(missing_ok=True)
            _run([str(base), "-m", "venv", "--clear", *(["--without-pip"] if borrows else []), str(folder)], log)
            pip = [sys.executable, "-m", "pip", "--python", str(python)] if borrows else [str(python), "-m", "pip"]
            _run([*pip, "install", "-qq", "--no-compile", *install], log)
            if borrows:
                site = next((folder / "lib").glob("python*/site-packages"))
                (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
            else:
                _run([*pip, "check"], log)
            stamp.write_text(key, encoding="utf-8")
        return python


def _constraints(minor: int) -> Path:
    """The pins of the tests' own environment, but for what each ansible-core wants differently."""
    lines = [line for name in ("runtime", "test") for line in (REQUIREMENTS / f"{name}.txt").read_text().splitlines()]
    pins = [line for line in lines if "==" in line and line.split("==")[0] not in LOOSE]
    path = CACHE / f"constraints-3.{minor}.txt"
    path.write_text("\n".join([*pins, ""]), encoding="utf-8")
    return path


def _run(command: list[str], log: Path, environ: dict[str, str] | None = None) -> int:
    """A command's exit status; its output goes into a log. Raises CalledProcessError where `environ` is not given."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab" if environ is None else "wb") as output:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
            check=environ is None,
        ).returncode


def run_sanity(cell: Cell, pythons: Pythons, log: Path) -> Counts:
    """Once for each ansible-core."""
    python = pythons.controller(cell.core, pythons.require_controller(cell.core))
    status = _ansible_test(python, cell, log, "sanity", *cell.core.sanity)
    tests = len(re.findall(r"^Running sanity test '", log.read_text(encoding="utf-8"), re.MULTILINE))
    return Counts(failed=1) if status or not tests else Counts(passed=tests)


def run_units(cell: Cell, pythons: Pythons, log: Path) -> Counts:
    """The unit tests that run on every Python that modules run on."""
    pythons.require(cell.minor)
    python = pythons.controller(cell.core, pythons.require_controller(cell.core))
    status = _ansible_test(python, cell, log, "units", "--venv", "--python", f"3.{cell.minor}")
    results = copy_in(CACHE / cell.core.release) / "tests" / "output" / "junit"
    counts = sum(map(read_junit, results.glob(f"python3.{cell.minor}-*.xml")), Counts())
    return counts if counts.failed or (counts.passed and not status) else counts + Counts(failed=1)


def _ansible_test(python: Path, cell: Cell, log: Path, *words: str) -> int:
    cache = CACHE / cell.core.release
    command = [str(python), str(ROOT / "tests" / "tools" / "ansible_test.py"), "--cache", str(cache), *words]
    return _run(command, log, _environ(python))


def run_modules(cell: Cell, pythons: Pythons, log: Path) -> Counts:
    """Modules and roles, run by real Ansible against simulated PiKVMs."""
    pythons.require(cell.minor)
    environ, minor = {}, cell.runs_on or cell.minor
    if minor not in pythons.controllers(cell.core):
        minor = pythons.require_controller(cell.core)
    if minor != cell.minor:
        environ = {"MODULES_PYTHON": str(pythons.target(cell.minor))}
    python = pythons.controller(cell.core, minor)
    junit = log.with_suffix(".xml")
    junit.unlink(missing_ok=True)
    command = [str(python), "-m", "pytest", *cell.tests, "--kvmd", cell.kvmd, "-m", "not faults"]
    workers = [] if cell.tests == EACH_ONCE else ["-n", "2", "--dist", "loadgroup"]
    status = _run([*command, *workers, f"--junit-xml={junit}"], log, {**_environ(python), **environ})
    counts = read_junit(junit) if junit.exists() else Counts()
    return counts if counts.failed or (counts.passed and not status) else counts + Counts(failed=1)


def _environ(python: Path) -> dict[str, str]:
    return {**os.environ, "PATH": os.pathsep.join([str(python.parent), os.environ["PATH"]])}


RUNNERS: dict[str, Callable[[Cell, Pythons, Path], Counts]] = {
    "sanity": run_sanity,
    "units": run_units,
    "modules": run_modules,
}


def run(cell: Cell, pythons: Pythons) -> Outcome:
    """Run one cell; where it fails, show the end of its log."""
    begin = time.monotonic()
    log = CACHE / "logs" / f"{cell.name}.log"
    try:
        counts = RUNNERS[cell.column](cell, pythons, log)
    except Skip as exc:
        return Outcome(cell, Counts(skipped=1), 0.0, str(exc))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as exc:
        print(f"{cell.name}: {exc}", flush=True)
        counts = Counts(failed=1)
    if counts.failed and log.exists():
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-60:]
        print(f"----- the end of {log}", *tail, "-----", sep="\n", flush=True)
    return Outcome(cell, counts, time.monotonic() - begin)


def cells(pythons: Pythons) -> list[Cell]:
    """The whole matrix, row by row."""
    found = []
    for core in CORES:
        for minor in sorted(set(core.sends_to)):
            columns = COLUMNS if minor == max(pythons.controllers(core), default=minor) else COLUMNS[1:]
            found += [Cell(core, minor, column) for column in columns]
    minor = max(pythons.controllers(NEWEST_STABLE), default=max(NEWEST_STABLE.runs_on))
    return found + [Cell(NEWEST_STABLE, minor, "modules", kvmd) for kvmd in RECORDED[1:]]


def corners(pythons: Pythons) -> list[Cell]:
    """The oldest ansible-core, and the oldest Python that modules run on: each module once."""
    core = CORES[0]
    able = pythons.controllers(core) or [max(core.runs_on)]
    minor = sys.version_info.minor if sys.version_info.minor in able else able[-1]
    return [
        Cell(core, minor, "modules", tests=EACH_ONCE),
        Cell(core, min(core.sends_to), "modules", tests=EACH_ONCE, runs_on=minor),
    ]


def chosen(options: argparse.Namespace, pythons: Pythons) -> list[Cell]:
    """What the options leave of the matrix."""
    able = corners(pythons) if options.corners else cells(pythons)
    if options.quick:
        able = [replace(cell, tests=EACH_ONCE) if cell.kvmd == RECORDED[0] else cell for cell in able]

    def wanted(cell: Cell) -> bool:
        core, python, kvmd = cell.row
        return (
            (not options.core or any(f"{core}.".startswith(f"{part}.") for part in options.core))
            and python in (options.python or [python])
            and kvmd in (options.kvmd or [kvmd])
            and cell.column in (options.only or [cell.column])
        )

    return [cell for cell in able if wanted(cell)]


def print_table(outcomes: Iterable[Outcome]) -> None:
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for outcome in outcomes:
        rows.setdefault(outcome.cell.row, {})[outcome.cell.column] = str(outcome)
    heads = ("ansible-core", "Python", "kvmd", *COLUMNS)
    lines = [heads, *((*row, *(found.get(column, "-") for column in COLUMNS)) for row, found in rows.items())]
    widths = [max(len(line[index]) for line in lines) for index in range(len(heads))]
    for line in lines:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())


def write_junit(outcomes: Iterable[Outcome], path: Path) -> None:
    """A test case for each cell."""
    suite = ET.Element("testsuite", name="matrix")
    for outcome in outcomes:
        core, python, kvmd = outcome.cell.row
        name = f"{outcome.cell.column} with ansible-core {core}, Python {python}, kvmd {kvmd}"
        case = ET.SubElement(suite, "testcase", classname="matrix", name=name, time=f"{outcome.seconds:.1f}")
        if outcome.skipped:
            ET.SubElement(case, "skipped", message=outcome.skipped)
        elif outcome.counts.failed:
            ET.SubElement(case, "failure", message=str(outcome.counts))
    ET.ElementTree(suite).write(path, encoding="unicode")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the tests with every supported ansible-core and Python.")
    parser.add_argument("--core", action="append", help="only this ansible-core, such as 2.16")
    parser.add_argument("--python", action="append", help="only this Python, such as 3.12")
    parser.add_argument("--kvmd", action="append", choices=RECORDED, help="only this kvmd")
    parser.add_argument("--only", action="append", choices=COLUMNS, help="only this column")
    parser.add_argument("--quick", action="store_true", help="each module once, not all tests of modules and roles")
    parser.add_argument("--corners", action="store_true", help="the oldest of everything, each module once")
    options = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    pythons = Pythons()
    outcomes = []
    for cell in chosen(options, pythons):
        outcomes.append(run(cell, pythons))
        print(f"{cell.name}: {outcomes[-1]}", flush=True)
    if not outcomes:
        print("There is no such corner of the matrix")
        return 2
    print()
    print_table(outcomes)
    write_junit(outcomes, CACHE / "matrix.xml")
    return 1 if any(outcome.counts.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
