# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where connection options come from, and what a user reads when there is no connection."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.ansible import Ansible, Host, check, of_the_host, task
from tests.support.expect import Refusal, Start, check_refusals, fault
from tests.support.raw import closed_port, deaf_port
from tests.support.spoken import PASSWORD

INFO = "pikvm_info"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
QUICK = {"gather_subset": ["atx"]}


def test_options_come_from_the_environment(ansible: Ansible, simulator: Start) -> None:
    sim = simulator(totp_secret=SECRET, password="pass:word", certificate="factory")
    environment = {
        "PIKVM_URL": sim.url,
        "PIKVM_USERNAME": "admin",
        "PIKVM_PASSWORD": "pass:word",
        "PIKVM_TOTP_SECRET": SECRET,
        "PIKVM_TLS_FINGERPRINT": sim.fingerprint,
        "PIKVM_VALIDATE_CERTS": "true",
        "PIKVM_TIMEOUT": "7.5",
        "PIKVM_RETRIES": "1",
    }
    played = ansible.play({"server": Host(sim, [task(INFO, **QUICK)])}, environment=environment, defaults=False)
    (outcome,) = played.hosts["server"]
    assert outcome.ok, outcome.msg
    given = outcome["invocation"]["module_args"]
    assert (given["timeout"], given["retries"], given["validate_certs"]) == (7.5, 1, True)


def test_session_and_authority_come_from_the_environment(ansible: Ansible, sim: Simulator) -> None:
    token = sim.call(sim.device.sessions.login, "admin", 0)
    environment = {"PIKVM_URL": sim.url, "PIKVM_AUTH_TOKEN": token, "PIKVM_CA_PATH": sim.ca_path}
    played = ansible.play({"server": Host(sim, [task(INFO, **QUICK)])}, environment=environment, defaults=False)
    (outcome,) = played.hosts["server"]
    assert outcome.ok, outcome.msg
    assert token not in played.output + played.lines


def test_options_of_a_task_beat_all_others(ansible: Ansible, sim: Simulator) -> None:
    wrong = {"PIKVM_PASSWORD": "environment", "PIKVM_URL": "https://127.0.0.1:1"}
    host = Host(
        sim, [task(INFO, **QUICK, password=PASSWORD), task(INFO, **QUICK)], {"password": "defaults", "retries": 0}
    )
    right, refused = ansible.play({"server": host}, environment=wrong).hosts["server"]
    assert right.ok, right.msg
    assert refused["error"]["status"] == 403


def test_options_come_from_variables_of_the_host(ansible: Ansible, sim: Simulator) -> None:
    plain = task(INFO, {"vars": of_the_host(sim)}, **QUICK)
    (outcome,) = ansible.play({"server": Host(sim, [plain])}, defaults=False).hosts["server"]
    assert outcome.ok, outcome.msg


def test_ended_session_is_told_apart_from_a_wrong_password(ansible: Ansible, sim: Simulator) -> None:
    expired = "0" * 64
    (outcome,) = ansible.run(sim, task(INFO, **QUICK), auth_token=expired)
    assert "The session of auth_token has ended or never was: get a new one" in outcome.msg


TOTP = {"totp_secret": SECRET}
FORBIDDEN = (403, "ForbiddenError")
WRITE = task("pikvm_atx_click", button="power")


def info(**options: Any) -> dict[str, Any]:
    return task(INFO, **QUICK, **options)


