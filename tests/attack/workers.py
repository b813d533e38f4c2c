# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many runs at the same time, in processes of their own: nearly all of a run is waiting."""

from __future__ import annotations

import faulthandler
import multiprocessing
import queue
from collections.abc import Iterator

from tests.support.web import library

from .campaign import Attack, Run, planned

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
