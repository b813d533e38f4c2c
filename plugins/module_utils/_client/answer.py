# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A request in words, and its answer in meaning."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union
from urllib.parse import urlsplit

from .bounds import DEEPEST, LONGEST_NUMBER
from .errors import AnswerError, LostAnswerError, PikvmError, device_error, quote
from .upload import ImageFile

Params = Mapping[str, Union[str, int, float, bool, None]]

ROUGH = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

WRITING = ("save",)
"""Parameters that make a write of a GET: kvmd keeps a picture that is asked for with `save`."""


@dataclass(frozen=True)
class Request:
    """What is asked of a device.

    Attributes:
        params: goes into the query, where kvmd looks for it; a None is left out, a bool becomes 1 or 0.
        body: an image is sent with its length, and an early refusal of it is heard. Never shown.
        patience: seconds that the device may work before it answers, beyond the connection's timeout.
    """

    method: str
    path: str
    params: Params = field(default_factory=dict)
    body: ImageFile | bytes | None = field(default=None, repr=False)
    patience: float = 0.0
    content_type: str | None = None

    @property
    def image(self) -> ImageFile | None:
        return self.body if isinstance(self.body, ImageFile) else None

    @property
    def writes(self) -> bool:
        return self.method != "GET" or any(self.params.get(name) for name in WRITING)

    def query(self) -> list[tuple[str, str]]:
        return [
            (name, str(int(value)) if isinstance(value, bool) else str(value))
            for name, value in self.params.items()
            if value is not None
        ]

    def __str__(self) -> str:
        words = [f"{name}={_presentable(value)}" for name, value in self.query()]
        return " ".join([self.method, self.path, *words])


def _presentable(value: str) -> str:
    """A query value for a message: on one line, and without the login of an address."""
    if "://" in value and "@" in value:
        scheme, _sep, rest = value.partition("://")
        value = f"{scheme}://{rest.rpartition('@')[2]}"
    return quote(value, 100) or "''"


@dataclass(frozen=True)
class Answer:
    """What came back, its body of bounded size.

    Attributes:
        hint: what to do next if this is a refusal, where the sender knows better than the type of the error.
    """

    request: Request
    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    hint: str = ""

    @property
    def text(self) -> str:
        """The body as a text without what a terminal would obey."""
        return printable(self.body.decode("utf-8", "replace"))

    def result(self) -> dict[str, Any]:
        """kvmd's `result` of a success.

        Raises:
            DeviceError: the device refused.
            AnswerError: a PiKVM does not answer like this.
        """
        self.check()
        document = self._document()
        result = document.get("result")
        if document.get("ok") is True:
            if isinstance(result, dict):
                return result
            if self.request.writes and "result" in document:
                return {}  # some derived devices answer a write with something else than an object
        raise AnswerError(
            f"{self.request} was answered 200, but not as a PiKVM answers: {self._excerpt()}. "
            f"Is url the address of the PiKVM, and not of something in front of it?"
        )

    def check(self) -> None:
        """Raise the typed error unless the status is 200, and the body as it was asked for."""
        if self.status == 200:
            check_unpacked(self.request, self.headers)
            return
        if 300 <= self.status < 400:
            raise AnswerError(
                f"{self.request} was answered {self.status}, a redirect to {_place(self.headers)}. "
                f"It was not followed: give url as the address that answers by itself"
            )
        result = self._document().get("result")
        words = result if isinstance(result, dict) else {}
        name = words.get("error")
        message = str(words.get("error_msg") or "") if words else self._excerpt()
        raise device_error(self.status, str(name) if name else None, message, self.reason, str(self.request), self.hint)

    def _document(self) -> dict[str, Any]:
        try:
            found = parse_json(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _excerpt(self) -> str:
        kind = self.headers.get("Content-Type", "").split(";")[0] or "no content type"
        words = re.sub(r"<[^>]*>", " ", self.text[:4000])
        return f"{quote(kind, 60)}: {quote(words, 200)}" if self.body else f"{quote(kind, 60)}, empty"


def no_answer(request: Request, words: str) -> PikvmError:
    """A read without an answer is an AnswerError; a write without one may have been carried out."""
    if request.writes:
        return LostAnswerError(f"{request}: {words}. It may or may not have been carried out")
    return AnswerError(f"{request}: {words}")


def check_unpacked(request: Request, headers: Mapping[str, str]) -> None:
    """Refuse a packed body as no answer: nobody asked for one, and a small one may unpack to any size."""
    packed = headers.get("Content-Encoding", "").strip().lower()
    if packed not in ("", "identity"):
        raise no_answer(request, f"the answer is packed as {quote(packed, 40)}, which was not asked for")


def parse_json(data: str | bytes) -> Any:
    """JSON, made safe to keep and to show.

    Texts lose what a terminal would obey and what is no character; numbers that are none, or longer than any count of
    bytes, become None.

    Raises:
        ValueError: it is no JSON, no UTF-8, or nested deeper than anything that a PiKVM says.
    """
    text = data if isinstance(data, str) else data.decode()
    try:
        return _safe(json.loads(text, parse_constant=_nothing, parse_float=_finite, parse_int=_count), DEEPEST)
    except RecursionError as exc:
        raise ValueError("nested too deep") from exc


def printable(text: str) -> str:
    """A text with line ends and tabulators, but without any other control character or half a character."""
    return text if text.isprintable() else ROUGH.sub("?", text.replace("\r\n", "\n"))


def _safe(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return printable(value)
    if not isinstance(value, (dict, list)):
        return value
    if not levels:
        raise ValueError("nested too deep")
    if isinstance(value, list):
        return [_safe(inner, levels - 1) for inner in value]
    return {printable(key): _safe(inner, levels - 1) for key, inner in value.items()}


def _nothing(_constant: str) -> None:
    """NaN and the infinities are no JSON, and whoever reads a result as JSON would stumble over them."""


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _count(text: str) -> int | None:
    return int(text) if len(text) <= LONGEST_NUMBER else None


def _place(headers: Mapping[str, str]) -> str:
    """Where a redirect leads, without its query, which may hold anything."""
    target = headers.get("Location", "")
    try:
        parts = urlsplit(target)
        return quote(f"{parts.scheme}://{parts.hostname}{parts.path}" if parts.hostname else parts.path) or "nowhere"
    except ValueError:
        return "nowhere"
