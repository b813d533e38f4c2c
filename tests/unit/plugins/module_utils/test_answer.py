# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer means, whatever its body."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client import errors
from ansible_collections.community.pikvm.plugins.module_utils._client.answer import Answer, Request

BUSY = {"ok": False, "result": {"error": "MsdIsBusyError", "error_msg": "Performing another MSD operation"}}
CRASH = "500 Internal Server Error\n\nServer got itself in trouble"
PROXY = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>"


def answer(
    status: int,
    body: Any,
    kind: str = "application/json",
    reason: str = "Reason",
    headers: dict[str, str] | None = None,
) -> Answer:
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    request = Request("POST", "/api/msd/remove", {"image": "a.iso"})
    return Answer(request, status, reason, {"Content-Type": kind, **(headers or {})}, data)


def test_success_is_kvmds_result() -> None:
    assert answer(200, {"ok": True, "result": {"busy": False}}).result() == {"busy": False}


def test_result_of_a_read_is_an_object_and_that_of_a_write_need_not_be() -> None:
    odd = answer(200, {"ok": True, "result": None})
    assert odd.result() == {}
    read = Answer(Request("GET", "/api/atx"), 200, "OK", odd.headers, odd.body)
    with pytest.raises(errors.AnswerError, match="GET /api/atx was answered 200, but not as a PiKVM answers"):
        read.result()


@pytest.mark.parametrize(
    ("body", "kind", "shown"),
    [
        ("", "", "no content type, empty"),
        ("hello", "text/plain; charset=utf-8", "text/plain: hello"),
        ("<html>login</html>", "text/html", "text/html: login. Is url the address of the PiKVM"),
        (b"\x00\xff{", "application/json", "application/json: ?"),
        ("[]", "application/json", "application/json: []"),
        ("null", "application/json", "application/json: null"),
        ('{"ok": true}', "application/json", '{"ok": true}'),
        ('{"ok": "true", "result": {}}', "application/json", '{"ok": "true", "result": {}}'),
        ('{"result": {}}', "application/json", '{"result": {}}'),
        ("[" * 100000, "application/json", "application/json: [["),
        ('{"a": 1' + "0" * 5000 + "}", "application/json", "application/json: {"),
    ],
)
def test_a_200_that_no_pikvm_gives_is_no_success(body: Any, kind: str, shown: str) -> None:
    with pytest.raises(errors.AnswerError) as caught:
        answer(200, body, kind).result()
    message = str(caught.value)
    assert message.startswith("POST /api/msd/remove image=a.iso was answered 200, but not as a PiKVM answers: ")
    assert shown in message
    assert len(message) < 500


@pytest.mark.parametrize(
    ("status", "body", "kind", "error", "words"),
    [
        (409, BUSY, "application/json", errors.MsdIsBusyError, "409 MsdIsBusyError: Performing another MSD operation"),
        (500, CRASH, "text/plain", errors.ServerFault, "500 Reason: text/plain: 500 Internal Server Error Server got"),
        (502, PROXY, "text/html", errors.ServerFault, "502 Reason: text/html: 502 Bad Gateway"),
        (404, "404: Not Found", "text/plain", errors.NotOfferedError, "404 Reason: text/plain: 404: Not Found"),
        (405, "405: Method Not Allowed", "text/plain", errors.NotOfferedError, "405 Reason"),
        (413, PROXY, "text/html", errors.DeviceError, "413 Reason"),
        (429, "{}", "application/json", errors.DeviceError, "429 Reason"),
        (503, "", "", errors.UnavailableError, "503 Reason: no content type, empty"),
        (401, "", "text/html", errors.UnauthorizedError, "401 Reason: text/html, empty"),
        (
            418,
            '{"result": [1]}',
            "application/json",
            errors.DeviceError,
            '418 Reason: application/json: {"result": [1]}',
        ),
        (204, "", "", errors.DeviceError, "204 Reason"),
    ],
)
def test_refusal_becomes_a_typed_error_with_the_devices_words(
    status: int, body: Any, kind: str, error: type[errors.DeviceError], words: str
) -> None:
    with pytest.raises(error) as caught:
        answer(status, body, kind).result()
    assert caught.type is error
    assert caught.value.status == status
    assert str(caught.value).startswith(f"POST /api/msd/remove image=a.iso was answered {words}")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_not_followed_and_its_query_not_shown(status: int) -> None:
    there = {"Location": "https://elsewhere.example.com/login?token=geheim"}
    with pytest.raises(errors.AnswerError) as caught:
        answer(status, "", headers=there).result()
    assert f"answered {status}, a redirect to https://elsewhere.example.com/login. It was not" in str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(("location", "shown"), [("", "nowhere"), ("/msd", "/msd"), ("https://[bad", "nowhere")])
def test_redirect_without_a_usable_target_is_told_all_the_same(location: str, shown: str) -> None:
    with pytest.raises(errors.AnswerError, match=f"a redirect to {shown}"):
        answer(308, "", headers={"Location": location}).result()


def test_a_fitter_hint_replaces_that_of_the_type() -> None:
    forbidden = {"ok": False, "result": {"error": "ForbiddenError", "error_msg": "Forbidden"}}
    given = answer(403, forbidden)
    hinted = Answer(given.request, 403, "Forbidden", given.headers, given.body, "Look at the clocks")
    with pytest.raises(errors.ForbiddenError, match=r"403 ForbiddenError: Forbidden\. Look at the clocks$"):
        hinted.result()


def test_device_cannot_write_into_a_terminal() -> None:
    evil = {"ok": False, "result": {"error": "Bad\x1b[31m", "error_msg": "line\r\nline\x07" + "x" * 1000}}
    with pytest.raises(errors.DeviceError) as caught:
        answer(400, evil).result()
    assert caught.value.name == "Bad?[31m"
    assert caught.value.message.startswith("line line?xxx")
    assert caught.value.message.endswith("…")
    assert len(caught.value.message) == errors.LONGEST_QUOTE + 1
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", sorted(errors.BY_NAME))
def test_every_error_of_kvmd_has_its_type(name: str) -> None:
    refused = {"ok": False, "result": {"error": name, "error_msg": "words"}}
    with pytest.raises(errors.BY_NAME[name]) as caught:
        answer(400, refused).result()
    assert (caught.value.name, caught.value.message) == (name, "words")


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [("SomethingNewError", 409, errors.BusyError), ("MsdLockedError", 400, errors.DeviceError)],
)
def test_unknown_names_fall_back_to_the_status(name: str, status: int, error: type[errors.DeviceError]) -> None:
    assert errors.device_error(status, name, "", "", "GET /").__class__ is error


def test_busy_channel_is_waited_for_like_all_that_is_busy() -> None:
    assert issubclass(errors.BY_NAME["GpioChannelIsBusyError"], errors.BusyError)


def test_query_is_written_as_kvmd_reads_it() -> None:
    request = Request("POST", "/api/x", {"a": True, "b": False, "c": None, "d": 1.5, "e": "", "f": "ü &"})
    assert request.query() == [("a", "1"), ("b", "0"), ("d", "1.5"), ("e", ""), ("f", "ü &")]
    assert str(request) == "POST /api/x a=1 b=0 d=1.5 e='' f=ü &"


def test_login_of_an_address_is_not_shown() -> None:
    shown = str(Request("POST", "/api/x", {"url": "https://user:geh@eim@example.com/a.iso"}))
    assert shown == "POST /api/x url=https://example.com/a.iso"
