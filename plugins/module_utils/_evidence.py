# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evidence of one run: its timeline, the log of its PiKVM, its report, all in one folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ._client.errors import OptionError, StateError
from ._junit import junit

Report = dict[str, Any]

SCHEMA = 1
"""Which docs/report.schema.json a report follows."""

CLOCK = "%Y-%m-%dT%H:%M:%S.%fZ"
LONGEST_LOG = 1024 * 1024
LONGEST_LINE = 4096
NOT_SHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")
"""What no file of the evidence holds raw: control characters, and those that turn the direction of a text."""


def plain(text: Any) -> str:
    """A text without what a terminal, a browser or an XML parser would stumble over."""
    return NOT_SHOWN.sub("?", str(text).replace("\r\n", "\n"))


def folder_of(base: str, host: str, run: str) -> Path:
    """The folder of a run. `OptionError` if a name leads somewhere else."""
    for option, name in (("host", host), ("run", run)):
        if not name or "\0" in name or {"", ".", ".."} & set(name.split("/")):
            raise OptionError(option, f"cannot be the name of a folder: {name!r}")
    return Path(base).absolute() / host / run


def make_folder(folder: Path) -> None:
    """`StateError` where it cannot be had, or nothing can be written to it."""
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as exc:
        raise StateError(f"There can be no folder {folder}: {exc.strerror}") from exc
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StateError(f"Nothing can be written to the folder {folder}")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all, readable for all. `StateError` where that cannot be done."""
    name = ""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
            name = part.name
            part.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as exc:
        if name and os.path.exists(name):
            os.unlink(name)
        raise StateError(f"{path} cannot be written: {exc.strerror}") from exc


def append_lines(folder: Path, lines: list[dict[str, Any]]) -> None:
    """Add to the timeline. `StateError` where that cannot be done."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    try:
        with (folder / "timeline.jsonl").open("a", encoding="utf-8") as timeline:
            timeline.write(text)
    except OSError as exc:
        raise StateError(f"{folder / 'timeline.jsonl'} cannot be written: {exc.strerror}") from exc


def read_timeline(folder: Path) -> list[dict[str, Any]]:
    """All lines that are whole; the last may be half written, or nothing be there yet."""
    try:
        text = (folder / "timeline.jsonl").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found = []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and {"time", "state", "event"} <= set(entry):
            found.append(entry)
    return found


def enter(folder: Path, state: str) -> None:
    """Note that a state begins. `StateError` where that cannot be done."""
    append_lines(folder, [{"time": now(), "state": state, "event": "entered"}])


def leave(folder: Path, left: dict[str, Any] | None) -> None:
    """Note what the state leaves behind that was entered last. `StateError` where that cannot be done."""
    if left is None:
        return
    begun = next((line for line in reversed(read_timeline(folder)) if line["event"] == "entered"), None)
    if begun is None:
        raise StateError(f"{folder / 'timeline.jsonl'} tells of no state that could be left")
    ended = now()
    done = {"time": ended, "state": begun["state"], "event": "done", "seconds": seconds(begun["time"], ended)}
    append_lines(folder, [{**done, "proof": left["proof"], "frame": left["frame"]}])


def states_of(folder: Path) -> list[dict[str, Any]]:
    """The states that are done, in their order, with what they have left behind."""
    entered = {}
    found = []
    for line in read_timeline(folder):
        if line["event"] == "entered":
            entered[line["state"]] = line["time"]
        elif line["event"] == "done":
            times = {"entered": entered.get(line["state"]), "ended": line["time"], "seconds": line.get("seconds")}
            found.append({"state": line["state"], **times, "proof": line.get("proof"), "frame": line.get("frame")})
    return found


def read_report(folder: Path) -> Report | None:
    """None where there is none yet, or none that can be read."""
    try:
        found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def save_log(folder: Path, lines: list[str]) -> dict[str, Any]:
    """Save the newest lines of the PiKVM's log; returns what the report tells of it."""
    kept: list[str] = []
    size = 0
    for line in reversed(lines):
        text = plain(line).replace("\n", " ")[:LONGEST_LINE]
        size += len(text.encode()) + 1
        if size > LONGEST_LOG:
            break
        kept.append(text)
    left_out = len(lines) - len(kept)
    head = [f"[{left_out} older lines left out]"] if left_out else []
    write_whole(folder / "kvmd.log", "".join(f"{line}\n" for line in [*head, *reversed(kept)]).encode())
    return {"file": "kvmd.log", "lines": len(kept), "left_out": left_out}


def save_report(folder: Path, given: Report, play: str, log: dict[str, Any]) -> Report:
    """Complete the report with what the folder holds; write it and junit.xml. Returns it."""
    states = given.get("states", states_of(folder))
    image = next((state["proof"] for state in states if state["state"] == "stage"), None)
    transitions = [{key: line[key] for key in ("time", "state", "event")} for line in read_timeline(folder)]
    led = [
        {"time": state["ended"], "state": state["state"], "power": state["proof"]["power"]}
        for state in states
        if "power" in (state.get("proof") or {}) and "ended" in state
    ]
    found = {"led": led, "transitions": transitions, "log": log}
    report = {"schema": SCHEMA, "play": play, "ended": now(), "image": image, "states": states, **given, **found}
    write_whole(folder / "junit.xml", junit(report))
    report["files"] = [fingerprint(path) for path in sorted(folder.iterdir()) if is_evidence(path)]
    write_whole(folder / "report.json", (json.dumps(report, indent=4, sort_keys=True) + "\n").encode())
    return report


def is_evidence(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.name != "report.json"


def fingerprint(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as source:
        for block in iter(lambda: source.read(256 * 1024), b""):
            digest.update(block)
            size += len(block)
    return {"name": path.name, "bytes": size, "sha256": digest.hexdigest()}


def now() -> str:
    return datetime.now(timezone.utc).strftime(CLOCK)


def seconds(begin: str, end: str) -> float:
    """What lies between two times of a timeline."""
    return round((datetime.strptime(end, CLOCK) - datetime.strptime(begin, CLOCK)).total_seconds(), 1)
