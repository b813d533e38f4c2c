# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what no other linter does: sizes, the client's licence, the action group, what README and CONTRIBUTING name.

Prints one line per finding, and exits with 1 if there is any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("plugins", "extensions", "tests")
FILE_LINES = 400
FUNCTION_LINES = 80
# In two parts, or the licence checker takes this line for a licence.
TAG = "SPDX-License" + "-Identifier:"


def sources() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "output" not in path.parts)


def oversized(path: Path) -> Iterator[str]:
    """A file over FILE_LINES lines, and each function over FUNCTION_LINES."""
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield f"1: {lines} lines, {FILE_LINES} are allowed"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has {length} lines, {FUNCTION_LINES} are allowed"


def wrong_licence(path: Path) -> Iterator[str]:
    """The client is BSD-2-Clause so that others can reuse it; everything else is GPL."""
    wanted = "BSD-2-Clause" if "_client" in path.parts else "GPL-3.0-or-later"
    head = path.read_text(encoding="utf-8")[:500]
    if head and f"{TAG} {wanted}\n" not in head:
        yield f"1: {TAG} {wanted} is missing"


def ungrouped() -> Iterator[str]:
    """Modules that connect and that `module_defaults: group/community.pikvm.all` would miss; names without a module."""
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    group = set(runtime["action_groups"]["all"])
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("pikvm_*.py")}
    for name in sorted(modules - group):
        yield f"meta/runtime.yml:1: module {name} is not in the action group"
    for name in sorted(group - modules):
        yield f"meta/runtime.yml:1: {name} is in the action group and is no module"


def unnamed() -> Iterator[str]:
    """Modules that README does not name, and make targets that CONTRIBUTING does not name."""
    readme, contributing, makefile = (_read(name) for name in ("README.md", "CONTRIBUTING.md", "Makefile"))
    for name in sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")):
        if f"\n| `{name}` | " not in readme:
            yield f"README.md:1: module {name} has no row"
    for target in re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE):
        if not re.search(rf"make {target}(?![a-z-])", contributing):
            yield f"CONTRIBUTING.md:1: make {target} is not named"


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def findings() -> Iterator[str]:
    for path in sources():
        for finding in (*oversized(path), *wrong_licence(path)):
            yield f"{path.relative_to(ROOT)}:{finding}"
    yield from ungrouped()
    yield from unnamed()


def main() -> int:
    found = list(findings())
    print("\n".join(found) if found else f"{len(sources())} source files are as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
