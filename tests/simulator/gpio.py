# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GPIO organ: input and output channels of the conformance scheme."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from . import errors
from .clock import Background, Clock
from .log import Log

BUSY_SECONDS = 0.2
DRIVER = "__gpio__"


@dataclass
class Output:
    """One output channel; a pulse delay of 0 means that it cannot be pulsed."""

    pin: int
    switch: bool
    pulse_delay: float
    initial: bool
    min_delay: float = 0.1
    max_delay: float = 5.0
    state: bool = False
    busy: bool = False

    def __post_init__(self) -> None:
        self.state = self.initial

    def scheme(self) -> dict[str, Any]:
        """The channel's part of `model.scheme`."""
        pulse = {"delay": self.pulse_delay, "min_delay": self.min_delay, "max_delay": self.max_delay}
        return {
            "switch": self.switch,
            "pulse": pulse if self.pulse_delay else dict.fromkeys(pulse, 0.0),
            "hw": {"driver": DRIVER, "pin": str(self.pin)},
        }


class Gpio:
    """Channels by name."""

    def __init__(self, clock: Clock, background: Background, log: Log) -> None:
        self.online = True
        self.inputs = {"led1": False, "led2": False}
        self.outputs = {
            "button1": Output(26, switch=False, pulse_delay=0.1, initial=False),
            "button2": Output(20, switch=False, pulse_delay=0.1, initial=False),
            "relay1": Output(21, switch=True, pulse_delay=0.1, initial=False),
            "__v3_usb_breaker__": Output(5, switch=True, pulse_delay=0.0, initial=True),
            "__v4_locator__": Output(12, switch=True, pulse_delay=0.0, initial=False),
        }
        self._clock = clock
        self._background = background
        self._log = log

    def state(self) -> dict[str, Any]:
        """The answer to GET /api/gpio."""
        inputs = {name: {"hw": {"driver": DRIVER, "pin": str(19 + i)}} for i, name in enumerate(self.inputs)}
        outputs = {name: output.scheme() for name, output in self.outputs.items()}
        view = {"header": {"title": [{"type": "label", "text": "GPIO"}]}, "table": []}
        return {
            "model": {"scheme": {"inputs": inputs, "outputs": outputs}, "view": view},
            "state": {
                "inputs": {
                    name: {"online": self.online, "state": self.online and state} for name, state in self.inputs.items()
                },
                "outputs": {name: self._output_state(output) for name, output in self.outputs.items()},
            },
        }

    def restart(self) -> None:
        """What a restart of kvmd does: every output goes to its initial state."""
        for output in self.outputs.values():
            output.state = output.initial

    async def switch(self, channel: str, state: bool, wait: bool) -> None:
        """Set an output; it is busy for 0.2 s."""
        output = self._output(channel)
        if not output.switch:
            raise errors.GpioSwitchNotSupported
        if self._begins(channel, output, wait):
            await self._run(self._switch(output, state), wait)

    async def pulse(self, channel: str, delay: float, wait: bool) -> None:
        """On, `delay` seconds (0: the default; clamped), off."""
        output = self._output(channel)
        if not output.pulse_delay:
            raise errors.GpioPulseNotSupported
        seconds = min(max(delay or output.pulse_delay, output.min_delay), output.max_delay)
        if self._begins(channel, output, wait):
            await self._run(self._pulse(output, seconds), wait)

    def _begins(self, channel: str, output: Output, wait: bool) -> bool:
        """Occupy the channel; false where the driver is offline and nobody waits to hear of it."""
        if output.busy:
            raise errors.GpioChannelIsBusyError
        if not self.online:
            self._log.write("gpio", f"GPIO driver {DRIVER} is offline")
            if wait:
                raise errors.GpioDriverOfflineError(DRIVER)
            return False
        output.busy = True
        self._log.write("gpio", f"Setting channel {channel!r}")
        return True

    async def _run(self, work: Coroutine[Any, Any, None], wait: bool) -> None:
        task = self._background.spawn(work)
        if wait:
            await asyncio.shield(task)

    async def _switch(self, output: Output, state: bool) -> None:
        try:
            output.state = state
            await self._clock.sleep(BUSY_SECONDS)
        finally:
            output.busy = False

    async def _pulse(self, output: Output, seconds: float) -> None:
        try:
            output.state = True
            try:
                await self._clock.sleep(seconds)
            finally:
                output.state = False
            await self._clock.sleep(BUSY_SECONDS)
        finally:
            output.busy = False

    def _output(self, channel: str) -> Output:
        if channel not in self.outputs:
            raise errors.GpioChannelNotFoundError
        return self.outputs[channel]

    def _output_state(self, output: Output) -> dict[str, Any]:
        shown = self.online and not output.busy and output.state
        return {"online": self.online, "state": shown, "busy": output.busy}
