# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a PiKVM says: it is understood, or refused in words; never is something made of it that it has not said."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.community.pikvm.plugins.module_utils._client.answer import Answer, Request, parse_json
from ansible_collections.community.pikvm.plugins.module_utils._client.auth import Credentials
from ansible_collections.community.pikvm.plugins.module_utils._client.bounds import DEEPEST, MOST_KINDS
from ansible_collections.community.pikvm.plugins.module_utils._client.console import Hid, Ocr, Streamer
from ansible_collections.community.pikvm.plugins.module_utils._client.errors import AnswerError, PikvmError
from ansible_collections.community.pikvm.plugins.module_utils._client.events import LiveState
from ansible_collections.community.pikvm.plugins.module_utils._client.models import (
    Atx,
    Gpio,
    Info,
    Msd,
    parse_metrics,
)
from ansible_collections.community.pikvm.plugins.module_utils._client.switch import Switch
from ansible_collections.community.pikvm.plugins.modules.pikvm_log_info import clean, service_of
from tests.simulator.device import Device, Settings
from tests.simulator.events import collect

from ..documents import DEEP, rough, spoil_json

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
TEXTS = st.text() | st.sampled_from(["", "\x1b[2J", "\x9b31m", "a\nb\r\n", "\ud800", "\u202e", "x" * 5000, "{}"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=5)
PARSERS: dict[str, Callable[[Any], Any]] = {
    "atx": Atx.parse,
    "msd": Msd.parse,
    "gpio": Gpio.parse,
    "hid": Hid.parse,
    "streamer": Streamer.parse,
    "switch": Switch.parse,
    "info": Info.parse,
    "ocr": Ocr.parse,
}


async def _said() -> dict[str, Any]:
    """What a device with a switch says of itself."""
    device = Device(Settings(switch=True))
    device.storage.put("a.iso", b"data", True)
    said = {**collect(device), "ocr": {"ocr": device.streamer.ocr()}, "switch": device.switch.state()}
    await device.stop()
    known: dict[str, Any] = json.loads(json.dumps(said))
    return known


SAID = asyncio.run(_said())


def check_plain(value: Any) -> None:
    """It can be written as strict JSON, and no terminal would obey it."""
    json.dumps(value, allow_nan=False)
    assert list(rough(value)) == []


@pytest.mark.parametrize("kind", PARSERS)
@given(rng=st.randoms(use_true_random=False), times=st.integers(0, 4))
def test_spoiled_states_are_understood_or_refused(kind: str, rng: random.Random, times: int) -> None:
    document = SAID[kind]
    body = json.dumps(document).encode()
    for _time in range(times):
        if isinstance(document, dict):
            _done, body, _lie = spoil_json(rng, document)
        try:
            document = parse_json(body)
        except ValueError:
            return
    if not isinstance(document, dict):
        return
    try:
        model = PARSERS[kind](document)
    except AnswerError:
        return
    check_plain(model.as_result())
    check_claims(kind, model, document)


def check_claims(kind: str, model: Any, document: dict[str, Any]) -> None:
    """What decisions rest on was said in so many words."""
    if kind == "atx" and model.enabled:
        assert document["leds"]["power"] is model.power
    if kind == "msd" and model.online:
        assert document["busy"] is model.busy
        assert set(document["storage"]["images"]) == set(model.images)
        if model.drive:
            assert document["drive"]["connected"] is model.drive.connected
    if kind == "gpio":
        for name, channel in model.outputs.items():
            assert not channel.online or document["state"]["outputs"][name]["state"] is channel.state
    if kind == "switch":
        for port in model.ports:
            assert document["atx"]["leds"]["power"][port.index] is port.power


@pytest.mark.parametrize("kind", PARSERS)
@given(document=OBJECTS)
def test_any_object_is_understood_or_refused(kind: str, document: dict[str, Any]) -> None:
    known = dict(zip(SAID[kind], document.values(), strict=False))
    text = json.dumps({**document, **known}).encode()
    try:
        model = PARSERS[kind](parse_json(text))
    except (AnswerError, ValueError):
        return
    check_plain(model.as_result())


@given(data=st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")) | VALUES.map(json.dumps))
@example(data=b"[" * DEEP)
@example(data=b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1))
@example(data=b'{"a": NaN, "b": [1e999, -Infinity]}')
@example(data=b"9" * 5000)
@example(data=b'"\\ud800\\u001b"')
def test_json_is_plain_or_no_json(data: bytes | str) -> None:
    try:
        found = parse_json(data)
    except ValueError:
        return
    check_plain(found)


@given(value=OBJECTS)
def test_plain_json_is_left_as_it_is(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    try:
        check_plain(value)
    except (AssertionError, ValueError):
        return
    if max((len(str(number)) for number in _integers(value)), default=0) < 20:
        assert parse_json(text) == json.loads(text)


def _integers(value: Any) -> list[int]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for inner in value for number in _integers(inner)]
    return [value] if isinstance(value, int) else []


EVENTS = st.tuples(
    st.sampled_from([*SAID, *(f"{kind}_state" for kind in SAID), "gpio_model_state", "streamer_ocr_state", "info_hw"])
    | TEXTS,
    OBJECTS | st.sampled_from([value for value in SAID.values() if isinstance(value, dict)]),
)


@given(events=st.lists(EVENTS, max_size=12), inner=VALUES)
def test_events_are_merged_whatever_they_hold(events: list[tuple[str, dict[str, Any]]], inner: Any) -> None:
    state = LiveState()
    for kind, event in events:
        state.apply(kind, event)
        for key in ("state", "storage", "model", "ocr"):
            state.apply(kind, {**event, key: inner})
            state.apply(kind, {key: {"outputs": inner, "images": inner}})
    for kind, parse in PARSERS.items():
        try:
            json.dumps(parse(state.get(kind)).as_result())
        except AnswerError:
            continue


@settings(max_examples=5)
@given(count=st.integers(MOST_KINDS, 4 * MOST_KINDS))
def test_kinds_of_events_are_counted(count: int) -> None:
    state = LiveState()
    for number in range(count):
        state.apply(f"kind{number}", {"a": 1})
    assert sum(f"kind{number}" in state for number in range(count)) == MOST_KINDS


HEADERS = st.dictionaries(
    st.sampled_from(["Content-Type", "Location", "Content-Encoding", "Date", "X-UStreamer-Width"]), TEXTS, max_size=4
)
BODIES = st.binary(max_size=300) | OBJECTS.map(lambda value: json.dumps({"ok": False, "result": value}).encode())


@given(
    status=st.integers(100, 599), reason=TEXTS, headers=HEADERS, body=BODIES, method=st.sampled_from(["GET", "POST"])
)
def test_any_answer_is_a_result_or_a_failure_in_words(
    status: int, reason: str, headers: dict[str, str], body: bytes, method: str
) -> None:
    answer = Answer(Request(method, "/api/atx"), status, reason, headers, body)
    try:
        said: Any = answer.result()
    except PikvmError as exc:
        said = str(exc)
    check_plain(said)
    check_plain(answer.text)
    assert isinstance(said, dict) or len(said) < 2000


@given(
    date=TEXTS
    | st.sampled_from(["Sat, 99 Foo 99999 99:99:99 GMT", "1 Jan 1 00:00 -9999", "Mon, 01 Jan 0001 0:0 +9999"])
)
def test_any_date_is_compared_or_not(date: str) -> None:
    hint = Credentials("admin", "pw", SECRET).hint({"Date": date})
    assert hint.startswith("Wrong user name, password or totp_secret. The clock")
    assert len(hint) < 300


@given(text=TEXTS | st.from_regex(r"\A(\w+ [-+0-9eNaif.]+\n)*\Z"))
def test_metrics_are_numbers(text: str) -> None:
    json.dumps(parse_metrics(text), allow_nan=False)


@given(line=TEXTS)
def test_log_lines_are_plain(line: str) -> None:
    cleaned = clean(line)
    assert cleaned.isprintable() or set(cleaned) - {"\t"} == {char for char in cleaned if char.isprintable()}
    assert isinstance(service_of(cleaned), str)
