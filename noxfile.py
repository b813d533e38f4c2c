# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["nox==2026.10.20", "antsibull-nox==1.10.0"]
# ///
"""Nox sessions for whoever hosts the collection on a forge: `make nox` runs them here, `nox --list` names them."""

from __future__ import annotations

import shutil

import antsibull_nox
import nox

CORES = ("2.16", "2.17", "2.18", "2.19", "2.20", "2.21")
"""Those of the test matrix that have been released."""


def forget_links() -> None:
    """What ansible-test leaves there cannot be copied back."""
    shutil.rmtree("tests/output/.tmp", ignore_errors=True)


antsibull_nox.load_antsibull_nox_toml()

for core in CORES:
    for tests, params in (("sanity", ["sanity"]), ("units", ["units", "--venv", "--python", "default"])):
        antsibull_nox.add_ansible_test_session(
            name=f"ansible-test-{tests}-{core}",
            description=f"Run ansible-test {tests} with ansible-core {core}, without containers",
            ansible_test_params=params,
            default=False,
            ansible_core_version=core,
            ansible_core_source="pypi",
            register_name=tests,
            callback_after=forget_links,
        )

if __name__ == "__main__":
    nox.main()
