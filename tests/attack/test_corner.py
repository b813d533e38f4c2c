# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A corner of the attack: each module a few times, always the same way. `make fuzz` does the rest."""

from __future__ import annotations

import pytest

from .cases import CASES
from .workers import attacks

EXCHANGES = 4
"""For each case, at least."""


@pytest.mark.timeout(100)
@pytest.mark.parametrize("module", sorted({case.module for case in CASES.values()}))
def test_modules_neither_break_nor_lie(module: str) -> None:
    names = [name for name, case in CASES.items() if case.module == module]
    for run in attacks(0, f"corner of {module}", names, EXCHANGES * len(names)):
        assert run.wrong == [], run.report()
