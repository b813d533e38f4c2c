# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of modules under attack, and what is forbidden in each."""

from __future__ import annotations

import base64
import importlib
import json
import logging
import random
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.community.pikvm.plugins.module_utils._runner import Module
from tests.simulator import Simulator
from tests.support.ansible import MODULES
from tests.support.device import snapshot
from tests.support.raw import until

from .cases import CASES, DOWNLOAD_LOGIN, IMAGE, TYPED, Case
from .documents import rough
from .proxy import Doom, Proxy

PASSWORD = "geheim:4711/wort+%"
SPEED = 8.0
"""Of the devices' time. Much faster, and a short press at a starved simulator is a long one."""

TIMEOUT = 0.5
RATES = (0.05, 0.2, 0.2, 0.5, 1.0)
CHECKED = 0.1
"""The share of runs in check mode."""

AFTER_LOSS = 5.0
LONGEST_WAIT = 10.0
"""Seconds that a module looks for an effect: after a lost answer, and at most without a wait_timeout."""

ATTEMPTS = 2
"""Runs without an attacker that may be needed: on a busy machine a simulator may still take one press for another."""

LIST_LAG = 1.2
"""Device seconds for which a PiKVM may still list an image that is gone."""

RELEASE_WITHIN = 2.0


@dataclass
class Run:
    """One task under attack. `wrong` is what is forbidden and has happened."""

    name: str
    seed: str
    rate: float
    check_mode: bool
    retries: int
    result: dict[str, Any] = field(default_factory=dict)
    exchanges: int = 0
    events: int = 0
    elapsed: float = 0.0
    spoiled: list[str] = field(default_factory=list)
    lied: bool = False
    wrong: list[str] = field(default_factory=list)

    @property
    def case(self) -> Case:
        return CASES[self.name]

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def bound(self) -> float:
        """Seconds after which it must have ended: what each request may take, times what a module may ask.

        A request may take: a connection and its handshake, a head, a body (see SECURITY.md), each as often as it is
        tried. A step may be planned again after a lost answer and after a refusal because of another operation.
        """
        request = (1 + self.retries) * (2 * TIMEOUT + 2 * TIMEOUT + 6 * TIMEOUT + 0.5)
        wait: float = self.case.options.get("wait_timeout", LONGEST_WAIT) + self.case.options.get(
            "graceful_timeout", 0.0
        )
        return 10.0 + (2 + 2 * self.case.steps) * (wait + AFTER_LOSS + 3 * request)

    def report(self) -> str:
        lines = [
            f"{'; '.join(self.wrong)}",
            f"  run {self.seed}: {self.name}, {self.case.module} {json.dumps(self.case.options)}",
            f"  rate {self.rate}, check mode {self.check_mode}, {self.elapsed:.1f} s, {self.exchanges} exchanges",
            *(f"  {spoiled}" for spoiled in self.spoiled[:30]),
            f"  result: {json.dumps(self.result, default=repr)[:1500]}",
        ]
        return "\n".join(lines)


def planned(seed: str, names: list[str]) -> Run:
    """What is done in a run is decided by its seed."""
    rng = random.Random(seed)
    return Run(rng.choice(names), seed, rng.choice(RATES), rng.random() < CHECKED, rng.choice((0, 1)))


def module_of(name: str) -> Module:
    found: Module = importlib.import_module(f"{MODULES}.{name}").MODULE
    return found


