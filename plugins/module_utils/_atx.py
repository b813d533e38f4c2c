# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ATX: what to press so that the power LED shows what is wished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, NamedTuple, Protocol

from ._client.api import Pikvm
from ._client.errors import StateError
from ._client.models import Atx
from ._client.switch import Port
from ._plan import Plan, Run, Step
from ._wait import LOOKS, PAUSE, Steady

ON, OFF, UNKNOWN = "on", "off", "unknown"

ASLEEP = (
    "the power LED does not hold still: the server may be asleep. "
    "community.pikvm.pikvm_atx_click with button=power wakes most servers"
)
BLINKS_FOR = 5.0
"""Seconds of blinking, at least, after which an LED is taken for that of a sleeping server."""
PRESS_SHOWS_WITHIN = 2.0
LONGEST_PRESS = 15.0
"""Seconds for a press at a port of a switch to show, and to end."""

UNWIRED = "If the power LED is not wired to the PiKVM, use community.pikvm.pikvm_atx_click instead"


class Buttons(Protocol):
    """The buttons and LEDs of one server: those of the PiKVM itself, or of a port of its switch."""

    def atx(self) -> Atx:
        """The LEDs, and whether a button is being pressed."""

    def atx_power(self, action: str) -> None:
        """Press where the power LED calls for it: on, off, off_hard or reset_hard."""

    def atx_click(self, button: str, wait: bool = True) -> None:
        """Press power, power_long or reset, whatever the LED shows."""


class SwitchButtons:
    """The buttons of a port of a PiKVM Switch, which drops in silence what it does not do: it is watched.

    Every method raises OptionError where there is no such port.
    """

    def __init__(self, client: Pikvm, run: Run, port: str) -> None:
        self._switch = client.switch
        self._run = run
        self._port = port
        self._seen: Port | None = None

    def atx(self) -> Atx:
        return self._look().atx()

    def atx_power(self, action: str) -> None:
        """As the PiKVM's own: nothing is pressed where the LED does not call for it."""
        self._switch.atx_power((self._seen or self._look()).index, action)
        self._await_release()

    def atx_click(self, button: str, wait: bool = True) -> None:
        """Press, and see the press. Raises StateError where neither it nor its effect shows."""
        port = self._seen or self._look()
        power = port.atx().power
        self._switch.atx_click(port.index, button)
        seen = self._run.wait(self.atx, lambda atx: atx.busy or atx.power != power, PRESS_SHOWS_WITHIN, 0.0, 0.1)
        if not seen.ok:
            raise StateError(
                f"A press of {button} at port {self._port} was answered 200, but the PiKVM Switch shows no press: "
                f"are the port's buttons wired?"
            )
        if wait:
            self._await_release()

    def _look(self) -> Port:
        self._seen = self._switch.state().find(self._port)
        return self._seen

    def _await_release(self) -> None:
        self._run.wait(self.atx, lambda atx: not atx.busy, LONGEST_PRESS)


def buttons_of(client: Pikvm, run: Run, port: str | None) -> Buttons:
    """The buttons that a task means."""
    return client if port is None else SwitchButtons(client, run, port)


class Observed(NamedTuple):
    """ATX, and its power LED once it has held still: on, off or unknown."""

    atx: Atx
    power: str


@dataclass(frozen=True)
class PowerWish:
    """The wish of a task. Times in seconds.

    Attributes:
        state: on, off, restarted or reset.
        mode: how to switch off: graceful, graceful_then_hard or hard.
        wait: whether the LED has to show the end state.
    """

    state: str
    mode: str
    graceful_timeout: float
    wait_timeout: float
    stable_for: float
    wait: bool


def lit(atx: Atx) -> str:
    return ON if atx.power else OFF


def busy(atx: Atx) -> str:
    return "The PiKVM is still at another press of a button" if atx.busy else ""


def require_enabled(atx: Atx) -> Atx:
    """Raise StateError where there is no ATX to press."""
    if not atx.enabled:
        raise StateError(
            "ATX is disabled on this PiKVM: there is no button to press. "
            "Its owner can enable it in /etc/kvmd/override.yaml (kvmd.atx.type)"
        )
    return atx


