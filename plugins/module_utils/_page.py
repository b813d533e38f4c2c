# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a play: one file, no script, nothing fetched; every text on it is that of somebody else, and escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import _words as words
from ._evidence import now, plain
from ._junit import failed_seconds
from ._page_style import STYLE

LARGEST_FRAME = 512 * 1024
LARGEST_TOTAL = 6 * 1024 * 1024
"""Bytes of the frames that become part of the page; the others are linked to."""

JPEG = b"\xff\xd8"
LONGEST_ALT = 300

MARKS = {"failed": "✗", "running": "…", "succeeded": "✓", "waiting": "○"}
"""In the order in which hosts are shown."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: file: 'self'"


@dataclass(frozen=True)
class Row:
    """A host of the play.

    Attributes:
        run: its newest run; empty where it has not begun.
        report: of that run, where it has ended.
        timeline: of that run, where it has not.
        earlier: its other runs in this play, newest first.
    """

    host: str
    run: str = ""
    report: dict[str, Any] | None = None
    timeline: list[dict[str, Any]] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        if not self.run:
            return "waiting"
        if self.report is None:
            return "running"
        return "failed" if self.report.get("result") != "succeeded" else "succeeded"

    def frames(self) -> list[tuple[str, dict[str, Any]]]:
        """What was taken, and when; also that which could not be."""
        report = self.report or {}
        found = [(state["state"], state.get("frame")) for state in report.get("states", [])]
        found.append((f"{report.get('failed_state')}, failed", (report.get("cleanup") or {}).get("frame")))
        return [(when, frame) for when, frame in found if isinstance(frame, dict)]

    def pictures(self) -> list[str]:
        return [frame["file"] for _when, frame in self.frames() if is_name(frame.get("file"))]


def is_name(value: Any) -> bool:
    """Whether it is the name of a file in the run's own folder."""
    return isinstance(value, str) and value not in ("", ".", "..") and not set(value) & set("/\\\0")


def text(value: Any) -> str:
    return escape(plain(value))


def page(base: Path, started: str, rows: list[Row], others: list[str], up: str) -> str:
    """The whole page.

    Args:
        base: folder of all evidence.
        up: how to get to it from the folder of the page.
    """
    counts = {state: sum(row.state == state for row in rows) for state in MARKS}
    sums = "".join(
        f'<li class="badge {state}">{mark} {counts[state]} {SAID[state]}</li>'
        for state, mark in MARKS.items()
        if counts[state]
    )
    title = "Reinstallation of " + (rows[0].host if len(rows) == 1 else f"{len(rows)} servers")
    in_short = ", ".join(f"{count} {SAID[state]}" for state, count in counts.items() if count)
    shown = sorted(rows, key=lambda row: list(MARKS).index(row.state))
    art = embedded(base, shown)
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<link rel="icon" href="data:,">\n<title>{text(title)}: {in_short}</title>',
            f"<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{text(title)}</h1>",
            f'<p class="soft">Begun {text(words.clock(started, True))} UTC, as of {words.clock(now(), True)} UTC</p>',
            f'<ul class="sums">{sums}</ul>\n</header>\n<main>',
            *(host(row, up, art, f"h{number}") for number, row in enumerate(shown)),
            f"</main>\n<footer>{_others(others, up)}</footer>\n</body>\n</html>\n",
        ]
    )


LEDS = {"on": "● ", "off": "○ "}
SAID = {"failed": "failed", "running": "without an end", "succeeded": "succeeded", "waiting": "not begun"}


def _others(others: list[str], up: str) -> str:
    links = [f'<a href="{up}plays/{quote(name)}.html">{text(name)}</a>' for name in others]
    return f"<p>Other plays: {', '.join(links)}</p>" if links else ""


