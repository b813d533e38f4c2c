# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only the right PiKVM gets to see a credential."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.api import Pikvm
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import (
    AnswerError,
    OptionError,
    UnauthorizedError,
    UnreachableError,
    UntrustedCertificateError,
)
from tests.simulator import Simulator
from tests.support.expect import Start
from tests.support.raw import Conversation, Serve, Tunnel, closed_port

Connect = Callable[..., Pikvm]

WRONG = "00:" * 31 + "00"
PASSWORD = "geheim"


def succeed(talk: Conversation) -> bool:
    talk.answer()
    return True


def test_certificate_of_a_known_authority_is_trusted(sim: Simulator, client: Connect) -> None:
    assert client(sim).atx().enabled


def test_folder_of_authorities_is_trusted(sim: Simulator, client: Connect, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(Path(sim.ca_path).read_bytes())
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    assert client(sim, ca_path=str(tmp_path)).atx().enabled


@pytest.mark.parametrize(
    ("kind", "by_authority", "reason"),
    [
        ("san", False, "self-signed certificate"),
        ("factory", False, "self-signed certificate"),
        ("factory", True, "IP address mismatch"),
        ("expired", True, "certificate has expired"),
    ],
)
def test_untrusted_server_sees_nothing(raw: Serve, client: Connect, kind: str, by_authority: bool, reason: str) -> None:
    server = raw(succeed, kind=kind)
    options = {} if by_authority else {"ca_path": None}
    with pytest.raises(UntrustedCertificateError) as caught:
        client(server, password=PASSWORD, **options).atx()
    message = str(caught.value)
    assert message.startswith(f"{server.url}: the server's certificate is not trusted: ")
    assert reason in message
    assert "No credential was sent. Pin it with tls_fingerprint, name its authority with ca_path" in message
    assert (server.heads, server.connections) == ([], 1)


@pytest.mark.parametrize("kind", ["san", "factory", "expired"])
def test_pinned_certificate_replaces_every_other_check(simulator: Start, client: Connect, kind: str) -> None:
    sim = simulator(certificate=kind)
    assert client(sim, ca_path=None, tls_fingerprint=sim.fingerprint).atx().enabled
    assert client(sim, ca_path=None, tls_fingerprint=sim.fingerprint.replace(":", "").lower()).atx().enabled


@pytest.mark.parametrize("validate", [True, False])
def test_other_certificate_than_the_pinned_one_sees_nothing(raw: Serve, client: Connect, validate: bool) -> None:
    server = raw(succeed)
    with pytest.raises(UntrustedCertificateError) as caught:
        client(server, tls_fingerprint=WRONG, password=PASSWORD, validate_certs=validate, retries=3).atx()
    message = str(caught.value)
    assert message.startswith(f"{server.url}: the server's certificate is not the pinned one (tls_fingerprint). ")
    assert message.endswith("No credential was sent")
    assert (server.heads, server.connections) == ([], 1)


@pytest.mark.parametrize("kind", ["san", "factory", "expired"])
def test_check_can_be_turned_off_whatever_the_environment_says(
    simulator: Start, client: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    for bundle in ("/etc/ssl/certs/ca-certificates.crt", str(tmp_path / "missing.pem")):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
        monkeypatch.setenv("CURL_CA_BUNDLE", bundle)
        assert client(simulator(certificate=kind), ca_path=None, validate_certs=False).atx().enabled


def test_bundle_of_the_environment_is_trusted_where_no_other_is_named(
    sim: Simulator, client: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sim.ca_path)
    assert client(sim, ca_path=None).atx().enabled


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_authority_that_cannot_be_used_is_told(sim: Simulator, client: Connect, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OptionError, match=r"^ca_path: cannot use .*/ca\.pem: "):
        client(sim, ca_path=str(path))
    assert sim.requests == []


def test_login_data_of_netrc_is_ignored(
    raw: Serve, client: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text(f"default login admin password {PASSWORD}\n", encoding="utf-8")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server = raw(succeed)
    client(server, password=None).atx()
    assert "authorization" not in server.heads[0].lower()
    assert "x-kvmd" not in server.heads[0].lower()


def test_password_goes_in_headers_of_kvmd_and_never_as_basic(raw: Serve, client: Connect) -> None:
    server = raw(succeed)
    client(server, password="pass:word").atx()
    assert "X-KVMD-User: admin\r\nX-KVMD-Passwd: pass:word" in server.heads[0]
    assert "authorization" not in server.heads[0].lower()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirect_carries_nothing_elsewhere(raw: Serve, client: Connect, status: int, method: str) -> None:
    elsewhere = raw(succeed)

    def redirect(talk: Conversation) -> None:
        talk.answer(status, b"", Location=f"{elsewhere.url}/api/atx")

    server = raw(redirect)
    pikvm = client(server, password=PASSWORD)
    with pytest.raises(
        AnswerError, match=rf"{method} /api/atx.* was answered {status}, a redirect to https://127.0.0.1"
    ):
        pikvm.atx() if method == "GET" else pikvm.atx_click("power")
    assert len(server.heads) == 1
    assert (elsewhere.heads, elsewhere.connections) == ([], 0)


def test_cookie_that_the_server_sets_is_not_sent_back(raw: Serve, client: Connect) -> None:
    def set_cookie(talk: Conversation) -> bool:
        talk.answer(Set_Cookie="auth_token=" + "a" * 64 + "; Path=/")
        return True

    server = raw(set_cookie)
    pikvm = client(server)
    pikvm.atx()
    pikvm.atx()
    assert len(server.heads) == 2
    assert "cookie" not in server.heads[1].lower()


def test_proxy_of_the_environment_is_used(simulator: Start, client: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = simulator(certificate="factory")
    with Tunnel() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert client(sim, tls_fingerprint=sim.fingerprint, password="admin").atx().enabled
        assert [head.split(" ")[:2] for head in proxy.heads] == [["CONNECT", f"127.0.0.1:{sim.port}"]]
        assert "admin" not in proxy.heads[0]


def test_certificate_is_checked_through_a_proxy_as_well(
    raw: Serve, client: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = raw(succeed)
    with Tunnel() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        for options in ({"tls_fingerprint": WRONG}, {"ca_path": None}):
            with pytest.raises(UntrustedCertificateError, match="No credential was sent"):
                client(server, **options).atx()
    assert server.heads == []


def test_proxy_that_fails_is_named(sim: Simulator, client: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(UnreachableError, match="the proxy named in the environment failed: "):
        client(sim).atx()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert client(sim).atx().enabled


def test_http_is_spoken_where_the_url_says_so(raw: Serve, client: Connect) -> None:
    server = raw(succeed, tls=False)
    client(server).atx()
    assert server.heads[0].startswith("GET /api/atx HTTP/1.1\r\n")


def test_path_in_front_of_the_api_is_kept(simulator: Start, client: Connect) -> None:
    sim = simulator(prefix="/kvm/one")
    assert client(sim).atx().enabled
    assert sim.requests[0].path == "/kvm/one/api/atx"


def test_missing_login_is_told(sim: Simulator, client: Connect) -> None:
    with pytest.raises(UnauthorizedError, match=r"Set password \(or auth_token\): this PiKVM wants a login$"):
        client(sim, password=None).atx()
