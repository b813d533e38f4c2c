# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boot menus of installer images: find the entry that installs, and let it start by itself with more arguments."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Callable

from ._iso import ImageError

GRUB_NAME = "grub.cfg"
ISOLINUX_NAMES = ("isolinux.cfg", "syslinux.cfg")
OURS = "unattended"
NOT_FOR_INSTALLING = re.compile(r"memtest|rescue|\.c32$|\.efi$", re.IGNORECASE)
SECOND_CHOICE = re.compile(r"rd\.live\.check|/gtk/|mediacheck|speakup|expert")
"""What checks the medium first, whose checksum no longer holds, needs a mouse, or talks: last resorts."""

GRUB_LINE = re.compile(r"^([ \t]*(?:linux|linuxefi|linux16)[ \t]+)(\S+)([^\n]*)$", re.MULTILINE)
GRUB_ENTRY = re.compile(r"^[ \t]*menuentry[ \t]([^{\n]*)", re.MULTILINE)
TITLE = re.compile(r"""'([^']*)'|"([^"]*)"|(?<!\S)(?!--)(\S+)""")
ISOLINUX_KEPT = ("kernel", "linux", "initrd", "append", "fdt", "fdtdir")

Arguments = Callable[[str], "list[str]"]
"""What to add to arguments, given those of the entry."""


@dataclass(frozen=True)
class Entry:
    """An entry of a boot menu that starts a kernel."""

    title: str
    kernel: str
    arguments: str
    body: str


@dataclass(frozen=True)
class Wanted:
    """What to do with the menus.

    Attributes:
        arguments: the kernel arguments that the kind of installer needs; they replace those of the same names.
        more: further ones to add.
        removed: names of arguments to take away.
        entry: part of the title of the entry to start; empty for the first that installs.
        timeout: seconds until it starts.
    """

    arguments: Arguments
    more: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    entry: str = ""
    timeout: int = 1


@dataclass(frozen=True)
class Edited:
    """A menu as it will be. `original` is what it was, where there may be copies of it that the firmware reads."""

    path: str
    text: str
    entry: str
    arguments: list[str]
    original: bytes = b""


def menus(paths: list[str]) -> list[str]:
    """The files that may hold a menu, or a part of one."""
    folders = {posixpath.dirname(path) for path in paths if posixpath.basename(path).lower() in ISOLINUX_NAMES}
    return [
        path
        for path in paths
        if posixpath.basename(path).lower() == GRUB_NAME
        or (path.lower().endswith(".cfg") and posixpath.dirname(path) in folders)
    ]


def edit(texts: dict[str, str], wanted: Wanted) -> tuple[list[Edited], list[str]]:
    """Edit all menus among these files; returns them, and the paths of menus in which nothing could be edited."""
    edited, left = [], []
    for path, text in sorted(texts.items()):
        name = posixpath.basename(path).lower()
        if name == GRUB_NAME:
            entries = grub_entries(text)
            if entries:
                edited.append(_grub(path, text, entries, wanted))
        elif name in ISOLINUX_NAMES:
            entries = isolinux_entries(_expanded(path, texts))
            if entries:
                edited.append(_isolinux(path, entries, wanted))
            else:
                left.append(path)
    return edited, left


def grub_entries(text: str) -> list[Entry]:
    """The entries of a GRUB menu that start a kernel."""
    found = []
    matches = list(GRUB_ENTRY.finditer(text))
    ends = [match.start() for match in matches[1:]] + [len(text)]
    for match, end in zip(matches, ends):
        body = _block(text, match.end(), end)
        line = GRUB_LINE.search(body)
        if line and not NOT_FOR_INSTALLING.search(line.group(0)):
            title = next((part for part in _titles(match.group(1)) if part), "")
            found.append(Entry(title, line.group(2), line.group(3), body))
    return found


def isolinux_entries(lines: list[str]) -> list[Entry]:
    """The entries of an ISOLINUX menu that start a kernel."""
    blocks: list[tuple[list[str], dict[str, str]]] = []
    for line in lines:
        words = line.split(None, 1)
        key, rest = words[0].lower(), (words[1] if len(words) > 1 else "").strip()
        if key == "label":
            blocks.append(([rest], {}))
        elif key == "menu" and rest.lower().startswith("label") and blocks:
            blocks[-1][0].append(rest[5:].strip().replace("^", ""))
        elif key in ISOLINUX_KEPT and blocks:
            blocks[-1][1][key] = rest
    found = []
    for titles, keys in blocks:
        kernel = keys.get("kernel", keys.get("linux", ""))
        arguments = keys.get("append", "")
        if kernel and not NOT_FOR_INSTALLING.search(kernel) and not NOT_FOR_INSTALLING.search(arguments):
            body = "".join(f"  {key} {value}\n" for key, value in keys.items() if key != "append")
            found.append(Entry(" / ".join(reversed(titles)), kernel, arguments, body))
    return found


