# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve simulated PiKVMs from the command line."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from . import certificate, dialect, hardware, hid
from .device import MIB, STREAMERS, Settings
from .server import Core

DESCRIPTION = "Serve one or more simulated PiKVMs over HTTPS until interrupted. Log in as admin."
EPILOG = """
Looking inside: GET /_simulator shows the computer, its disk, the drive and the requests; PUT /_simulator/faults/NAME
switches a fault on; see tests/simulator/control.py and faults.py.
"""

CHOICES = {
    "os": "whether the system on the disk shuts down at a short press of the power button",
    "installer": "how the installer of a connected image ends",
    "led": "blink: the power LED of the running computer blinks, as in sleep",
    "boot_order": "what the firmware starts; disk: an image only when it is chosen from the menu that F11 opens",
    "layout": "what the computer takes its keyboard for",
}

SECONDS = {
    "boot_seconds": "from power on to the system or the installer",
    "firmware_seconds": "the firmware shows itself and listens to F11; 0: for all of the boot seconds",
    "installer_seconds": "the installer takes until it ends",
    "shutdown_seconds": "a running system takes to shut down",
}


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=DESCRIPTION, epilog=EPILOG)
    served = parser.add_argument_group("where")
    served.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    served.add_argument("--port", type=int, default=8443, help="first port; 0 for any free one (%(default)s)")
    served.add_argument("--count", type=int, default=1, metavar="N", help="serve N devices on consecutive ports")
    served.add_argument(
        "--certificate", choices=certificate.KINDS, default="san", help="kind of certificate (%(default)s)"
    )
    served.add_argument(
        "--ready-file", type=Path, metavar="PATH", help="write url, fingerprint, ca_path and pid there as JSON"
    )
    device = parser.add_argument_group("device")
    recorded = ", ".join(dialect.RECORDED)
    device.add_argument(
        "--kvmd", default="4.197", metavar="VERSION", help=f"kvmd to speak as: {recorded} (%(default)s)"
    )
    device.add_argument("--password", default="admin", help="of the user admin (%(default)s)")
    device.add_argument("--totp-secret", metavar="BASE32", help="turn two-factor authentication on")
    device.add_argument(
        "--storage-size", type=int, default=512 * MIB, metavar="BYTES", help="of the image storage (%(default)s)"
    )
    device.add_argument("--discard-data", action="store_true", help="keep only size and hash of uploads")
    device.add_argument(
        "--streamer",
        choices=STREAMERS,
        default="forever",
        help="when video runs: always, or only while a WebSocket asks for it (%(default)s)",
    )
    device.add_argument(
        "--hid", choices=hid.KINDS, default="otg", help="how keyboard and mouse are wired (%(default)s)"
    )
    device.add_argument(
        "--switch", action="store_true", help="attach a PiKVM Switch: four ports with a computer behind each"
    )
    device.add_argument("--fast", action="store_true", help="a long press lasts 1 s instead of 5.5 s")
    device.add_argument("--speed", type=float, default=1.0, metavar="X", help="run device time X times as fast")
    computer = parser.add_argument_group("computer behind it")
    defaults = hardware.Options()
    for name, words in CHOICES.items():
        default = getattr(defaults, name)
        computer.add_argument(
            f"--{name.replace('_', '-')}",
            choices=hardware.CHOICES[name],
            default=default,
            help=f"{words} (%(default)s)",
        )
    for name, words in SECONDS.items():
        flag, default = f"--{name.replace('_', '-')}", getattr(defaults, name)
        computer.add_argument(flag, type=float, default=default, metavar="SECONDS", help=f"{words} (%(default)s)")
    add_virtual(parser)
    computer.add_argument("--empty-disk", action="store_true", help="there is no system on the disk yet")
    computer.add_argument("--no-led", action="store_true", help="the LEDs are not wired")
    return parser.parse_args(argv)


