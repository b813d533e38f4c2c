# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a device or an error says of a run: its JUnit file is XML, and its page stays the page that it is."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.community.pikvm.plugins.module_utils._evidence import plain
from ansible_collections.community.pikvm.plugins.module_utils._junit import junit, legal
from ansible_collections.community.pikvm.plugins.module_utils._page import POLICY, Row, page

RUN = "20261121T004141.077080Z"
AT = "2026-11-21T00:41:41.077080Z"
UP = "../"
HOSTILE = (
    "<script>alert(1)</script>",
    "</pre></title></style><img src=x onerror=alert(1)>",
    '" onclick="alert(1)" x=\'',
    "' onclick='alert(1)",
    "javascript:alert(1)",
    "-->]]><!--<![CDATA[",
    "&lt;b&gt;&amp;&#60;b>&",
    "\x1b[2J\0\r\n\u202e\ud800\ufffe\x85",
)
TEXTS = st.text() | st.sampled_from(HOSTILE) | st.tuples(st.text(), st.sampled_from(HOSTILE)).map("".join)
VALUES = TEXTS | st.none() | st.booleans() | st.integers() | st.lists(TEXTS, max_size=2)


def frame(text: Any, name: Any, online: Any) -> dict[str, Any]:
    return {"file": name, "online": online, "text": text, "msg": text}


def reported(texts: list[Any], value: Any, proof: Any, online: Any) -> dict[str, Any]:
    """A run that failed in its second state: `texts` in turn wherever a text of somebody else stands."""
    said = iter(texts)
    error = {"state": "install", "class": next(said), "msg": next(said), "advice": next(said)}
    boot = {"state": "boot", "seconds": 1.5, "proof": proof, "frame": frame(next(said), next(said), online)}
    return {
        "run": RUN,
        "host": "server1",
        "play": next(said),
        "entry_point": next(said),
        "result": "failed",
        "failed_state": "install",
        "error": error,
        "cleanup": {"frame": frame(next(said), next(said), online), "words": next(said)},
        "started": AT,
        "ended": next(said),
        "seconds": 3.0,
        "versions": {"kvmd": next(said), "ansible_core": value},
        "image": {"name": next(said), "sha256": value},
        "led": [{"time": next(said), "state": "boot", "power": next(said)}],
        "log": {"file": None, "msg": next(said)},
        "files": [{"name": next(said), "sha256": "0"}],
        "planned": ["preflight", "boot", "install"],
        "states": [boot],
        "transitions": [{"state": "install", "event": "entered", "time": next(said)}],
    }


PLACES = 18
PROOFS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("kvmd", "power", "banner", "host_keys", "image"), VALUES)
) | st.fixed_dictionaries({"drive": st.fixed_dictionaries({"connected": st.booleans(), "image": VALUES})})
REPORTS = st.builds(
    reported, st.lists(TEXTS, min_size=PLACES, max_size=PLACES), VALUES, PROOFS | VALUES, st.booleans() | st.none()
)
"""A report is read back from JSON: where something else than a text is usual, anything may stand."""


class Seen(HTMLParser):
    """What a browser would make of a page: elements with the names of their attributes, where they lead, and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[tuple[str, str]] = set()
        self.places: list[str] = []
        self.text = ""
        self.others: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements |= {(tag, name) for name, _value in attrs} | {(tag, "")}
        self.places += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    unknown_decl = handle_pi = handle_comment


def hostile(test: Any) -> Any:
    """Each of those texts is tried at all places at once."""
    for text in HOSTILE:
        test = example(report=reported([text] * PLACES, text, {"power": text, "banner": text}, True))(test)
    return test


def rendered(report: dict[str, Any]) -> str:
    rows = [
        Row("server1", RUN, report, [], ["earlier"]),
        Row("server2", RUN, None, [{"state": "boot", "event": "entered", "time": AT}]),
        Row("server3"),
    ]
    return page(Path("/nowhere"), AT, rows, ["another"], UP)


HARMLESS = [
    rendered(reported(["a word"] * PLACES, "1", {"kvmd": "4.197"}, True)),
    rendered(reported([""] * PLACES, "", {}, True)),
]
KNOWN = set().union(*(Seen(text).elements for text in HARMLESS))


@hostile
@given(report=REPORTS)
def test_page_holds_no_element_of_somebody_else(report: dict[str, Any]) -> None:
    text = rendered(report)
    seen = Seen(text)
    assert seen.elements <= KNOWN
    assert seen.others == []
    assert [place for place in seen.places if not place.startswith((UP, "#", "data:,"))] == []
    assert text.count(POLICY) == 1
    assert " ".join(plain(report["error"]["msg"]).split()) in " ".join(seen.text.split())
    text.encode("utf-8")


@hostile
@given(report=REPORTS)
def test_junit_is_xml_and_says_the_same(report: dict[str, Any]) -> None:
    (suite,) = ElementTree.fromstring(junit(report))
    assert [case.get("name") for case in suite.iter("testcase")] == report["planned"]
    (failure,) = suite.iter("failure")
    assert str(failure.get("message")).split() == legal(report["error"]["msg"]).split()