def embedded(base: Path, rows: list[Row]) -> dict[tuple[str, str], str]:
    """The frames that become part of the page, by host and file, as data URIs: the last one of each host first."""
    wanted = [
        (len(names) - place, row, name)
        for row in rows
        for names in [row.pictures()]
        for place, name in enumerate(names)
    ]
    art: dict[tuple[str, str], str] = {}
    left = LARGEST_TOTAL
    for _place, row, name in sorted(wanted, key=lambda item: item[0]):
        data = picture(base / row.host / row.run / name)
        if data and len(data) <= left:
            left -= len(data)
            art[row.host, name] = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    return art


def picture(path: Path) -> bytes:
    """Its bytes; none if it is no JPEG, or larger than LARGEST_FRAME."""
    try:
        if path.stat().st_size > LARGEST_FRAME:
            return b""
        data = path.read_bytes()
    except OSError:
        return b""
    return data if data.startswith(JPEG) else b""


def host(row: Row, up: str, art: dict[tuple[str, str], str], ident: str) -> str:
    """The row of a host."""
    report = row.report or {}
    took = words.duration(report.get("seconds"))
    folder = f"{up}{quote(row.host)}/{quote(row.run)}/"
    parts = [
        f'<article class="host {row.state}" aria-labelledby="{ident}">',
        f'<header><h2 id="{ident}">{text(row.host)}</h2> <span class="badge">{MARKS[row.state]} {headline(row)}</span>',
        f'<span class="took"><span class="hidden">took </span>{took}</span></header>',
        track(row),
    ]
    if report.get("error"):
        parts.append(failure(report))
    shots = [shot(row, f"{ident}-f{n}", *item, folder, art) for n, item in enumerate(row.frames())]
    if shots:
        parts.append(f'<div class="frames">{"".join(shots)}</div>')
    if row.report is not None:
        parts += ["<details><summary>States, proof, versions and files</summary>", *details(row, folder), "</details>"]
    return "\n".join([*filter(None, parts), "</article>"])


def headline(row: Row) -> str:
    """The state of a host in a few words."""
    report = row.report or {}
    if row.state == "failed":
        return f"Failed in {text(report.get('failed_state'))}" if report.get("failed_state") else "Failed"
    if row.state == "running" and row.timeline:
        last = row.timeline[-1]
        return f"In {text(last['state'])} since {text(words.clock(last['time']))} UTC, or interrupted"
    return {"running": "Begun", "succeeded": "Succeeded", "waiting": "Not begun"}[row.state]


def track(row: Row) -> str:
    """All states of the run, each with a mark and its time."""
    report = row.report or {}
    done = {state["state"]: state.get("seconds") for state in report.get("states", [])}
    names: list[str] = [*report.get("planned", done)]
    failed = (report.get("error") or {}).get("state")
    if failed and failed not in names:
        names.insert(0, failed)
    if row.report is None:
        done = {line["state"]: line.get("seconds") for line in row.timeline if line["event"] == "done"}
        names = list(dict.fromkeys(line["state"] for line in row.timeline))
    items = []
    for name in names:
        kind, mark = ("done", "✓") if name in done else ("failed", "✗") if name == failed else ("todo", "○")
        if row.report is None and kind == "todo":
            kind, mark = "now", "…"
        seconds = done.get(name) if name in done else failed_seconds(report) if name == failed else None
        time = words.duration(seconds) or ("" if kind != "todo" else "not reached")
        items.append(
            f'<li class="{kind}" title="{text(name)} {time}">{mark} '
            f'<span class="name">{text(name)}</span><span class="time">{time}</span></li>'
        )
    return f'<ol class="track" aria-label="States">{"".join(items)}</ol>' if items else ""


def failure(report: dict[str, Any]) -> str:
    """The first error in words, what to do, and what was done."""
    error, cleanup = report["error"], report.get("cleanup") or {}
    lines = [
        f"<p><strong>{text(str(error.get('class', 'failed')).capitalize())}:</strong> {text(error.get('msg', ''))}</p>"
    ]
    if error.get("advice"):
        lines.append(f"<p>{text(error['advice'])}</p>")
    if cleanup.get("words"):
        lines.append(f"<p>{text(cleanup['words'])}</p>")
    return f'<div class="why">{"".join(lines)}</div>'


