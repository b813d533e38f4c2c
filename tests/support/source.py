# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source as ansible-rulebook runs it, and every event held against its schema."""

from __future__ import annotations

import asyncio
import json
import runpy
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import jsonschema
import pytest

from .ansible import ROOT

PLUGIN = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "events.py"
SCHEMA = json.loads((ROOT / "docs" / "event.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
PATIENCE = 10.0

LISTENER = "community_pikvm_module_utils._listener"
"""Where the source has what is beside it, under a name of its own."""


Main = Callable[["asyncio.Queue[Any]", dict[str, Any]], Coroutine[Any, Any, None]]


def load_source() -> Main:
    """Its coroutine, as ansible-rulebook finds it."""
    main: Main = runpy.run_path(str(PLUGIN))["main"]
    return main


def check_event(event: Any) -> dict[str, Any]:
    """An event that is plain data, follows the schema, and agrees with itself."""
    plain = json.loads(json.dumps(event))
    VALIDATOR.validate(plain)
    assert plain == event
    assert '"": ' not in json.dumps(event), "ansible-rulebook cannot get over an empty name"
    assert bool(plain["changed"]) == (plain["before"] is not None)
    assert all(name.split(".")[0] == plain["event"] for name in plain["changed"])
    return dict(plain)


class Source:
    """Runs the source for the length of a `with` block, and takes an event only where the test asks for one.

    The queue holds one event, as that of ansible-rulebook does.
    """

    def __init__(self, args: dict[str, Any]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._queue: asyncio.Queue[Any] = asyncio.Queue(1)
        self._main = load_source()
        self._args = args

    def __enter__(self) -> Source:
        self._thread.start()
        self._source = asyncio.run_coroutine_threadsafe(self._main(self._queue, self._args), self._loop)
        return self

    def __exit__(self, *_error: object) -> None:
        self.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def running(self) -> bool:
        return not self._source.done()

    def cancel(self) -> None:
        """End the source as ansible-rulebook does, and wait until its coroutine has ended."""
        self._source.cancel()
        asyncio.run_coroutine_threadsafe(self._ended(), self._loop).result(PATIENCE)

    async def _ended(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def next(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The next event, which is a good one; TimeoutError where none comes in time."""
        waiting = asyncio.wait_for(self._queue.get(), patience)
        return check_event(asyncio.run_coroutine_threadsafe(waiting, self._loop).result())

    def next_of(self, kind: str, name: str | None = None) -> dict[str, Any]:
        """The next event of a kind, and of a device where it is named."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            event = self.next()
            if event["event"] == kind and name in (None, event["pikvm"]["name"]):
                return event
        raise AssertionError(f"no {kind} in time")

    def silent(self, seconds: float) -> bool:
        """Whether no event comes for so long."""
        try:
            self.next(seconds)
        except TimeoutError:
            return True
        return False


def fail(args: dict[str, Any]) -> BaseException:
    """What a source raises that cannot begin."""
    main = load_source()
    with pytest.raises(Exception, match=".") as caught:
        asyncio.run(asyncio.wait_for(main(asyncio.Queue(1), args), PATIENCE))
    return caught.value
