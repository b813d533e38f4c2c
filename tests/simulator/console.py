# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text console of the computer's running system: a login prompt with a small shell behind it."""

from __future__ import annotations

from .keyboard import Keyboard

HOST = "server"
LINES = 21
"""Above the prompt; the picture has room for one more."""


class Console:
    """Takes keys and shows lines; any user name and password will do."""

    def __init__(self, banner: str) -> None:
        self._lines = [banner]
        self._typed = ""
        self._user = ""
        self._asking = "login"

    @property
    def screen(self) -> list[str]:
        """The lines a monitor would show."""
        seen = "" if self._asking == "password" else self._typed
        return [*self._lines[-LINES:], f"{self._prompt} {seen}".rstrip()]

    def key(self, key: str, character: str, keyboard: Keyboard) -> str:
        """A key goes down; tells a command that is for the whole computer, else nothing."""
        if key in ("Enter", "NumpadEnter"):
            return self._enter()
        if key == "Backspace":
            self._typed = self._typed[:-1]
        elif keyboard.holds("Control") and key in ("KeyC", "KeyD"):
            self._break_off(logs_out=key == "KeyD" and not self._typed)
        elif character:
            self._typed += character
        return ""

    @property
    def _prompt(self) -> str:
        prompts = {"login": f"{HOST} login:", "password": "Password:", "command": f"{self._user}@{HOST}:~#"}
        return prompts[self._asking]

    def _enter(self) -> str:
        typed, asked = self._typed, self._asking
        self._lines = self.screen
        self._typed = ""
        if asked == "command":
            return self._run(typed.strip())
        if asked == "password":
            self._asking = "command"
            self._lines.append(f"Welcome, {self._user}")
        elif typed.strip():
            self._user, self._asking = typed.strip(), "password"
        return ""

    def _run(self, line: str) -> str:
        command, _blank, rest = line.partition(" ")
        if command == "echo":
            self._lines.append(rest.strip().strip("\"'"))
        elif command in ("exit", "logout"):
            self._asking = "login"
        elif command in ("poweroff", "reboot"):
            return command
        elif command:
            self._lines.append(f"sh: {command}: command not found")
        return ""

    def _break_off(self, logs_out: bool) -> None:
        self._lines = self.screen
        self._typed = ""
        if logs_out or self._asking != "command":
            self._asking = "login"
