# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines about a transfer: what they say, and how often."""

from __future__ import annotations

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._progress import EVERY, Progress, line

MIB = 1024 * 1024
GIB = 1024 * MIB


@pytest.mark.parametrize(
    ("done", "total", "rate", "words"),
    [
        (1.2 * GIB, 3.9 * GIB, 48.1 * MIB, "a.iso: 1.2 GiB of 3.9 GiB (30 %), 48.1 MiB/s, 57 s left"),
        (0, 700 * MIB, 0, "a.iso: 0 bytes of 700 MiB (0 %), 0 bytes/s"),
        (300 * MIB, 700 * MIB, MIB, "a.iso: 300 MiB of 700 MiB (42 %), 1.0 MiB/s, 6 min 40 s left"),
        (0, 36 * GIB, 5 * MIB, "a.iso: 0 bytes of 36.0 GiB (0 %), 5.0 MiB/s, 2 h 02 min left"),
        (99.96 * MIB, 100 * MIB, MIB, "a.iso: 100.0 MiB of 100 MiB (99 %), 1.0 MiB/s, 0 s left"),
        (5 * MIB, 0, MIB, "a.iso: 5.0 MiB, 1.0 MiB/s"),
    ],
)
def test_line(done: float, total: float, rate: float, words: str) -> None:
    assert line("a.iso", int(done), int(total), rate) == words


def test_lines_come_now_and_then_and_tell_the_rate_since_the_last() -> None:
    now = 100.0
    said: list[str] = []
    progress = Progress("a.iso", said.append, lambda: now)
    for tenths in range(1, 130):
        now = 100.0 + tenths / 10
        progress(MIB * min(tenths, 50) + 2 * MIB * max(0, tenths - 50), 1000 * MIB)
    assert said == [
        "a.iso: 50.0 MiB of 1000 MiB (5 %), 10.0 MiB/s, 1 min 35 s left",
        "a.iso: 150 MiB of 1000 MiB (15 %), 20.0 MiB/s, 42 s left",
    ]


def test_transfer_that_begins_anew_does_not_run_back() -> None:
    now = 0.0
    said: list[str] = []
    progress = Progress("a.iso", said.append, lambda: now)
    for done in (50, 10):
        now += EVERY
        progress(done * MIB, 100 * MIB)
    assert said[1] == "a.iso: 10.0 MiB of 100 MiB (10 %), 0 bytes/s"
