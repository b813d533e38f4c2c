# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the code in guides and READMEs against the files that the tests run.

    guides.py [--write]

A block of code is a copy of a file, which the comment above it names: `.. examples/a.yml`, in Markdown
`<!-- examples/a.yml -->`. It is a copy, and no `literalinclude`, because whoever builds the documentation of many
collections takes nothing but docs/docsite/rst/*.rst, and GitHub shows no included file. Or it is a console: commands
after `$ `, and what they print. Prints one line per finding, and exits with 1 if there is any; `--write` renews the
copies first.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "docsite" / "rst"
PAGES = [*sorted(GUIDES.glob("*.rst")), ROOT / "README.md", *sorted(ROOT.glob("roles/*/README.md"))]

BEGIN = {".rst": re.compile(r"\.\. code-block:: *(\w+)"), ".md": re.compile(r"```(\w+)")}
SOURCE = {
    ".rst": re.compile(r"\.\. ((?:examples|extensions/eda/rulebooks)/\S+)"),
    ".md": re.compile(r"<!-- (examples/\S+) -->"),
}
HIDDEN = re.compile(
    r"\s+(\.\. code-block::|```)|\.\. code-block::(?! *\w+$)|"
    r"\s*\.\. (code|sourcecode|literalinclude|include)::|(?!\.\. ).*::$"
)
"""Code in a form that `blocks` does not find."""

RUN = ("ansible", "ansible-playbook", "ls", "openssl")
"""Commands that a test of the guides runs."""
NOT_RUN = ("ansible-doc", "ansible-galaxy", "ansible-rulebook", "ansible-vault", "cd", "export", "make", "python3")
"""Commands that need a network or a person, or that tests of their own run."""
PROMPT = "$ "
ON_THE_PIKVM = "[root@pikvm ~]# "
PRINTED = {"text", "json"}
"""Languages of what is printed or written, rather than run."""


@dataclass(frozen=True)
class Command:
    """A command of a console, and what is shown of its output, line by line."""

    line: str
    output: tuple[str, ...]

    @property
    def program(self) -> str:
        return self.line.split(maxsplit=1)[0]


@dataclass(frozen=True)
class Block:
    """A block of code: where its text begins and ends in its page, and the file that it is a copy of."""

    page: Path
    begin: int
    end: int
    language: str
    source: str
    text: str

    @property
    def commands(self) -> list[Command]:
        """Those of a console that are typed where Ansible is."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.replace("\\\n", "").splitlines():
            if line.startswith((PROMPT, ON_THE_PIKVM)):
                found.append((line, []))
            elif found:
                found[-1][1].append(line)
        return [
            Command(re.sub(r"\s{2,}(# .*)?", " ", line.removeprefix(PROMPT)).strip(), tuple(output))
            for line, output in found
            if line.startswith(PROMPT)
        ]


def blocks(page: Path) -> list[Block]:
    """The blocks of code of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines):
        begins = BEGIN[page.suffix].fullmatch(line)
        if begins:
            begin, end = _body(lines, number + 1, page.suffix)
            above = next((each for each in reversed(lines[:number]) if each), "")
            source = SOURCE[page.suffix].fullmatch(above)
            text = "\n".join(each.removeprefix(_indent(page)) for each in lines[begin:end])
            found.append(Block(page, begin, end, begins[1], source[1] if source else "", text))
    return found


def _body(lines: list[str], begin: int, suffix: str) -> tuple[int, int]:
    """Where the text of a block begins and ends, without blank lines around it."""
    if suffix == ".md":
        return begin, lines.index("```", begin)
    begin += 1
    end = begin
    while end < len(lines) and (not lines[end] or lines[end].startswith(" ")):
        end += 1
    while end > begin and not lines[end - 1]:
        end -= 1
    return begin, end


def _indent(page: Path) -> str:
    return "   " if page.suffix == ".rst" else ""


def shown(source: str) -> str:
    """A file without its licence."""
    lines = (ROOT / source).read_text(encoding="utf-8").splitlines()
    if source.endswith(".json"):
        return "\n".join(lines)
    return "\n".join(lines[lines.index("---" if "---" in lines else "") + 1 :]).strip()


def write(page: Path) -> None:
    """Renew the copies of a page; those at its end first, so that the others stay where they are."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for block in reversed(blocks(page)):
        if block.source:
            copy = shown(block.source).splitlines()
            indented = [f"{_indent(page)}{line}" if line else "" for line in copy]
            lines[block.begin : block.end] = indented if block.text or page.suffix == ".md" else [*indented, ""]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def findings(page: Path) -> Iterator[str]:
    """What is wrong with a page, with the number of the line."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if HIDDEN.match(line):
            yield f"{number}: code begins in the first column with `{BEGIN[page.suffix].pattern}`"
    if lines.count("```") > len(blocks(page)):
        yield "1: each block of code tells its language"
    for block in blocks(page):
        for words in _wrong(block):
            yield f"{block.begin + 1}: {words}"


def _wrong(block: Block) -> Iterator[str]:
    if block.source:
        if block.text != shown(block.source):
            yield f"is not what {block.source} is; {Path(__file__).name} --write copies it"
    elif block.language == "console":
        if not block.text.startswith((PROMPT, ON_THE_PIKVM)):
            yield f"a console begins with {PROMPT!r} and a command"
        for command in block.commands:
            if command.program not in (*RUN, *NOT_RUN):
                yield f"no test runs {command.program}"
    elif block.language not in PRINTED:
        yield f"{block.language} is to be a copy of a file in examples/ that a test runs"


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold the code in guides against the files that the tests run.")
    parser.add_argument("--write", action="store_true", help="renew the copies first")
    if parser.parse_args().write:
        for page in PAGES:
            write(page)
    found = [f"{page.relative_to(ROOT)}:{words}" for page in PAGES for words in findings(page)]
    print("\n".join(found) if found else f"The code of {len(PAGES)} pages is that of the files they name")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