def choose(path: str, entries: list[Entry], wanted: str) -> Entry:
    """The entry to start.

    Raises:
        ImageError: there is none of the wanted title.
    """
    if wanted:
        for entry in entries:
            if wanted.lower() in entry.title.lower():
                return entry
        titles = ", ".join(repr(entry.title) for entry in entries)
        raise ImageError(f"No entry of the boot menu {path} is named like {wanted!r} (boot_entry). There are {titles}")
    first = [entry for entry in entries if not SECOND_CHOICE.search(entry.body + entry.arguments)]
    return (first or entries)[0]


def extended(arguments: str, added: list[str], removed: list[str]) -> str:
    """Kernel arguments with more of them. What stands behind `---` is for the installed system, and stays behind."""
    words = [word for word in arguments.split() if word.partition("=")[0] not in removed]
    marks = [number for number, word in enumerate(words) if word in ("---", "--")]
    at = marks[0] if marks else len(words)
    return " ".join([*words[:at], *added, *words[at:]])


def leading_to(label: str, path: str) -> bytes:
    """A GRUB menu that does nothing but to read another one."""
    return f"search --no-floppy --set=root -l '{label}'\nconfigfile {path}\n".encode()


def _grub(path: str, text: str, entries: list[Entry], wanted: Wanted) -> Edited:
    """The menu stays; an entry is added to it that is the default and starts soon."""
    entry = choose(path, entries, wanted.entry)
    added, removed = _changes(entry, wanted)
    escaped = [_grub_escaped(argument) for argument in added]

    def longer(line: re.Match[str]) -> str:
        return f"{line.group(1)}{line.group(2)} {extended(line.group(3), escaped, removed)}"

    body = GRUB_LINE.sub(longer, entry.body).strip("\n")
    ours = f"menuentry 'Unattended: {_plain(entry.title)}' --id {OURS} {{\n{body}\n}}\n"
    start = f"set default={OURS}\nset timeout_style=menu\nset timeout={wanted.timeout}\n"
    original = text.encode("utf-8", "surrogateescape")
    return Edited(path, f"{text.rstrip()}\n\n{ours}{start}", entry.title, added, original)


def _changes(entry: Entry, wanted: Wanted) -> tuple[list[str], list[str]]:
    """Arguments to add, and names of those to take away, among them what checks a checksum that no longer holds."""
    needed = wanted.arguments(entry.arguments)
    replaced = [argument.partition("=")[0] for argument in needed]
    return [*needed, *wanted.more], [*replaced, *wanted.removed, "rd.live.check"]


def _grub_escaped(argument: str) -> str:
    """As a word of GRUB's language; what the image's own menu holds is left as it is."""
    return argument if "hd:LABEL=" in argument else re.sub(r"([^\w@%+=:,./\[\]-])", r"\\\1", argument)


def _isolinux(path: str, entries: list[Entry], wanted: Wanted) -> Edited:
    """One entry in place of the menu, whose parts may change the default and the timeout in many ways."""
    entry = choose(path, entries, wanted.entry)
    added, removed = _changes(entry, wanted)
    line = extended(entry.arguments, added, removed)
    head = f"default {OURS}\nprompt 0\ntimeout {max(1, wanted.timeout * 10)}\n"
    return Edited(path, f"{head}label {OURS}\n{entry.body}  append {line}\n", entry.title, added)


def _titles(head: str) -> list[str]:
    """What may be the title of an entry: first of all what stands in quotes."""
    found = TITLE.findall(head)
    return [first or second for first, second, _word in found] + [word for _first, _second, word in found]


def _plain(title: str) -> str:
    return title.replace("'", "")


def _block(text: str, start: int, end: int) -> str:
    """What stands between the next brace and the one that closes it, where both come before the end."""
    depth, opened, quote, at = 0, -1, "", start
    while at < end:
        char = text[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "#" and text[at - 1].isspace():
            line_end = text.find("\n", at, end)
            at = line_end if line_end >= 0 else end
        elif char == "{":
            depth += 1
            opened = at if opened < 0 else opened
        elif char == "}":
            depth -= 1
            if depth == 0:
                return text[opened + 1 : at]
        at += 1
    return ""


def _expanded(path: str, texts: dict[str, str]) -> list[str]:
    """The lines of an ISOLINUX menu with those that it includes. What it includes twice adds nothing."""
    taken, found = {path}, []
    read = [iter(texts.get(path, "").splitlines())]
    while read:
        line = next(read[-1], None)
        if line is None:
            read.pop()
            continue
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].lower() == "include" and len(words) > 1:
            other = posixpath.normpath(posixpath.join(posixpath.dirname(path), words[1]))
            if other not in taken:
                taken.add(other)
                read.append(iter(texts.get(other, "").splitlines()))
        else:
            found.append(line)
    return found
