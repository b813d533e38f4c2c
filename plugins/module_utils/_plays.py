# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plays that evidence is kept of: which hosts each has, which runs each host had in it, and their page."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from ._client.errors import StateError
from ._evidence import make_folder, now, read_report, read_timeline, write_whole
from ._page import Row, page

PATIENCE = 30.0
"""Seconds for another host that writes the page."""

LISTED = 20
"""How many other plays a page links to."""


@dataclass
class Play:
    """What is known of a play.

    Attributes:
        name: name of its files, from the time of its first run and from what identifies it.
        started: when its first run began.
        hosts: all that it is for, whether they have begun or not.
        runs: host and run, in the order they began.
    """

    name: str
    started: str
    hosts: list[str] = field(default_factory=list)
    runs: list[tuple[str, str]] = field(default_factory=list)


def note(base: Path, identity: str, hosts: list[str], host: str, run: str) -> Play:
    """Note a run of a play, and write the page of the play anew. `StateError` where that cannot be done."""
    make_folder(base / "plays")
    with _locked(base / "plays" / ".lock"):
        play = _load(base, identity, host, run)
        play.hosts += [name for name in dict.fromkeys([*hosts, host]) if name not in play.hosts]
        if (host, run) not in play.runs:
            play.runs.append((host, run))
        known = {"name": play.name, "started": play.started, "hosts": play.hosts, "runs": play.runs}
        write_whole(base / "plays" / f"{play.name}.json", (json.dumps(known, indent=1) + "\n").encode())
        _write_pages(base, play)
    return play


def name_of(base: Path, identity: str, host: str, run: str) -> str:
    """The name of the play that a run belongs to; a new one if it has not been noted."""
    return _load(base, identity, host, run).name


def _load(base: Path, identity: str, host: str, run: str) -> Play:
    """What is known of the play of this identity; a new one where nothing is. A run without one is its own play."""
    key = hashlib.sha256((identity or f"{host}/{run}").encode("utf-8", "replace")).hexdigest()[:8]
    for path in sorted((base / "plays").glob(f"*-{key}.json")):
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return Play(
                path.stem, str(found["started"]), list(found["hosts"]), [(pair[0], pair[1]) for pair in found["runs"]]
            )
        except (OSError, ValueError, LookupError, TypeError):
            continue
    started = now()
    return Play(f"{re.sub('[-:]|[.].*', '', started)}Z-{key}", started)


def _write_pages(base: Path, play: Play) -> None:
    """The page under the play's own name, and as index.html unless a newer play has that."""
    others = sorted((path.stem for path in (base / "plays").glob("*.json") if path.stem != play.name), reverse=True)
    rows = [_row(base, play, host) for host in play.hosts]
    write_whole(base / "plays" / f"{play.name}.html", page(base, play.started, rows, others[:LISTED], "../").encode())
    if not others or play.name >= others[0]:
        write_whole(base / "index.html", page(base, play.started, rows, others[:LISTED], "").encode())


def _row(base: Path, play: Play, host: str) -> Row:
    runs = [run for name, run in play.runs if name == host]
    if not runs:
        return Row(host)
    folder = base / host / runs[-1]
    report = read_report(folder)
    return Row(host, runs[-1], report, [] if report else read_timeline(folder), runs[-2::-1])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One host at a time writes. `StateError` where another does not come to an end."""
    deadline = time.monotonic() + PATIENCE
    try:
        handle = path.open("a", encoding="utf-8")
    except OSError as exc:
        raise StateError(f"{path} cannot be written: {exc.strerror}") from exc
    with handle:
        while not _taken(handle):
            if time.monotonic() > deadline:
                raise StateError(f"{path} is held by another process")
            time.sleep(0.02)
        yield


def _taken(handle: TextIO) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
