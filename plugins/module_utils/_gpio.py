# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GPIO: switching and pulsing one output channel."""

from __future__ import annotations

from dataclasses import dataclass

from ._client.api import OPERATION, Pikvm
from ._client.errors import OptionError, StateError
from ._client.models import Channel, Gpio
from ._plan import Plan, Step


@dataclass(frozen=True)
class ChannelWish:
    """The wish of a task. Times in seconds.

    Attributes:
        state: on, off or pulsed.
        delay: length of a pulse; None is the channel's own.
        wait: until the device has finished; what it has begun is not looked at otherwise.
    """

    channel: str
    state: str
    delay: float | None
    wait: bool
    wait_timeout: float


def busy(channel: str, gpio: Gpio) -> str:
    found = gpio.outputs.get(channel)
    return f"The channel {channel} is busy with another operation" if found and found.busy else ""


def plan_channel(client: Pikvm, gpio: Gpio, wish: ChannelWish, check_mode: bool) -> Plan[Gpio]:
    """Switch, pulse, or nothing.

    What the channel's scheme forbids is left to the device to refuse in its own words; in check mode, where the
    device is not asked, its words are foretold.

    Raises:
        OptionError: `delay` is outside what the channel allows.
        StateError: in check mode, what the device would refuse.
    """
    channel = gpio.outputs.get(wish.channel)
    refusal = _refusal(channel, gpio, wish)
    if refusal and check_mode:
        raise StateError(f"The PiKVM would refuse channel {wish.channel}: {refusal}")
    before = {"channel": wish.channel, "state": _word(channel)}
    if wish.state == "pulsed":
        if channel:
            _check_delay(channel, wish)
        return Plan(before, dict(before, state="off", pulsed=True), (_pulse(client, wish),))
    wanted = wish.state == "on"
    if channel and not refusal and channel.state == wanted:
        return Plan(before, before)
    return Plan(before, dict(before, state=wish.state), (_switch(client, wish, wanted),))


def _refusal(channel: Channel | None, gpio: Gpio, wish: ChannelWish) -> str:
    """kvmd's words for what it will not do, or nothing."""
    if channel is None:
        known = ", ".join(sorted(gpio.outputs)) or "none"
        what = "it is an input" if wish.channel in gpio.inputs else f"the outputs are: {known}"
        return f"GPIO channel is not found ({what})"
    if wish.state == "pulsed" and not channel.pulse:
        return "This GPIO channel does not support pulsing"
    if wish.state != "pulsed" and not channel.switch:
        return "This GPIO channel does not support switching"
    if not channel.online:
        return "GPIO driver is offline"
    return ""


def _check_delay(channel: Channel, wish: ChannelWish) -> None:
    """The device would clamp a delay in silence."""
    if wish.delay and channel.pulse and not channel.pulse_min <= wish.delay <= channel.pulse_max:
        raise OptionError(
            "delay",
            f"{wish.delay:g} s is outside what channel {channel.name} allows: "
            f"{channel.pulse_min:g} to {channel.pulse_max:g} s",
        )


def _switch(client: Pikvm, wish: ChannelWish, wanted: bool) -> Step[Gpio]:
    return Step(
        name=f"switch_{wish.state}",
        words=f"Switching channel {wish.channel} {wish.state}",
        send=lambda: client.gpio_switch(wish.channel, wanted, wish.wait),
        done=(lambda gpio: _settled(gpio, wish, wanted)) if wish.wait else None,
        timeout=min(wish.wait_timeout, 10.0),
        missed=lambda gpio: f"it is {_word(gpio.outputs.get(wish.channel))}",
        repeatable=True,
    )


def _pulse(client: Pikvm, wish: ChannelWish) -> Step[Gpio]:
    length = wish.delay or 0.0
    return Step(
        name="pulse",
        words=f"Pulsing channel {wish.channel}",
        # beyond a minute nginx would cut the answer off: then the end of the pulse is seen by polling
        send=lambda: client.gpio_pulse(wish.channel, wish.delay, wish.wait and length < OPERATION),
        done=(lambda gpio: _settled(gpio, wish, False)) if wish.wait else None,
        timeout=length + min(wish.wait_timeout, 10.0),
        missed=lambda gpio: f"it is {_word(gpio.outputs.get(wish.channel))} or still busy",
        telling=False,
    )


def _settled(gpio: Gpio, wish: ChannelWish, wanted: bool) -> bool:
    channel = gpio.outputs.get(wish.channel)
    return channel is not None and not channel.busy and channel.state == wanted


def _word(channel: Channel | None) -> str:
    if channel is None:
        return "not listed"
    return "on" if channel.state else "off"
