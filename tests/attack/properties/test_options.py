# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a user writes: it is taken as it is meant, or refused by the name of its option."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.community.pikvm.plugins.module_utils._chain import parse_colors
from ansible_collections.community.pikvm.plugins.module_utils._client.auth import Credentials
from ansible_collections.community.pikvm.plugins.module_utils._client.console import KEYS
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError
from ansible_collections.community.pikvm.plugins.module_utils._client.models import parse_image_name
from ansible_collections.community.pikvm.plugins.module_utils._client.tls import parse_fingerprint
from ansible_collections.community.pikvm.plugins.module_utils._client.transport import parse_url
from ansible_collections.community.pikvm.plugins.module_utils._conditions import parse_pattern
from ansible_collections.community.pikvm.plugins.module_utils._edid import parse_edid_data, parse_edid_name
from ansible_collections.community.pikvm.plugins.module_utils._hid import Chord
from ansible_collections.community.pikvm.plugins.module_utils._image import parse_checksum
from ansible_collections.community.pikvm.plugins.module_utils._runner import logins

TEXTS = st.text() | st.sampled_from(["", " ", "\0", "\x1b[2J", "\ud800", "é" * 300, "../../etc/passwd", "٣" * 64])
PLACES = st.from_regex(r"\A(https?://|ftp:)?([a-z:@/.\[\]%-]|\d){0,30}([?#][a-z]*)?\Z")
DIGITS = st.text(string.hexdigits, min_size=64, max_size=64)


def refused(option: str, parse: Callable[..., Any], *given_values: Any) -> Any:
    """What is made of a value; None where it is refused, by its name."""
    try:
        return parse(*given_values)
    except OptionError as exc:
        refusal = exc
    assert refusal.option == option
    assert str(refusal).startswith(f"{option}: ")
    return None


@given(text=TEXTS | PLACES)
@example(text="https://[::1")
@example(text="https://a:99999")
@example(text="https://a:²")
def test_url(text: str) -> None:
    found = refused("url", parse_url, text)
    if found is not None:
        assert re.match(r"https?://[^/@\s]+", found)
        assert parse_url(found) == found
        assert not found.endswith("/")


@given(login=st.text(string.printable, min_size=4), host=st.from_regex(r"\A[a-z.:\[\]]{1,12}\Z"))
def test_login_in_an_address_is_not_told(login: str, host: str) -> None:
    address = f"https://user:{login}@{host}/"
    with pytest.raises(OptionError) as caught:
        parse_url(address)
    assert login not in str(caught.value)
    assert login in logins({"url": address}) or "\n" in login


@given(text=TEXTS | DIGITS)
def test_fingerprint(text: str) -> None:
    found = refused("tls_fingerprint", parse_fingerprint, text)
    assert found is None or re.fullmatch("[0-9a-f]{64}", found)


@given(digits=DIGITS, form=st.sampled_from(["{}", "sha256:{}", "SHA256 Fingerprint={}", "{} "]))
def test_fingerprint_in_its_many_forms(digits: str, form: str) -> None:
    pairs = ":".join(digits[at : at + 2] for at in range(0, 64, 2))
    assert parse_fingerprint(form.format(digits)) == parse_fingerprint(form.format(pairs)) == digits.lower()


@given(text=TEXTS | DIGITS.map("sha256:{}".format))
def test_checksum(text: str) -> None:
    found = refused("checksum", parse_checksum, text)
    assert found is None or (re.fullmatch("[0-9a-f]{64}", found) and found in text.lower())


@given(text=TEXTS | st.from_regex(r"\A[a./ \x00]{0,20}\Z"))
def test_image_name(text: str) -> None:
    found = refused("name", parse_image_name, text)
    if found is not None:
        assert parse_image_name(found) == found
        parts = found.split("/")
        assert all(part and part.isprintable() and not part.startswith(".") for part in parts)
        assert all(len(part.encode()) <= 249 for part in parts)


@given(keys=st.lists(st.sampled_from(sorted(KEYS)), min_size=1, max_size=6, unique=True))
def test_chord_is_what_was_written(keys: list[str]) -> None:
    chord = Chord.parse(" + ".join(keys))
    assert list(chord.keys) == keys
    assert Chord.parse(str(chord)) == chord


@given(text=TEXTS)
def test_any_chord(text: str) -> None:
    found = refused("keys", Chord.parse, text)
    assert found is None or set(found.keys) <= KEYS


@given(text=TEXTS | st.text("0123456789abcdefABCDEF \n", min_size=256, max_size=270))
def test_edid(text: str) -> None:
    data = refused("data", parse_edid_data, text)
    assert data is None or re.fullmatch(r"([0-9A-F]{256}){1,2}", data)
    name = refused("name", parse_edid_name, text)
    assert name is None or (parse_edid_name(name) == name and 0 < len(name) <= 255)


@given(text=TEXTS | st.from_regex(r"\A[()\[\]{}*+?\\|a-c0-9-]{0,12}\Z"))
def test_pattern(text: str) -> None:
    found = refused("screen_text", parse_pattern, "screen_text", text)
    assert found is None or found.pattern == text


@given(text=TEXTS | st.from_regex(r"\A[0-9a-fA-F:#]{0,16}\Z"))
def test_color(text: str) -> None:
    found = refused("colors.active", parse_colors, {"active": text})
    assert found is None or re.fullmatch(r"default|[0-9A-F]{6}:[0-9A-F]{2}:[0-9A-F]{4}", found["active"])


@pytest.mark.parametrize("option", ["username", "password", "totp_secret", "auth_token"])
@given(text=TEXTS | st.text(string.ascii_uppercase + "234567", min_size=1))
def test_login(option: str, text: str) -> None:
    if option == "password" and not text:
        return
    values: dict[str, Any] = {"username": "admin", "password": "pw", option: text}
    headers = refused(option, lambda: Credentials(**values, clock=lambda: 1.0).headers())
    for name, value in (headers or {}).items():
        assert f"{name}: {value}".isascii()
        assert f"{name}: {value}".isprintable()