def observe(client: Buttons, run: Run, stable_for: float) -> Observed:
    """Look at the LED until it has held still for `stable_for` seconds, or has blinked for several times as long."""

    def look() -> Atx:
        return require_enabled(client.atx())

    atx = run.idle(look, busy)
    if not stable_for:
        return Observed(atx, lit(atx))
    steady = Steady(lit, stable_for, run.clock)
    waited = run.wait(look, steady, max(5 * stable_for, BLINKS_FOR), pause=min(PAUSE, stable_for / LOOKS))
    return Observed(waited.last, lit(waited.last) if waited.ok else UNKNOWN)


def plan_power(client: Buttons, observed: Observed, wish: PowerWish) -> Plan[Atx]:
    """What to press, in order. Raises StateError where pressing would have no effect, or an unwanted one."""
    power = observed.power
    before = {"power": power}
    if wish.state == "reset":
        return Plan(before, {"power": ON}, (_reset(client, power, wish),))
    if wish.state == OFF:
        return Plan(before, {"power": OFF}, () if power == OFF else (_switch_off(client, power, wish, wish.wait),))
    if wish.state == ON:
        return Plan(before, {"power": ON}, () if power == ON else (_switch_on(client, power, wish),))
    off = () if power == OFF else (_switch_off(client, power, wish, True),)
    return Plan(before, {"power": ON}, (*off, _switch_on(client, OFF, wish)))


def _switch_on(client: Buttons, power: str, wish: PowerWish) -> Step[Atx]:
    """A short press. kvmd's own `on` presses only while the LED is dark; a server asleep wants a plain click."""
    send: Callable[[], None] = (lambda: client.atx_power("on")) if power == OFF else (lambda: client.atx_click("power"))
    return Step(
        name="power",
        words="A press of the power button",
        send=send,
        done=(lambda atx: atx.power) if wish.wait else None,
        timeout=wish.wait_timeout,
        after_loss=wish.wait_timeout,
        stable_for=wish.stable_for,
        missed=lambda atx: f"the power LED is {lit(atx)}, not steadily on. The press had no effect. {UNWIRED}",
    )


def _switch_off(client: Buttons, power: str, wish: PowerWish, wait: bool) -> Step[Atx]:
    done = (lambda atx: not atx.power) if wait else None
    hard: Step[Atx] = Step(
        name="power_long",
        words="A long press of the power button",
        send=(lambda: client.atx_click("power_long")) if power == UNKNOWN else (lambda: client.atx_power("off_hard")),
        done=done,
        timeout=wish.wait_timeout,
        after_loss=wish.wait_timeout,
        stable_for=wish.stable_for,
        missed=lambda atx: (
            f"the power LED is {lit(atx)}, not steadily off. The press had no effect: is the button wired?"
        ),
    )
    if wish.mode == "hard":
        return hard
    if power == UNKNOWN:
        if wish.mode == "graceful":
            raise StateError(f"Cannot shut down gracefully: {ASLEEP}")
        return hard
    return Step(
        name="power",
        words="A short press of the power button",
        send=lambda: client.atx_power("off"),
        done=done,
        timeout=wish.graceful_timeout,
        after_loss=wish.graceful_timeout,
        stable_for=wish.stable_for,
        missed=lambda atx: (
            f"the power LED is still {lit(atx)} (graceful_timeout): the operating system did not shut down. "
            f"mode=graceful_then_hard would switch off all the same"
        ),
        otherwise=hard if wish.mode == "graceful_then_hard" else None,
    )


def _reset(client: Buttons, power: str, wish: PowerWish) -> Step[Atx]:
    if power != ON:
        state = "The server is off" if power == OFF else ASLEEP
        raise StateError(f"{state}: a press of the reset button has no effect. Use state=on. {UNWIRED}")
    return Step(
        name="reset",
        words="A press of the reset button",
        send=lambda: client.atx_power("reset_hard"),
        done=(lambda atx: atx.power) if wish.wait else None,
        timeout=wish.wait_timeout,
        stable_for=wish.stable_for,
        missed=lambda atx: f"the power LED is {lit(atx)}, not steadily on",
        telling=False,
    )


def plan_click(client: Buttons, button: str, wait: bool) -> Plan[Atx]:
    """One press. It has no state to compare with: what it does is the server's affair."""
    nothing: dict[str, Any] = {}
    step: Step[Atx] = Step(button, f"A press of {button}", lambda: client.atx_click(button, wait))
    return Plan(nothing, nothing, (step,))
