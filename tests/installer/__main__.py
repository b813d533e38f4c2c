# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make an installer image, or a disk for the machine that it is for, from the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import image, packages

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "installer"


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.installer", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="say which Debian packages are missing; fails if there are any")
    commands.add_parser("packages", help="name those that are missing; fails if there are any")
    commands.add_parser("make", help="make the images that the others are made from, unless they are there")
    installer = commands.add_parser("image", help="write an installer image")
    installer.add_argument("--end", choices=image.ENDS, default="poweroff", help="how it ends (%(default)s)")
    disk = commands.add_parser("disk", help="write a disk with a system on it")
    blank = commands.add_parser("blank", help="write an image that does not boot")
    for command in (installer, disk, blank):
        command.add_argument("--dest", type=Path, required=True, metavar="PATH")
    for command in (installer, disk):
        command.add_argument("--token", required=True, help="what the system shows, and tells who connects to it")
        command.add_argument(
            "--button", choices=image.BUTTONS, default="obeys", help="what the system does at the power button"
        )
    return parser.parse_args(argv)


def main() -> int:
    """Run the command line; 1 where something is missing."""
    args = parse(sys.argv[1:])
    if args.command in ("check", "packages"):
        absent = packages.missing()
        if absent:
            words = f"A real virtual machine needs Debian packages that are missing here: {packages.advice(absent)}"
            print(" ".join(absent) if args.command == "packages" else words)
        return 1 if absent else 0
    if args.command == "blank":
        image.write_blank(args.dest)
        return 0
    try:
        images = image.made(CACHE)
        if args.command == "image":
            image.write_installer(images, args.dest, args.token, args.button, args.end)
        elif args.command == "disk":
            image.write_disk(images, args.dest, args.token, args.button)
    except packages.MissingError as error:
        print(f"python -m tests.installer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