def add_virtual(parser: argparse.ArgumentParser) -> None:
    """The options of a real computer."""
    real = parser.add_argument_group("a real computer instead: a QEMU virtual machine")
    real.add_argument("--machine", choices=("scripted", "qemu"), default="scripted", help="(%(default)s)")
    real.add_argument("--disk", type=Path, metavar="PATH", help="file that is its disk, and that it writes to")
    real.add_argument(
        "--firmware-order",
        choices=hardware.BOOT_ORDERS,
        default="image",
        help="what its firmware starts: first an image, first the disk (Escape opens the boot menu), or strictly the "
        "image while there is one (%(default)s)",
    )
    real.add_argument(
        "--forward", type=int, default=0, metavar="PORT", help="of 127.0.0.1 that leads to its port 22; 0: any free one"
    )
    real.add_argument(
        "--acceleration",
        choices=hardware.ACCELERATIONS,
        default="tcg",
        help="kvm: let the processor run the guest's code (%(default)s: software does)",
    )


def virtual_options(args: argparse.Namespace) -> dict[str, Any]:
    """What a virtual machine is made of; `ValueError` where its disk is not named, or several would share it."""
    if args.disk is None or args.count != 1:
        raise ValueError("--machine qemu needs --disk, and no --count: each machine has a disk of its own")
    return {
        "disk": args.disk,
        "boot_order": args.firmware_order,
        "forward": args.forward,
        "acceleration": args.acceleration,
        **({"menu_seconds": args.firmware_seconds} if args.firmware_seconds else {}),
    }


def build(args: argparse.Namespace) -> list[Core]:
    """The devices asked for; `ValueError` for an option that makes no sense."""
    options = {name: getattr(args, name) for name in (*CHOICES, *SECONDS)}
    options |= {"disk_os": not args.empty_disk, "led_wired": not args.no_led}
    virtual = args.machine == "qemu"
    if virtual:
        options = virtual_options(args)
    settings = Settings(
        kvmd=args.kvmd,
        fast=args.fast,
        speed=args.speed,
        password=args.password,
        totp_secret=args.totp_secret,
        storage_size=args.storage_size,
        discard_data=args.discard_data,
        streamer=args.streamer,
        switch=args.switch,
        hid=args.hid,
        machine=options,
        virtual=virtual,
    )
    ports = [args.port + i if args.port else 0 for i in range(args.count)]
    return [Core(settings, args.host, port, args.certificate) for port in ports]


async def serve(cores: list[Core], ready_file: Path | None) -> None:
    """Serve until SIGINT or SIGTERM."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        for core in cores:
            await core.start()
        announce(cores, ready_file)
        await ended.wait()
    finally:
        await asyncio.gather(*(core.stop() for core in cores))


def announce(cores: list[Core], ready_file: Path | None) -> None:
    """Say that the devices answer: a line each, and the file if one is wanted."""
    for core in cores:
        trust = f"fingerprint={core.certificate.fingerprint} ca={core.certificate.ca_path}"
        print(f"PiKVM simulator ready: url={core.url} {trust} kvmd={core.device.dialect.version}", flush=True)
    if ready_file is not None:
        devices = [
            {
                "url": core.url,
                "fingerprint": core.certificate.fingerprint,
                "ca_path": str(core.certificate.ca_path),
                "pid": os.getpid(),
                "forward": getattr(core.device.machine.options, "forward", None),
            }
            for core in cores
        ]
        unfinished = ready_file.with_name(f"{ready_file.name}.part")
        unfinished.write_text(json.dumps(devices, indent=1) + "\n", encoding="utf-8")
        unfinished.replace(ready_file)


def main() -> int:
    """Run the command line; 1 where a port is taken, 2 for bad options."""
    args = parse(sys.argv[1:])
    try:
        cores = build(args)
    except ValueError as error:
        print(f"python -m tests.simulator: {error}", file=sys.stderr)
        return 2
    try:
        asyncio.run(serve(cores, args.ready_file))
    except OSError as error:
        print(f"python -m tests.simulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
