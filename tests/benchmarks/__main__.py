# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benchmarks and print their tables. Ratios are of numbers from the same run.

python -m tests.benchmarks [tasks|upload|images|info|reinstall ...] [--save]
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ansible.release import __version__ as core

from . import images, scale, tasks, upload
from .table import Table

DESCRIPTION = "Run the benchmarks and print their tables."
RESULTS = Path(__file__).with_name("RESULTS.md")
BENCHMARKS: dict[str, Callable[[], Table]] = {
    "tasks": tasks.tasks,
    "upload": upload.table,
    "images": images.images,
    "info": scale.info,
    "reinstall": scale.reinstall,
}
FOREWORD = """\
<!--
Copyright (c) 2026, community.pikvm contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# What `make bench` has printed
"""


def surroundings() -> str:
    """What the numbers depend on."""
    versions = f"Python {platform.python_version()}, ansible-core {core}"
    return f"{versions}, {os.cpu_count()} processors; the simulated PiKVMs run on the same machine."


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=DESCRIPTION)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)} (all)")
    parser.add_argument("--save", action="store_true", help=f"write the tables to {RESULTS.name}")
    args = parser.parse_args()
    unknown = set(args.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    begin = time.monotonic()
    printed = [surroundings()]
    print(printed[0], flush=True)
    met = True
    for name in args.names or BENCHMARKS:
        table = BENCHMARKS[name]()
        printed.append(str(table))
        print(f"\n{table}", flush=True)
        met = met and table.met
    print(f"\n{time.monotonic() - begin:.0f} s in all")
    if args.save:
        RESULTS.write_text("\n\n".join([FOREWORD.rstrip("\n"), *printed]) + "\n", encoding="utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
