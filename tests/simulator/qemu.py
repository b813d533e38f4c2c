# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A QEMU process and the socket over which it is told what to do (QMP)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from qemu.qmp import ExecuteError, QMPClient, QMPError

PROGRAM = "qemu-system-x86_64"

LAUNCHER = ("setpriv", "--pdeathsig", "KILL", "--")
"""The kernel kills QEMU when whoever started it is gone, however that ended."""

GOODBYE = 5.0
"""Real seconds for QEMU to go when it is told to, before it is killed."""


class GoneError(Exception):
    """QEMU has ended, or is about to."""


class RefusedError(Exception):
    """QEMU has not started, or will not do what it was told."""


class Qemu:
    """One run of QEMU, from power on to power off."""

    def __init__(self, process: asyncio.subprocess.Process, client: QMPClient) -> None:
        self._process = process
        self._client = client

    @classmethod
    async def start(cls, arguments: list[str]) -> Qemu:
        """Start it, with the processor still stopped. `RefusedError` where that is not possible."""
        ours, theirs = socket.socketpair()
        wires = ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"]
        command = [*LAUNCHER, PROGRAM, "-S", "-nodefaults", "-no-user-config", "-display", "none", *wires, *arguments]
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *command,
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        client = QMPClient("virtual machine")
        try:
            await client.connect(ours)
        except QMPError as error:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            _nothing, words = await process.communicate()
            raise RefusedError(words.decode(errors="replace").strip() or str(error)) from error
        return cls(process, client)

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self._process.returncode is None

    async def tell(self, command: str, **arguments: Any) -> Any:
        """Execute a command; underscores in names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        try:
            return await self._client.execute(command, named or None)
        except ExecuteError as error:
            raise RefusedError(f"{command}: {error}") from error
        except QMPError as error:
            raise GoneError from error

    async def ended(self) -> None:
        """Wait until the process is gone, and hang up."""
        await self._process.wait()
        with contextlib.suppress(QMPError, EOFError, OSError):
            await self._client.disconnect()

    async def end(self) -> None:
        """Cut the power."""
        if self.running:
            with contextlib.suppress(GoneError, RefusedError):
                await self.tell("quit")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), GOODBYE)
        with contextlib.suppress(ProcessLookupError):
            if self.running:
                self._process.kill()
        await self.ended()
