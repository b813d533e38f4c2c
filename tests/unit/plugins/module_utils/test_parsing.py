# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that users write: addresses, fingerprints, image names, checksums."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError
from ansible_collections.community.pikvm.plugins.module_utils._client.models import parse_image_name
from ansible_collections.community.pikvm.plugins.module_utils._client.tls import parse_fingerprint
from ansible_collections.community.pikvm.plugins.module_utils._client.transport import Connection, parse_url
from ansible_collections.community.pikvm.plugins.module_utils._image import parse_checksum

DIGITS = "0123456789abcdef" * 4
PAIRS = ":".join(DIGITS[i : i + 2] for i in range(0, 64, 2)).upper()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("pikvm", "https://pikvm"),
        ("pikvm.example.com:8443", "https://pikvm.example.com:8443"),
        ("https://pikvm/", "https://pikvm"),
        ("http://pikvm", "http://pikvm"),
        ("https://proxy.example.com/kvm/one/", "https://proxy.example.com/kvm/one"),
        ("[2001:db8::1]:443", "https://[2001:db8::1]:443"),
        (" pikvm ", "https://pikvm"),
    ],
)
def test_address_is_completed(text: str, url: str) -> None:
    assert parse_url(text) == url


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ftp://pikvm", "url: must begin with https:// or http://, not ftp://"),
        ("https://admin:geheim@pikvm", "url: holds credentials; use username and password for them"),
        ("admin:geheim@pikvm", "url: holds credentials; use username and password for them"),
        ("https://admin:geheim/x@pikvm", "url: holds credentials; use username and password for them"),
        ("", "url: names no host: "),
        ("https://", "url: names no host: "),
        ("https://pi kvm", "url: names no host: "),
        ("https://pikvm:0", "url: names no host: "),
        ("https://pikvm:99999", "url: is not an address: "),
        ("https://pikvm:port", "url: is not an address: "),
        ("https://pikvm/?a=1", "url: must not have a query or a fragment"),
        ("https://pikvm/#top", "url: must not have a query or a fragment"),
    ],
)
def test_what_is_no_address_is_refused(text: str, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_url(text)
    assert str(caught.value).startswith(message)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        DIGITS,
        DIGITS.upper(),
        PAIRS,
        f"SHA256:{PAIRS}",
        f"sha256 Fingerprint={PAIRS}",
        f"SHA256 Fingerprint={PAIRS}\n",
        PAIRS.replace(":", " "),
    ],
)
def test_fingerprint_is_read_as_tools_print_it(text: str) -> None:
    assert parse_fingerprint(text) == DIGITS


@pytest.mark.parametrize("text", ["", DIGITS[:40], DIGITS[:-1], DIGITS + "0", "g" * 64, f"sha1:{DIGITS[:40]}"])
def test_what_is_no_sha256_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"^tls_fingerprint: is not a SHA-256 fingerprint: 64 hex digits"):
        parse_fingerprint(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a.iso", "a.iso"),
        ("  a b.iso ", "a b.iso"),
        ("/debian//netinst.iso/", "debian/netinst.iso"),
        ("Größe #1 & 'zwei'.iso", "Größe #1 & 'zwei'.iso"),
        ("n" * 249, "n" * 249),
        ("f" * 249 + "/" + "n" * 249, "f" * 249 + "/" + "n" * 249),
    ],
)
def test_image_name_is_the_one_the_device_will_use(text: str, name: str) -> None:
    assert parse_image_name(text) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "name: is empty; an image needs a name"),
        (" / ", "name: is empty; an image needs a name"),
        ("///", "name: is empty; an image needs a name"),
        ("..", "name: '..' is not a valid image name: no part may begin with a dot"),
        ("a/../b.iso", "name: 'a/../b.iso' is not a valid image name"),
        (".hidden.iso", "name: '.hidden.iso' is not a valid image name"),
        ("lost+found", "name: 'lost+found' is not a valid image name"),
        ("a\tb.iso", "name: 'a\\tb.iso' holds control characters, which a PiKVM replaces"),
        ("a\nb.iso", "name: 'a\\nb.iso' holds control characters, which a PiKVM replaces"),
        ("n" * 250, "name: is too long: 250 bytes, and 249 is the most"),
        ("ü" * 125, "name: is too long: 250 bytes, and 249 is the most"),
    ],
)
def test_image_name_the_device_would_choke_on_is_refused(text: str, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_image_name(text)
    assert str(caught.value).startswith(message)


def test_error_names_the_option_the_image_name_came_from() -> None:
    with pytest.raises(OptionError, match=r"^image: is empty"):
        parse_image_name("", "image")


def test_checksum_is_sha256_in_any_case() -> None:
    assert parse_checksum(f" sha256:{DIGITS.upper()} ") == DIGITS


@pytest.mark.parametrize("text", [DIGITS, f"md5:{DIGITS[:32]}", f"sha256:{DIGITS[:-1]}", "sha256:", f"SHA512:{DIGITS}"])
def test_other_checksums_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"^checksum: must be sha256: and 64 hexadecimal digits$"):
        parse_checksum(text)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"timeout": 0}, "timeout: must be more than 0 and at most 86400 seconds"),
        ({"timeout": -1}, "timeout: must be more than 0"),
        ({"timeout": float("nan")}, "timeout: must be more than 0"),
        ({"timeout": float("inf")}, "timeout: must be more than 0"),
        ({"retries": -1}, "retries: must be between 0 and 100"),
        ({"retries": 101}, "retries: must be between 0 and 100"),
    ],
)
def test_limits_that_mean_nothing_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match="^" + re.escape(message)):
        Connection("pikvm", **values)


def test_connection_shows_no_secret() -> None:
    shown = repr(Connection("pikvm", "admin", "geheim", "JBSWY3DPEHPK3PXP", "token123"))
    assert "pikvm" in shown
    assert not re.search("geheim|JBSW|token123", shown)
