# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many examples hypothesis tries: few and always the same ones in `make test`, many and new ones in `make fuzz`."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, configuration, settings

FOLDER = Path(__file__).resolve().parents[3] / ".cache" / "hypothesis"
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

configuration.set_hypothesis_home_dir(str(FOLDER))
settings.register_profile(
    "few", max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=SLOW
)
settings.register_profile("many", max_examples=4000, deadline=None, print_blob=True, suppress_health_check=SLOW)
settings.load_profile(os.environ.get("ATTACK_PROFILE", "few"))
