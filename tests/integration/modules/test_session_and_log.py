# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions, and what the log of a PiKVM tells."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, task
from tests.support.device import NEWEST
from tests.support.expect import Refusal, Start, check_refusals, fault

SESSION, LOG, INFO = "pikvm_session", "pikvm_log_info", "pikvm_info"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
TOKEN = "{{ session.auth_token }}"
QUICK = {"gather_subset": ["atx"]}


def test_session_is_usable_and_stays_out_of_sight(ansible: Ansible, simulator: Start) -> None:
    rows = [
        check(SESSION),
        task(SESSION, {"register": "session"}, expire=600),
        task(INFO, auth_token=TOKEN, **QUICK),
        check(SESSION, state="absent", auth_token=TOKEN),
        task(SESSION, state="absent", auth_token=TOKEN),
        task(SESSION, state="absent", auth_token=TOKEN),
        task(INFO, auth_token=TOKEN, **QUICK),
    ]
    sims = {kvmd: simulator(kvmd=kvmd, totp_secret=SECRET) for kvmd in ("4.197", "4.20")}
    tokens: list[str] = []
    for sim in sims.values():
        login = sim.device.sessions.login

        def noted(user: str, expire: int, login: Any = login) -> str:
            tokens.append(login(user, expire))
            return tokens[-1]

        sim.device.sessions.login = noted  # type: ignore[method-assign]
    hosts = {f"kvmd_{kvmd}": Host(sim, rows, {"totp_secret": SECRET}) for kvmd, sim in sims.items()}
    played = ansible.play(hosts, ("-vvvv", "--diff"))
    assert len(tokens) == 2
    assert [token for token in tokens if token in played.output + played.lines] == []
    for outcomes in played.hosts.values():
        foretold, opened, used, leaving, left, gone, refused = outcomes
        assert [outcome.msg for outcome in outcomes[:-1] if not outcome.ok] == []
        assert (foretold.changed, foretold["auth_token"], foretold.writes) == (True, None, [])
        assert (opened.writes, used.ok) == (["auth/login"], True)
        assert (leaving.changed, leaving.writes) == (True, [])
        assert (left.changed, left.writes) == (True, ["auth/logout"])
        assert (gone.changed, gone.writes) == (False, [])
        assert refused["error"]["status"] == 403
        assert "The session of auth_token has ended or never was: get a new one" in refused.msg


def test_session_ends_when_it_was_told_to(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(kvmd=NEWEST)
    given: list[int] = []
    login = sim.device.sessions.login
    sim.device.sessions.login = lambda user, expire: given.append(expire) or login(user, expire)  # type: ignore[method-assign,func-returns-value]
    ansible.run(sim, task(SESSION), task(SESSION, expire=0))
    assert given == [3600, 0]


def test_log_is_read_and_sifted(ansible: Ansible, sim: Simulator) -> None:
    for organ, message in (("streamer", "Started"), ("auth", "Error: \x1b[31mred\x07"), ("kvmd", "Finished")):
        sim.call(sim.device.log.write, organ, message)
    everything, errors, ours, theirs = ansible.run(
        sim,
        task(LOG, since=60),
        task(LOG, pattern="(?i)ERROR"),
        task(LOG, services=["kvmd"]),
        task(LOG, services=["kvmd-nginx"]),
    )
    lines = everything["lines"]
    assert [line.rsplit(" ", 1)[-1] for line in lines if "Started" in line or "Finished" in line] == [
        "Started",
        "Finished",
    ]
    assert not [line for line in lines if not line.isprintable()]
    (error,) = errors["lines"]
    assert error.endswith("Error: ?[31mred?")
    assert len(ours["lines"]) >= len(lines)
    assert theirs["lines"] == []
    assert everything.requests[0].query == {"seek": "60"}
    assert not [outcome for outcome in (everything, errors, ours, theirs) if outcome.changed or outcome.writes]


REFUSALS = {
    "logout without a session": Refusal(
        task(SESSION, state="absent"), "^auth_token: is needed: it says which session is to end$"
    ),
    "login with a session": Refusal(
        task(SESSION, auth_token="a" * 64), "^auth_token: is a session already; a login needs username and password$"
    ),
    "negative time": Refusal(task(SESSION, expire=-1), "^expire: must be 0 or more seconds$"),
    "wrong password": Refusal(
        task(SESSION), "Wrong user name or password", connection={"password": "wrong"}, error=(403, "ForbiddenError")
    ),
    "wrong password, foretold": Refusal(
        check(SESSION), "Wrong user name or password", connection={"password": "wrong"}, error=(403, "ForbiddenError")
    ),
    "authentication switched off": Refusal(
        task(SESSION),
        "^POST /api/auth/login was answered 200 without a session: is authentication switched off",
        device={"auth": False},
    ),
    "logout that is not carried out": Refusal(
        task(SESSION, state="absent", auth_token="b" * 64),
        "^The PiKVM answered the logout with 200, but the session goes on$",
        fault("ignore_write"),
        {"auth": False},
    ),
    "bad pattern": Refusal(task(LOG, pattern="("), r"^pattern: '\(' is not a regular expression: "),
    "negative look back": Refusal(task(LOG, since=-5), "^since: must be 0 or more seconds$"),
}


def test_refusals(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    check_refusals(ansible, simulator, subtests, REFUSALS)
