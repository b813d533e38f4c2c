# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that runs of Ansible say and write, kept for `make secrets`, together with the secrets that they were given.

Nothing is kept unless SECRETS_FOLDER names a folder; then every run is as talkative as Ansible can be.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = os.environ.get("SECRETS_FOLDER", "")
PASSWORD = "Wort:mit-4711+Zeichen%/" if FOLDER else "admin"
"""Of the simulated PiKVMs: the one they come with cannot be told from the user's name."""

VERBOSE = ("-vvvv",) if FOLDER else ()

NAMES = re.compile(r"^(pikvm_)?(password|totp_secret|auth_token)$")
SHORTEST = 6
"""Characters of what counts as a secret: less is found anywhere."""

LARGEST = 8 * 1024 * 1024
GIVEN = ("inventory.yml", "playbook.yml", "results.jsonl")
"""What a test writes itself; the results are kept as output."""

MODULE = "AnsiballZ_"
"""What Ansible packs a module and its options into: only its user can read it, and an async task removes it late."""


def secrets_in(value: Any, module: str = "") -> Iterator[str]:
    """The secrets in a play or an inventory: logins, typed texts, and what stands before the host of an address."""
    if isinstance(value, dict):
        for key, inner in value.items():
            typed = module == "community.pikvm.pikvm_keyboard" and key == "text"
            if isinstance(inner, str) and (NAMES.match(str(key)) or typed):
                yield inner
            yield from secrets_in(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from secrets_in(inner, module)
    elif isinstance(value, str):
        login = re.match(r"https?://[^/\s:@]*:([^/\s]+)@", value)
        if login:
            yield login.group(1)


def keep(folder: Path, begun: float, output: str, lines: str, given: list[Any]) -> None:
    """Keep what a run has said, and the files that it has written into its folder since it began."""
    if not FOLDER:
        return
    place = Path(FOLDER) / uuid.uuid4().hex
    place.mkdir(parents=True)
    (place / "output").write_text(f"{output}\n{lines}", encoding="utf-8")
    found = {secret for secret in secrets_in(given) if len(secret) >= SHORTEST and "{{" not in secret}
    (place / "secrets.json").write_text(json.dumps(sorted(found)), encoding="utf-8")
    for path in _files(folder):
        if path.name not in GIVEN and not path.name.startswith(MODULE) and _is_new(path, begun):
            with contextlib.suppress(FileNotFoundError):  # Ansible removes what it has sent, some of it late
                shutil.copyfile(path, place / f"{uuid.uuid4().hex}-{path.name[:80]}")


def _files(folder: Path) -> Iterator[Path]:
    """All below a folder, also while Ansible removes its own from there."""
    for place, _folders, names in os.walk(folder):
        yield from (Path(place, name) for name in names)


def _is_new(path: Path, begun: float) -> bool:
    try:
        told = path.stat()
    except OSError:
        return False
    return path.is_file() and told.st_mtime >= begun and told.st_size <= LARGEST
