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

NO_DRIVE: dict[str, Any] = {"connected": False, "image": None, "media_type": None, "read_write": None}
PROOFS: dict[str, dict[str, Any]] = {
    "preflight": {
        "kvmd": "4.197",
        "power": "on",
        "drive": NO_DRIVE,
        "stored": None,
        "room": 2**33,
        "port": None,
        "old_system": None,
    },
    "stage": {
        "name": "debian-auto.iso",
        "bytes": 2**26,
        "sha256": "31" * 32,
        "sha256_of": "the file that was sent",
        "transferred": 2**26,
        "rate": 2.5e7,
    },
    "power_off": {"power": "off", "pressed": ["power"]},
    "insert": {"drive": {"connected": True, "image": "debian-auto.iso", "media_type": "cdrom", "read_write": False}},
    "boot": {"power": "on", "pressed": ["power"]},
    "install": {"power": "off"},
    "eject": {"drive": NO_DRIVE},
    "disk_boot": {"power": "on", "pressed": ["power"]},
    "verify": {"tasks": "/home/me/tasks/verify.yml"},
    "clean": {"power": "on", "drive": NO_DRIVE, "image": "kept", "outdated": []},
}
"""What each state leaves behind in a run that goes well."""

STATES = [*PROOFS]


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
