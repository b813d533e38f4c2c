# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One image for many PiKVMs: sent to each by the controller, or fetched by each from a web server."""

from __future__ import annotations

from typing import Any

from tests.support.web import shelf

from .fleet import Fleet, Measured, fleet
from .table import Table

HOSTS, FORKS = 10, 4
MIB = 1024 * 1024
SIZE = 32 * MIB


def images() -> Table:
    """What it costs the controller to have the same image on all of them."""
    table = Table(
        f"An image of {SIZE // MIB} MiB on {HOSTS} PiKVMs, {FORKS} forks",
        ["way", "wall s", "controller's CPU s", "MiB from the controller"],
    )
    ways: dict[str, dict[str, Any]] = {}
    with fleet(HOSTS) as devices, shelf(devices.folder) as address:
        for name in ("sent.iso", "fetched.iso"):
            (devices.folder / name).write_bytes(b"0123456789abcdef" * (SIZE // 16))
        ways["sent to each"] = {"src": str(devices.folder / "sent.iso")}
        ways["fetched by each"] = {"download_url": f"{address}/fetched.iso"}
        for way, options in ways.items():
            run = _store(devices, options)
            sent = SIZE // MIB * HOSTS if "src" in options else 0
            table.add(way, f"{run.wall:.1f}", f"{run.cpu:.1f}", str(sent))
            table.judge(f"{way}: stored on {HOSTS}", run.states["ok"] == HOSTS)
    return table


def _store(devices: Fleet, options: dict[str, Any]) -> Measured:
    return devices.run([{"community.pikvm.pikvm_msd_image": options}], HOSTS, FORKS)
