# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that listen to simulated PiKVMs."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import connection
from tests.support.source import LISTENER, Source, load_source


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No option and no authority of the caller's."""
    for name in [*os.environ]:
        if name.startswith("PIKVM_") or name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name)


@pytest.fixture
def pace(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes how long sources wait: SILENCE, PONG_WITHIN, REOPEN, ASK_AGAIN."""
    load_source()

    def change(**seconds: Any) -> None:
        for name, value in seconds.items():
            monkeypatch.setattr(sys.modules[LISTENER], name, value)

    return change


@pytest.fixture
def listen() -> Iterator[Callable[..., Source]]:
    """Starts sources. Simulators by name are the devices; a single one without a name needs no list."""
    with contextlib.ExitStack() as stack:

        def start(sims: Simulator | dict[str, Simulator], *wanted: str, **options: Any) -> Source:
            if isinstance(sims, Simulator):
                args = connection(sims, **options)
            else:
                entries = [{"name": name, "url": sim.url, "ca_path": sim.ca_path} for name, sim in sims.items()]
                args = {"devices": entries, "password": "admin", **options}
            return stack.enter_context(Source({**args, **({"filter": [*wanted]} if wanted else {})}))

        yield start
