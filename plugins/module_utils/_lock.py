# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run per PiKVM at a time: who on this controller is using which device."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Holder:
    """A run of Ansible that uses a device for one of its hosts.

    Attributes:
        pid: its main process.
        started: what tells it from a later process of the same number; empty where the system does not tell.
    """

    pid: int
    started: str
    host: str

    @classmethod
    def of(cls, pid: int, host: str) -> Holder:
        return cls(pid, _started(pid), host)

    @property
    def alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return _started(self.pid) == self.started


class Lock:
    """The lock of a device, a file that its holder leaves behind when it is killed: then it counts no more.

    Args:
        folder: where locks are; made if it is not there.
        device: the address of the PiKVM, with or without scheme and login.
    """

    def __init__(self, folder: Path, device: str) -> None:
        place = re.sub(r"^(?:\w+:)?/*(?:.*@)?", "", device.strip().lower()).rstrip("/")
        self._folder = folder
        self._file = folder / f"{hashlib.sha256(place.encode()).hexdigest()[:16]}.json"

    def take(self, holder: Holder) -> Holder | None:
        """Take it, unless it is held: then its holder is returned. Raises OSError where no file can be written."""
        with self._notes() as notes:
            other = self._other(notes, holder)
            if other is None:
                notes["holder"] = asdict(holder)
            return other

    def look(self, holder: Holder) -> Holder | None:
        """Who else holds it."""
        try:
            notes = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return self._other(notes if isinstance(notes, dict) else {}, holder)

    def release(self, holder: Holder) -> None:
        """Let go of it, if it is ours."""
        with self._notes() as notes:
            if notes.get("holder") == asdict(holder):
                del notes["holder"]

    def note_keys(self, seconds: float) -> None:
        """Keys are pressed for so long from now on, and not by a person."""
        with self._notes() as notes:
            notes["keys"] = time.time() + seconds

    def since_keys(self) -> float | None:
        """Seconds since keys were to be pressed last; None if they never were."""
        try:
            noted = json.loads(self._file.read_text(encoding="utf-8"))["keys"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return max(0.0, time.time() - float(noted))

    @staticmethod
    def _other(notes: dict[str, Any], holder: Holder) -> Holder | None:
        try:
            found = Holder(**notes["holder"])
        except (KeyError, TypeError):
            return None
        return found if found != holder and found.alive else None

    @contextmanager
    def _notes(self) -> Iterator[dict[str, Any]]:
        """What is in the file, to be changed by one process at a time."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._file.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            try:
                notes = json.loads(file.read() or "{}")
            except ValueError:
                notes = {}
            notes = notes if isinstance(notes, dict) else {}
            yield notes
            file.seek(0)
            file.truncate()
            file.write(json.dumps(notes))


def _started(pid: int) -> str:
    """When a process was started, in ticks since the system was; Linux only."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
