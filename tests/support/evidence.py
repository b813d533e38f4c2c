# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the evidence of a run is what its documentation promises."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))


def validate(report: dict[str, Any]) -> None:
    """Hold a report against the schema that the collection ships."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    checker = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    assert [f"{error.json_path}: {error.message}" for error in checker.iter_errors(report)] == []


def check_report(folder: Path) -> dict[str, Any]:
    """The report of a run: it keeps to the schema, and the files beside it are those that it tells of."""
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    validate(report)
    told = {entry["name"]: entry["sha256"] for entry in report["files"]}
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    there.pop("report.json")
    assert told == there
    assert ElementTree.parse(folder / "junit.xml").getroot().tag == "testsuites"
    return report


if __name__ == "__main__":
    for name in sys.argv[1:]:
        check_report(Path(name))
