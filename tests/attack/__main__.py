# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run modules under attack until so many exchanges are spoiled or let through, and print what is forbidden.

python -m tests.attack [--exchanges N] [--seed S] [--case NAME ...] [--jobs N]
python -m tests.attack --replay RUN ...
"""

from __future__ import annotations

import argparse
import faulthandler
import multiprocessing
import queue
import sys
import time
from collections import Counter
from collections.abc import Iterator

from tests.support.web import library

from .campaign import Attack, Run, planned
from .cases import CASES

JOBS = 12
"""Processes: nearly all of a run is waiting."""


STUCK = 60.0
"""Seconds after which the tool itself must be stuck."""


def attacks(job: int, seed: str, names: list[str], share: int) -> Iterator[Run]:
    """Runs until they add up to a share of exchanges."""
    with library() as address, Attack(address) as attack:
        number = exchanges = 0
        while exchanges < share:
            run = planned(f"{seed}.{job}.{number}", names)
            faulthandler.dump_traceback_later(run.bound + STUCK, exit=True)
            attack.run(run)
            faulthandler.cancel_dump_traceback_later()
            number += 1
            exchanges += run.exchanges
            yield run


def replay(seeds: list[str], names: list[str]) -> Iterator[Run]:
    with library() as address, Attack(address) as attack:
        for seed in seeds:
            yield attack.run(planned(seed, names))


def _work(job: int, seed: str, names: list[str], share: int, found: multiprocessing.Queue[Run]) -> None:
    for run in attacks(job, seed, names, share):
        found.put(run)


def campaign(seed: str, names: list[str], exchanges: int, jobs: int) -> Iterator[Run]:
    """Runs of several processes as they end.

    Raises:
        RuntimeError: a process has died.
    """
    context = multiprocessing.get_context("spawn")
    found: multiprocessing.Queue[Run] = context.Queue()
    share = -(-exchanges // jobs)
    workers = [context.Process(target=_work, args=(job, seed, names, share, found)) for job in range(jobs)]
    for worker in workers:
        worker.start()
    while True:
        working = any(worker.is_alive() for worker in workers)
        try:
            yield found.get(timeout=1.0)
        except queue.Empty:
            if not working:
                break
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a process has died, what it said stands above")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--exchanges", type=int, default=20_000, help="HTTP exchanges in all (%(default)s)")
    parser.add_argument("--seed", default="1", help="what decides everything (%(default)s)")
    parser.add_argument("--case", action="append", choices=sorted(CASES), help="only this one; may be repeated")
    parser.add_argument("--jobs", type=int, default=JOBS, help="processes (%(default)s)")
    parser.add_argument("--replay", nargs="+", metavar="RUN", help="only these runs, as a failure names them")
    args = parser.parse_args()
    names = args.case or list(CASES)
    only = "".join(f" --case {name!r}" for name in args.case or ())
    start = time.monotonic()
    runs = replay(args.replay, names) if args.replay else campaign(args.seed, names, args.exchanges, args.jobs)
    count: Counter[str] = Counter()
    longest = 0.0
    for run in runs:
        count.update(runs=1, exchanges=run.exchanges, events=run.events, spoiled=len(run.spoiled), lies=run.lied)
        count.update(failed=run.failed, forbidden=bool(run.wrong))
        longest = max(longest, run.elapsed / run.bound)
        if run.wrong:
            print(f'{run.report()}\n  again: make fuzz ARGS="--replay {run.seed}{only}"\n', flush=True)
    print(
        f"{count['exchanges']} exchanges and {count['events']} events in {count['runs']} runs, {count['spoiled']} of "
        f"them spoiled; {count['failed']} runs failed as they should, {count['lies']} were lied to; the slowest took "
        f"{longest:.0%} of its time. {count['forbidden']} did what is forbidden. {time.monotonic() - start:.0f} s"
    )
    return 1 if count["forbidden"] else 0


if __name__ == "__main__":
    sys.exit(main())