def test_refused_logins(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    cases = {
        "wrong password": Refusal(
            info(),
            r"^GET /api/atx was answered 403 ForbiddenError: Forbidden\. Wrong user name or password for user admin; "
            r"or two-factor login is on, and totp_secret is needed$",
            connection={"password": "geheim"},
            error=FORBIDDEN,
        ),
        "wrong password, foretold": Refusal(
            check("pikvm_atx_power", state="on"), "403", connection={"password": "geheim"}, error=FORBIDDEN
        ),
        "no password": Refusal(
            info(),
            r"401 UnauthorizedError: .*Set password",
            connection={"password": ""},
            error=(401, "UnauthorizedError"),
        ),
        "second factor missing": Refusal(info(), "totp_secret is needed$", device=TOTP, error=FORBIDDEN),
        "second factor wrong": Refusal(
            WRITE,
            "Wrong user name, password or totp_secret. The clocks of the PiKVM and of this machine agree",
            device=TOTP,
            connection={"totp_secret": SECRET[::-1]},
            error=FORBIDDEN,
        ),
        "second factor no secret": Refusal(info(), "^totp_secret: is not a base32", connection={"totp_secret": "0189"}),
        "clocks apart": Refusal(
            info(),
            r"The clock of the PiKVM is (3599|3600|3601) s ahead of this machine's: set the clocks right",
            fault("clock_skew", seconds=3600.0),
            TOTP,
            {"totp_secret": SECRET},
            error=FORBIDDEN,
        ),
        "password in the url": Refusal(
            info(url="https://admin:geheim@127.0.0.1"), "^url: holds credentials; use username and password for them$"
        ),
        "password that no header carries": Refusal(
            info(), "^password: holds a character outside printable ASCII", connection={"password": "pässwörd"}
        ),
    }
    check_refusals(ansible, simulator, subtests, cases)


def test_untrusted_servers(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    cases = {
        "certificate not trusted": Refusal(
            info(),
            r"certificate is not trusted: .*self-signed.*No credential was sent\. Pin it",
            connection={"ca_path": ""},
        ),
        "certificate expired": Refusal(info(), r"not trusted: .*expired", device={"certificate": "expired"}),
        "certificate of another host": Refusal(info(), r"not trusted: .*mismatch", device={"certificate": "factory"}),
        "wrong fingerprint": Refusal(
            WRITE, r"is not the pinned one \(tls_fingerprint\)", connection={"tls_fingerprint": "0" * 64}
        ),
        "no fingerprint": Refusal(
            info(), "^tls_fingerprint: is not a SHA-256", connection={"tls_fingerprint": "ab:cd"}
        ),
        "authority that is not there": Refusal(
            info(), r"^ca_path: cannot use /no/such\.pem: No such file", connection={"ca_path": "/no/such.pem"}
        ),
    }
    check_refusals(ansible, simulator, subtests, cases)


def test_servers_that_are_not_there(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    refused = f"https://127.0.0.1:{closed_port()}"
    with deaf_port() as port:
        cases = {
            "port closed": Refusal(
                info(url=refused), rf"^{refused}: no connection: .*refused\. Is the address right, and"
            ),
            "host unknown": Refusal(
                info(url="no-such-host.invalid"), r"^https://no-such-host\.invalid: no connection: "
            ),
            "server silent from the start": Refusal(
                info(url=f"127.0.0.1:{port}"), "no connection", connection={"timeout": 1.5}
            ),
            "server silent": Refusal(
                info(),
                r"was connected, but gave no answer in time \(timeout 1\.5 s\)$",
                fault("silent"),
                {},
                {"timeout": 1.5},
            ),
            "write to a silent server": Refusal(
                WRITE,
                r"^POST /api/atx/click .*gave no answer in time .*It may or may not have been carried out$",
                fault("silent", writes=True),
                {"speed": 1000.0},
                {"timeout": 1.5},
            ),
            "no web address": Refusal(
                info(url="ftp://pikvm"), "^url: must begin with https:// or http://, not ftp://$"
            ),
            "no url": Refusal(info(url=""), "^url: names no host: "),
            "no time": Refusal(
                info(), "^timeout: must be more than 0 and at most 86400 seconds$", connection={"timeout": 0}
            ),
        }
        check_refusals(ansible, simulator, subtests, cases)


def test_useless_answers(ansible: Ansible, simulator: Start, subtests: pytest.Subtests) -> None:
    cases = {
        "answer cut off": Refusal(info(), "^GET /api/atx: the answer broke off", fault("truncate")),
        "answer no JSON": Refusal(info(), "was answered 200, but not as a PiKVM answers", fault("garbage")),
        "page of a proxy": Refusal(
            info(), "502 Bad Gateway: text/html: 502 Bad Gateway", fault("html"), error=(502, "Bad Gateway")
        ),
        "crash": Refusal(
            info(),
            "^GET /api/atx was answered 500 Internal Server Error: text/plain: 500 Internal Server Error",
            fault("error500"),
            error=(500, "Internal Server Error"),
        ),
        "crash at a write": Refusal(
            WRITE, "^POST /api/atx/click ", fault("error500", writes=True), error=(500, "Internal Server Error")
        ),
        "no PiKVM there": Refusal(
            info(url=f"{simulator().url}/elsewhere"),
            "404 Not Found: text/html: 404 Not Found.*or url is not the",
            error=(404, "Not Found"),
        ),
    }
    check_refusals(ansible, simulator, subtests, cases)


@pytest.mark.parametrize("name", ["drop_request", "truncate", "html"])
def test_read_that_fails_once_goes_unnoticed(ansible: Ansible, sim: Simulator, name: str) -> None:
    sim.fault(name, times=1)
    (outcome,) = ansible.run(sim, info())
    assert outcome.ok, outcome.msg
    assert len(outcome.requests) == 2