class Attack:
    """Does runs, each against a simulator of its own."""

    def __init__(self, library: str) -> None:
        self._library = library.replace("//", f"//{DOWNLOAD_LOGIN}@")
        self._folder = Path(tempfile.mkdtemp(prefix="attack-"))
        self._noise: list[str] = []

    def __enter__(self) -> Attack:
        (self._folder / "b.iso").write_bytes(IMAGE)
        threading.excepthook = self._thread_broke
        self._handler = _Recorder(self._noise)
        logging.getLogger().addHandler(self._handler)
        return self

    def __exit__(self, *_error: object) -> None:
        threading.excepthook = threading.__excepthook__
        logging.getLogger().removeHandler(self._handler)
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, run: Run) -> Run:
        """Under attack, then once more without."""
        self._noise.clear()
        with Simulator(**{"speed": SPEED, "password": PASSWORD, **run.case.device}) as sim:
            run.case.prepare(sim)
            options = self._options(sim, run.case)
            before = snapshot(sim)
            asked = len(sim.requests)
            with Proxy(sim, Doom(run.seed, run.rate, TIMEOUT, PASSWORD)) as proxy:
                told: list[str] = []
                trust = {"url": proxy.url, "tls_fingerprint": proxy.fingerprint, "retries": run.retries}
                self._perform(run, {**trust, **options}, told)
                run.exchanges, run.events = proxy.exchanges, proxy.events
                run.spoiled, run.lied = [str(spoiled) for spoiled in proxy.done], proxy.lied
            run.wrong += self._wrong(run, sim, told)
            if run.check_mode:
                writes = [record.path for record in sim.requests[asked:] if record.method != "GET"]
                run.wrong += [f"wrote in check mode: {writes}"] if writes or snapshot(sim) != before else []
            if not run.wrong:
                run.wrong += self._repair(run, sim, options)
            run.wrong += [f"the simulator broke: {crash!r}" for crash in sim.crashes]
        return run

    def _thread_broke(self, hook: threading.ExceptHookArgs) -> None:
        told = traceback.format_exception(hook.exc_type, hook.exc_value, hook.exc_traceback)
        self._noise.append("".join(told))

    def _options(self, sim: Simulator, case: Case) -> dict[str, Any]:
        texts = {"folder": str(self._folder), "library": self._library}
        if "{token}" in case.options.values():
            texts["token"] = sim.call(sim.device.sessions.login, "admin", 3600)
        filled = {
            name: value.format(**texts) if isinstance(value, str) and value.startswith("{") else value
            for name, value in case.options.items()
        }
        return {"username": "admin", "password": PASSWORD, "timeout": TIMEOUT, **filled}

    def _perform(self, run: Run, options: dict[str, Any], told: list[str]) -> None:
        """In a thread, so that what never ends is noticed, too."""

        def perform() -> None:
            try:
                answered = module_of(run.case.module).answer(
                    f"community.pikvm.{run.case.module}", options, run.check_mode, True, told.append
                )
                run.result.update(json.loads(json.dumps(answered)))
            except BaseException:  # noqa: BLE001 - whatever comes out is a defect
                run.wrong.append(f"an exception came out: {traceback.format_exc()}")

        thread = threading.Thread(target=perform, daemon=True)
        start = time.monotonic()
        thread.start()
        thread.join(run.bound)
        run.elapsed = time.monotonic() - start
        if thread.is_alive():
            run.wrong.append(f"has not ended after {run.bound:.0f} s")

    def _wrong(self, run: Run, sim: Simulator, told: list[str]) -> Iterator[str]:
        yield from (f"noise: {noise}" for noise in self._noise)
        result = run.result
        if not result:
            return
        if "exception" in result or "defect" in result.get("msg", ""):
            yield f"broke: {result.get('exception') or result['msg']}"
        said = json.dumps([result, told], ensure_ascii=False)
        yield from (f"told a secret: {secret!r}" for secret in secrets() if secret in said)
        yield from (f"printed {text!r}" for text in rough([result, told]))
        if run.failed and not (result.get("msg") and "changed" in result):
            yield "failed without a word"
        if not run.failed and not run.lied and not run.check_mode and not run.case.truth(sim, result):
            yield "said that it is done, and it is not"
        try:
            until(lambda: not sim.device.hid.pressed, RELEASE_WITHIN)
        except AssertionError:
            yield f"left pressed: {sim.device.hid.pressed}"

    def _repair(self, run: Run, sim: Simulator, options: dict[str, Any]) -> Iterator[str]:
        """The same task, by a network that does no harm, once the list of images is as new as it gets."""
        time.sleep(LIST_LAG / sim.device.clock.speed)
        trust = {"url": sim.url, "ca_path": sim.ca_path, "timeout": 10.0, "wait_timeout": 60.0}
        given = {name: trust.get(name, value) for name, value in {"url": "", "ca_path": "", **options}.items()}
        result: dict[str, Any] = {"failed": True}
        for _attempt in range(ATTEMPTS):
            if result.get("failed"):
                result = module_of(run.case.module).answer(run.case.module, given, False, True)
        if result.get("failed"):
            yield f"the next run failed, too: {result['msg']}"
        elif not run.case.truth(sim, result):
            yield "the next run said that it is done, and it is not"


def secrets() -> list[str]:
    """What must never be told, plain and in the ways in which it could be written."""
    plain = [PASSWORD, TYPED, DOWNLOAD_LOGIN.partition(":")[2]]
    written = [way for text in plain for way in (quote(text, safe=""), base64.b64encode(text.encode()).decode())]
    return [*plain, *written]


class _Recorder(logging.Handler):
    """Errors that a library logs where nobody has caught them."""

    def __init__(self, noise: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._noise = noise

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("tests."):
            self._noise.append(self.format(record))
