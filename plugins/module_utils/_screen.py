# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures of the screen: waited for, taken, saved whole."""

from __future__ import annotations

import os
import re
import tempfile
import time

from ._client.api import Pikvm
from ._client.console import Snapshot
from ._client.errors import OptionError, StateError, UnavailableError

SIGNAL_WITHIN = 3.0
"""Seconds for a running video to find its signal, before the screen counts as dark."""

PAUSE = 0.2

LONGEST_TEXT = 4000

LONGEST_NAME = 255
"""Bytes of a file's name on all common file systems."""


class Screen:
    """The text of the screen, as it was read last."""

    def __init__(self, client: Pikvm) -> None:
        self._client = client
        self.text = ""

    def shows(self, pattern: re.Pattern[str]) -> bool:
        """Read the screen now. A screen without a picture shows nothing."""
        try:
            self.text = self._client.console.screen_text()[:LONGEST_TEXT]
        except UnavailableError:
            self.text = ""
        return pattern.search(self.text) is not None


def take_picture(client: Pikvm, width: int | None, quality: int | None, timeout: float) -> Snapshot:
    """A picture, with a signal if there is one. The caller is a viewer, so that the video runs.

    Args:
        timeout: seconds for the video to start.

    Raises:
        UnavailableError: it does not start.
    """
    deadline = time.monotonic() + timeout
    dark_since: float | None = None
    while True:
        try:
            picture = client.console.snapshot(True, width, None, quality)
        except UnavailableError:
            if time.monotonic() >= deadline:
                raise
        else:
            dark_since = dark_since or time.monotonic()
            if picture.online or time.monotonic() - dark_since >= SIGNAL_WITHIN:
                return picture
        time.sleep(PAUSE)


def load_picture(client: Pikvm, width: int | None, quality: int | None) -> Snapshot:
    """The picture that the PiKVM keeps. Raises StateError where it keeps none."""
    try:
        return client.console.snapshot(False, width, None, quality, load=True)
    except UnavailableError as exc:
        raise StateError("The PiKVM keeps no picture to load; saved=keep lets it keep one") from exc


def check_langs(client: Pikvm, langs: list[str]) -> None:
    """Raise OptionError unless the PiKVM can read text, in these languages."""
    ocr = client.console.ocr()
    if not ocr.enabled:
        raise OptionError("ocr", "this PiKVM cannot read text: Tesseract is not installed on it")
    for lang in langs:
        if lang not in ocr.available:
            raise OptionError("ocr_langs", f"the PiKVM does not know {lang!r}; it knows: {', '.join(ocr.available)}")


def check_dest(dest: str | None, option: str = "dest") -> None:
    """Raise OptionError, in the name of an option, where no file can be written."""
    if dest is None:
        return
    if not _can_be_a_file(dest):
        raise OptionError(option, f"{dest!r} cannot be the name of a file")
    folder = os.path.dirname(os.path.abspath(dest))
    if os.path.isdir(dest):
        raise OptionError(option, f"{dest} is a directory; a file is needed")
    if not os.path.isdir(folder):
        raise OptionError(option, f"there is no directory {folder}")
    if not os.access(folder, os.W_OK):
        raise OptionError(option, f"{folder} cannot be written to")


def _can_be_a_file(dest: str) -> bool:
    try:
        return "\0" not in dest and len(os.path.basename(os.fsencode(dest))) <= LONGEST_NAME
    except UnicodeEncodeError:
        return False


def save(picture: bytes, dest: str, option: str = "dest") -> None:
    """Write a file as a whole or not at all. Raises OptionError where that is not possible."""
    folder = os.path.dirname(os.path.abspath(dest))
    part = ""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".pikvm-", delete=False) as file:
            part = file.name
            file.write(picture)
        os.chmod(part, 0o644)
        os.replace(part, dest)
    except OSError as exc:
        if part:
            os.unlink(part)
        raise OptionError(option, f"cannot write {dest}: {exc.strerror or exc}") from exc
