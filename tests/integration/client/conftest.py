# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of simulated PiKVMs and of servers that misbehave."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.api import Pikvm
from ansible_collections.community.pikvm.plugins.module_utils._client.transport import Connection
from tests.support.raw import RawServer, Script

ENVIRONMENT = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the caller's proxies nor the caller's authorities."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def raw() -> Iterator[Callable[..., RawServer]]:
    """Starts servers that follow a script."""
    with contextlib.ExitStack() as stack:

        def start(script: Script, **options: Any) -> RawServer:
            return stack.enter_context(RawServer(script, **options))

        yield start


@pytest.fixture
def client() -> Iterator[Callable[..., Pikvm]]:
    """Clients of anything that has a url and a ca_path; connection options may be changed."""
    with contextlib.ExitStack() as stack:

        def connect(server: Any, read_only: bool = False, **options: Any) -> Pikvm:
            values = {"password": "admin", "ca_path": server.ca_path, "timeout": 5.0, "retries": 0, **options}
            pikvm = Pikvm(Connection(**{"url": server.url, **values}), read_only)
            return stack.enter_context(contextlib.closing(pikvm))

        yield connect
