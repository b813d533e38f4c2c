# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the event source is told in a rulebook and in the environment, and what it says where it cannot begin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.ansible import connection
from tests.support.expect import Start
from tests.support.source import LISTENER, PLUGIN, Source, fail

SECRET = "geheim"


def test_connection_comes_from_the_environment(simulator: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = simulator(password=SECRET)
    for name, value in {**connection(sim, password=SECRET), "timeout": "5"}.items():
        monkeypatch.setenv(f"PIKVM_{name.upper()}", str(value))
    with Source({"filter": ["connection"]}) as source:
        assert source.next()["state"]["status"] == "established"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "url: is missing: the address of the PiKVM"),
        ({"url": "https://admin:geheim@pikvm"}, "url: holds credentials; use username and password for them"),
        ({"url": "pikvm", "passwort": SECRET}, "passwort: there is no such option here; there are: auth_token, ca"),
        ({"url": "pikvm", "password": [SECRET]}, "password: must be text. What a template turns into something else"),
        ({"url": "pikvm", "password": f"{SECRET}\n"}, "password: holds a character outside printable ASCII"),
        ({"url": "pikvm", "totp_secret": SECRET}, "totp_secret: is the second factor of password, which is not set"),
        ({"url": "pikvm", "validate_certs": SECRET}, "validate_certs: must be true or false"),
        ({"url": "pikvm", "timeout": "soon"}, "timeout: must be a number of seconds"),
        ({"url": "pikvm", "timeout": 0}, "timeout: must be more than 0 and at most 86400 seconds"),
        ({"url": "pikvm", "tls_fingerprint": "00"}, "tls_fingerprint: is not a SHA-256 fingerprint"),
        ({"url": "pikvm", "ca_path": "/nowhere"}, "ca_path: cannot use /nowhere: No such file or directory"),
        ({"url": "pikvm", "filter": "atx"}, "filter: must be a list"),
        ({"url": "pikvm", "filter": ["power.led"]}, "filter: 'power.led' does not begin with a kind of event; there"),
        ({"url": "pikvm", "initial": "perhaps"}, "initial: must be true or false"),
        ({"devices": []}, "devices: is an empty list: there is nothing to listen to"),
        ({"devices": "pikvm"}, "devices: must be a list"),
        ({"devices": ["pikvm"]}, "devices[0]: must be a dictionary with url, and what else differs from the others"),
        ({"devices": [{"url": "pikvm"}], "url": "other"}, "url: stands in each of the devices, and not beside them"),
        ({"devices": [{"url": "pikvm"}, {"name": "a"}]}, "devices[1].url: is missing: the address of the PiKVM"),
        ({"devices": [{"url": "pikvm", "filter": []}]}, "devices[0].filter: there is no such option here; there are: "),
        ({"devices": [{"url": "a"}, {"url": "https://a/"}]}, "devices[1].name: a is the name of another device, too"),
    ],
)
def test_option_that_cannot_be_used_is_named(args: dict[str, Any], message: str) -> None:
    exc = fail(args)
    assert type(exc).__name__ == "OptionError"
    assert str(exc).startswith(message)
    assert SECRET not in str(exc)


def test_address_in_the_environment_is_not_for_a_whole_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIKVM_URL", "pikvm")
    assert str(fail({"devices": [{"name": "a"}]})) == "devices[0].url: is missing: the address of the PiKVM"


def test_value_in_the_environment_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIKVM_TIMEOUT", "soon")
    assert str(fail({"devices": [{"url": "a"}]})) == "PIKVM_TIMEOUT: must be a number of seconds"


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fail({})
    monkeypatch.setattr(sys.modules[LISTENER], "WEBSOCKETS_IMPORT_ERROR", "No module named 'websockets'")
    assert str(fail({"url": "pikvm"})) == "the Python library websockets is missing"


def test_source_outside_of_its_collection_says_so(tmp_path: Path) -> None:
    alone = tmp_path / "a" / "b" / "c" / "d" / "events.py"
    alone.parent.mkdir(parents=True)
    alone.write_bytes(PLUGIN.read_bytes())
    finished = subprocess.run(
        [sys.executable, str(alone)], capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path
    )
    assert finished.returncode == 1
    assert "events.py works only inside of its collection: there is no " in finished.stderr