def shot(row: Row, ident: str, when: str, frame: dict[str, Any], folder: str, art: dict[tuple[str, str], str]) -> str:
    """A frame; chosen, it fills the window and tells its text."""
    caption = f'<span class="name">{text(when)}</span>'
    if not is_name(frame.get("file")):
        reason = f'<pre class="big">{text(frame.get("msg") or "")}</pre>'
        inner = f'<a href="#{ident}"><span class="dark">no picture</span></a><figcaption>{caption}{reason}</figcaption>'
        return f'<figure id="{ident}">{inner}<a class="big close" href="#">Close</a></figure>'
    name, seen = frame["file"], plain(frame.get("text") or "").strip()
    told = " ".join(seen.split())
    said = "no signal" if frame.get("online") is False else told[:LONGEST_ALT] or "no text was read"
    link = f"{folder}{quote(name)}"
    source = art.get((row.host, name)) or link
    alt = escape(f"Screen of {plain(row.host)}, {plain(when)}: {said}")
    more = f'<span class="big"><a href="{link}">{text(name)}</a></span><pre class="big">{escape(seen)}</pre>'
    dark = " (no signal)" if frame.get("online") is False else ""
    read = f'<span class="read">{escape(told[:LONGEST_ALT])}</span>' if told and not dark else ""
    return (
        f'<figure id="{ident}"><a href="#{ident}"><img src="{source}" alt="{alt}" loading="lazy"></a>'
        f'<figcaption>{caption}{dark}{read}{more}</figcaption><a class="big close" href="#">Close</a></figure>'
    )


def details(row: Row, folder: str) -> Iterator[str]:
    """All else that the report tells."""
    report = row.report or {}
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("State", "Took", "Proof"))
    yield f"<table><thead><tr>{heads}</tr></thead><tbody>"
    for state in report.get("states", []):
        took, told = words.duration(state.get("seconds")), text(words.proof(state["state"], state.get("proof")))
        yield f'<tr><th scope="row">{text(state["state"])}</th><td class="num">{took}</td>'
        yield f'<td class="wide">{told}</td></tr>'
    yield "</tbody></table>\n<dl>"
    for name, value in facts(report):
        yield f"<dt>{name}</dt><dd>{value}</dd>"
    files = [entry for entry in report.get("files", []) if is_name(entry.get("name"))]
    links = [f'<a href="{folder}report.json">report.json</a>']
    links += [f'<a href="{folder}{quote(entry["name"])}">{text(entry["name"])}</a>' for entry in files]
    yield f"<dt>Files</dt><dd>{', '.join(links)}</dd>"
    if row.earlier:
        others = [f'<a href="{folder}../{quote(run)}/report.json">{text(run)}</a>' for run in row.earlier]
        yield f"<dt>Earlier in this play</dt><dd>{', '.join(others)}</dd>"
    yield "</dl>"


def facts(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and values, escaped."""
    begun, ended = (words.clock(report.get(key), True) for key in ("started", "ended"))
    yield "Run", f"{text(report.get('run'))}, entry point {text(report.get('entry_point'))}"
    yield "Time", f"{text(begun)} to {text(ended)} UTC"
    known = {name: value for name, value in (report.get("versions") or {}).items() if value}
    yield "Versions", text(", ".join(f"{name.replace('_', '-')} {value}" for name, value in known.items()))
    leds = []
    for led in report.get("led", []):
        power = str(led.get("power"))
        leds.append(f'<span class="led">{LEDS.get(power, "")}{text(power)} {text(words.clock(led.get("time")))}</span>')
    if leds:
        yield "Power LED", "".join(leds)
    log = report.get("log") or {}
    if log.get("msg"):
        yield "Log of the PiKVM", text(log["msg"])
