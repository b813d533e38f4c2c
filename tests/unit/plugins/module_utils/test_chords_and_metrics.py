# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chords of keys as users write them, and Prometheus' numbers as kvmd writes them."""

from __future__ import annotations

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._client.console import KEYS
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import OptionError
from ansible_collections.community.pikvm.plugins.module_utils._client.models import parse_metrics
from ansible_collections.community.pikvm.plugins.module_utils._hid import Chord


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("F11", ["F11"]),
        ("ControlLeft+AltLeft+Delete", ["ControlLeft", "AltLeft", "Delete"]),
        (" ShiftLeft + KeyA ", ["ShiftLeft", "KeyA"]),
    ],
)
def test_chord(text: str, keys: list[str]) -> None:
    chord = Chord.parse(text)
    assert list(chord.keys) == keys
    assert Chord.parse(str(chord)) == chord


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_a_chord(key: str) -> None:
    assert Chord.parse(key).keys == (key,)


def test_keys_are_those_of_the_newest_kvmd() -> None:
    """26 letters, 2 rows of 10 digits, 24 function keys, 8 modifiers, 48 others."""
    assert len(KEYS) == 26 + 20 + 24 + 8 + 48


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("enter", "enter", "Enter"),
        ("Del", "Del", "Delete"),
        ("ControlLeft+ALTLEFT", "ALTLEFT", "AltLeft"),
        ("Ctrl+AltLeft+Delete", "Ctrl", "Control"),
        ("F25", "F25", "F2"),
        ("a", "a", "KeyA"),
        ("1", "1", "Digit1"),
        ("Up", "Up", "ArrowUp"),
        ("Esc", "Esc", "Escape"),
    ],
)
def test_unknown_key_is_refused_with_the_nearest_names(text: str, key: str, near: str) -> None:
    with pytest.raises(OptionError, match=f"^keys: '{key}' in '.*' is not the name of a key; did you mean .*{near}"):
        Chord.parse(text)


@pytest.mark.parametrize("text", ["", "+", "F11+", "KeyA,KeyB", "\N{SNOWMAN}"])
def test_what_is_no_key_at_all_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="^keys: .* is not the name of a key; "):
        Chord.parse(text)


def test_key_named_twice_is_refused() -> None:
    with pytest.raises(OptionError, match=r"^keys: 'KeyA\+KeyA' names a key twice$"):
        Chord.parse("KeyA+KeyA")


METRICS = """\
# HELP pikvm_atx_enabled Whether
# TYPE pikvm_atx_enabled gauge
pikvm_atx_enabled 1

pikvm_hw_temp_cpu 48.199
  pikvm_hw_mem_total 3.90e+09\x20
pikvm_gpio_output_state_relay1{unit="a b"} 0
pikvm_broken what
pikvm_alone
"""


def test_metrics_are_numbers_by_name() -> None:
    assert parse_metrics(METRICS) == {
        "pikvm_atx_enabled": 1.0,
        "pikvm_hw_temp_cpu": 48.199,
        "pikvm_hw_mem_total": 3.9e9,
        'pikvm_gpio_output_state_relay1{unit="a b"}': 0.0,
    }


def test_no_metrics() -> None:
    assert parse_metrics("") == {}
    assert parse_metrics("# nothing\r\n") == {}
