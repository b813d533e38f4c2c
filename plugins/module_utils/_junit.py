# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report in the words of JUnit: a suite for the run, a case for each of its states."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import Any
from xml.etree import ElementTree

ILLEGAL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0001fffd]")
"""What no XML document may hold, and some that it had better not."""


def legal(text: Any) -> str:
    return ILLEGAL.sub("?", str(text))


def junit(report: dict[str, Any]) -> bytes:
    """The document. States that were not reached are skipped; the one that failed tells the error."""
    done = {state["state"]: state for state in report.get("states", [])}
    error = report.get("error") or {}
    failed = error.get("state")
    names = [*report.get("planned", done)]
    if failed and failed not in names:
        names.insert(0, failed)
    skipped = [name for name in names if name not in done and name != failed]
    suite = {
        "name": f"reinstall {report.get('host', '')}",
        "hostname": report.get("host", ""),
        "timestamp": str(report.get("started", ""))[:19],
        "time": report.get("seconds", 0),
        "tests": len(names),
        "failures": int(bool(failed)),
        "errors": 0,
        "skipped": len(skipped),
    }
    root = ElementTree.Element(
        "testsuites", _texts({key: suite[key] for key in ("tests", "failures", "errors", "time")})
    )
    element = ElementTree.SubElement(root, "testsuite", _texts(suite))
    _add_properties(element, report)
    for name in names:
        seconds = done[name]["seconds"] if name in done else failed_seconds(report) if name == failed else 0
        case = _texts({"classname": f"reinstall.{report.get('host', '')}", "name": name, "time": seconds or 0})
        _fill_case(ElementTree.SubElement(element, "testcase", case), done.get(name), error if name == failed else None)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add_properties(suite: ElementTree.Element, report: dict[str, Any]) -> None:
    known = {"run": report.get("run"), "play": report.get("play"), "entry_point": report.get("entry_point")}
    image = report.get("image") or {}
    known.update(report.get("versions") or {}, image=image.get("name"), image_sha256=image.get("sha256"))
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in known.items():
        if value:
            ElementTree.SubElement(properties, "property", _texts({"name": name, "value": value}))


def _fill_case(case: ElementTree.Element, state: dict[str, Any] | None, error: dict[str, Any] | None) -> None:
    if error:
        words = {"message": error.get("msg", ""), "type": error.get("class", "failed")}
        failure = ElementTree.SubElement(case, "failure", _texts(words))
        failure.text = legal("\n".join(str(error[key]) for key in ("msg", "advice") if error.get(key)))
    elif state is None:
        ElementTree.SubElement(case, "skipped", {"message": "not reached"})
    if state is not None:
        proof = {"proof": state.get("proof"), "frame": state.get("frame")}
        ElementTree.SubElement(case, "system-out").text = legal(json.dumps(proof, indent=2, ensure_ascii=False))


def failed_seconds(report: dict[str, Any]) -> float | None:
    """How long the state that failed went on, as the transitions tell."""
    times: dict[str, datetime] = {}
    for entry in report.get("transitions", []):
        if entry["state"] == (report.get("error") or {}).get("state") and entry["event"] in ("entered", "failed"):
            when = moment(entry["time"])
            if when:
                times[entry["event"]] = when
    if set(times) != {"entered", "failed"}:
        return None
    return round((times["failed"] - times["entered"]).total_seconds(), 1)


def moment(text: Any) -> datetime | None:
    """The time that a timeline or a report tells."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {key: legal(value) for key, value in values.items()}
