# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run modules under attack until so many exchanges are spoiled or let through, and print what is forbidden.

python -m tests.attack [--exchanges N] [--seed S] [--case NAME ...] [--jobs N]
python -m tests.attack --replay RUN ...
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from .cases import CASES
from .workers import campaign, replay

JOBS = 12


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
