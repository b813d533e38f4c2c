# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run make targets side by side, time them, and say plainly how it went.

    run_steps.py --jobs 2 --logs .cache/steps unit=.cache/pytest.xml sanity lint

Every step is run, also when one has failed. A step that names a JUnit file counts as many times as it holds tests;
any other step counts once. The last line, which the file `summary` among the logs repeats, is `N passed, N failed`;
the exit status is 0 only when nothing failed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn


@dataclass(frozen=True)
class Step:
    """A make target, and the JUnit file it writes if it writes one."""

    name: str
    junit: Path | None

    @classmethod
    def parse(cls, text: str) -> Step:
        name, *junit = text.split("=", 1)
        return cls(name, Path(junit[0]) if junit else None)


@dataclass(frozen=True)
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


@dataclass(frozen=True)
class Result:
    step: Step
    status: int
    seconds: float
    log: Path
    counts: Counts


@dataclass
class Runner:
    """Starts steps in process groups of their own, so that none outlives its time or this program."""

    make: str
    logs: Path
    timeout: float
    running: set[int] = field(default_factory=set)

    def run(self, step: Step) -> Result:
        """Run one step to its end, or for `timeout` seconds, with its output in a log file."""
        say(f"      {step.name}: started")
        if step.junit:
            step.junit.unlink(missing_ok=True)
        log = self.logs / f"{step.name}.log"
        begin = time.monotonic()
        with log.open("wb") as output:
            status = self._wait(step, output.fileno())
        counts, doubt = count(step, status)
        if doubt:
            with log.open("a", encoding="utf-8") as output:
                output.write(f"{doubt}\n")
        return Result(step, status, time.monotonic() - begin, log, counts)

    def _wait(self, step: Step, output: int) -> int:
        environ = {key: value for key, value in os.environ.items() if key not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
        environ["NO_COLOR"] = "1"
        process = subprocess.Popen(
            [self.make, "--no-print-directory", step.name],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environ,
            start_new_session=True,
        )
        self.running.add(process.pid)
        try:
            return process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            os.write(output, f"\nStopped: not done after {self.timeout:g} s\n".encode())
            return 124
        finally:
            self._end(process.pid)
            process.wait()

    def _end(self, group: int) -> None:
        self.running.discard(group)
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def end_all(self) -> None:
        for group in tuple(self.running):
            self._end(group)


def count(step: Step, status: int) -> tuple[Counts, str]:
    """What a finished step adds to the total, and what its own output may not say.

    A step that failed adds at least one failure, and so does one that leaves no report of a test that passed.
    """
    if step.junit is None:
        return (Counts(failed=1), f"Exit status {status}") if status else (Counts(passed=1), "")
    try:
        counts = read_junit(step.junit)
    except (OSError, ET.ParseError) as exc:
        return Counts(failed=1), f"No report of the tests: {exc}"
    if counts.failed == 0 and status:
        return counts + Counts(failed=1), f"Exit status {status}, though no test failed"
    if counts.failed == 0 and counts.passed == 0:
        return counts + Counts(failed=1), f"{step.junit} tells of no test"
    return counts, ""


def read_junit(path: Path) -> Counts:
    """Count the test cases of a JUnit file, each once."""
    total = Counts()
    for case in ET.parse(path).getroot().iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            total += Counts(failed=1)
        elif "skipped" in kinds:
            total += Counts(skipped=1)
        else:
            total += Counts(passed=1)
    return total


def reasons(path: Path) -> list[str]:
    """Why tests of a JUnit file were skipped, each reason once."""
    found = [skipped.get("message", "") for skipped in ET.parse(path).getroot().iter("skipped")]
    return list(dict.fromkeys(found))


def say(text: str) -> None:
    """Print whole lines at once: steps end while others start."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def report(result: Result) -> None:
    """Say that a step has ended, and why it skipped what it skipped; show the whole log of one that failed."""
    verdict = "FAIL" if result.counts.failed else "ok"
    say(f"{verdict:<5} {result.step.name}: {result.counts}, {result.seconds:.1f} s")
    if result.counts.skipped and result.step.junit:
        say("\n".join(f"      skipped: {reason}" for reason in reasons(result.step.junit)))
    if result.counts.failed:
        text = result.log.read_text(encoding="utf-8", errors="replace").rstrip()
        say(f"----- {result.step.name}\n{text}\n----- end of {result.step.name}")


def print_table(results: list[Result], seconds: float) -> None:
    width = max(len(result.step.name) for result in results)
    print(f"\n{'step':<{width}}  {'seconds':>7}  result")
    for result in results:
        print(f"{result.step.name:<{width}}  {result.seconds:>7.1f}  {result.counts}")
    print(f"{'all':<{width}}  {seconds:>7.1f}\n")


def run_all(runner: Runner, steps: list[Step], jobs: int) -> list[Result]:
    """Run the steps, `jobs` at a time, begun in the given order; results come in that order too."""
    done: dict[Step, Result] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            pending: list[Future[Result]] = [pool.submit(runner.run, step) for step in steps]
            for future in as_completed(pending):
                result = future.result()
                done[result.step] = result
                report(result)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            runner.end_all()
            raise
    return [done[step] for step in steps]


def stop(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run make targets side by side, time them and count them.")
    parser.add_argument("--jobs", type=int, default=2, help="steps at a time (default %(default)s)")
    parser.add_argument("--logs", type=Path, required=True, help="folder for one log file per step")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds one step may take (default %(default)s)")
    parser.add_argument("steps", nargs="+", type=Step.parse, metavar="TARGET[=JUNIT]")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    options.logs.mkdir(parents=True, exist_ok=True)
    runner = Runner(os.environ.get("MAKE", "make"), options.logs, options.timeout)
    begin = time.monotonic()
    results = run_all(runner, options.steps, options.jobs)
    print_table(results, time.monotonic() - begin)
    total = sum((result.counts for result in results), Counts())
    summary = f"{total.passed} passed, {total.failed} failed"
    (options.logs / "summary").write_text(f"{summary}\n", encoding="utf-8")
    print(summary, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
