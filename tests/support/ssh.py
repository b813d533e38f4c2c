# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH server of a simulated computer, with the host key of what runs there."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import asyncssh

from tests.simulator import Simulator
from tests.simulator.machine import ScriptedMachine

PATIENCE = 10.0


def host_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


def public(key: asyncssh.SSHKey) -> str:
    """Type and key, as known_hosts has them."""
    return " ".join(key.export_public_key().decode().split()[:2])


class SshServer:
    """Answers on a port of this machine as the computer would.

    Args:
        key_of: the host key of what the computer runs; None where nothing answers.
    """

    def __init__(self, sim: Simulator, key_of: Callable[[ScriptedMachine], asyncssh.SSHKey | None]) -> None:
        self.port = 0
        self._sim = sim
        self._key_of = key_of
        self._loop = asyncio.new_event_loop()
        self._talks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> SshServer:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(PATIENCE)
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _close(self) -> None:
        self._server.close()
        for task in self._talks:
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await asyncio.sleep(0.1)  # transports close a turn of the loop later

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            key = self._key_of(self._sim.machine)
            if key:
                await self._talk(key, reader, writer)
        finally:
            writer.close()
            self._talks.discard(task)

    async def _talk(self, key: asyncssh.SSHKey, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand a connection on to an SSH server with the key of the moment."""
        open_to_all = {"server_factory": _Open, "process_factory": self._answer, "server_host_keys": [key]}
        async with asyncssh.listen("127.0.0.1", 0, **open_to_all) as server:
            there, back = await asyncio.open_connection("127.0.0.1", server.get_port())
            try:
                await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
            finally:
                back.close()

    def _answer(self, process: asyncssh.SSHServerProcess[str]) -> None:
        """Whatever is asked: which machine it is, and which boot."""
        installs = self._sim.machine.disk.installs
        process.stdout.write(f"{installs:032x}\n00000000-0000-0000-0000-{len(self._sim.machine.boots):012x}\n")
        process.exit(0)


def running(machine: ScriptedMachine, new: asyncssh.SSHKey, old: asyncssh.SSHKey) -> asyncssh.SSHKey | None:
    """The key of the system on the disk, while that runs."""
    if machine.state != "running":
        return None
    return new if machine.disk.installs else old


class _Open(asyncssh.SSHServer):
    """Lets everybody in."""

    def begin_auth(self, username: str) -> bool:
        del username
        return False


async def _pass_on(source: asyncio.StreamReader, target: Any) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()
