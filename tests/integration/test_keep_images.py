# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many images the role reinstall leaves on a PiKVM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.ansible import Ansible, Host, of_the_host
from tests.support.expect import Start

USED = f"debian-{'a' * 12}.iso"
OLDER = [f"debian-{digit * 12}.iso" for digit in "1234"]
OTHERS = [
    "debian.iso",
    "debian-live-000000000000.iso",
    "debian-000000000000.img",
    f"debian-{'A' * 12}.iso",
    "rescue.img",
]
QUICK = {
    "reinstall_confirm": "{{ inventory_hostname }}",
    "reinstall_frames": False,
    "reinstall_led_stable_for": 0.1,
    "reinstall_poweroff_stable_for": 0.1,
}


def host(simulator: Start, folder: Path, **variables: Any) -> Host:
    """What is older is stored later: the image that is used is the newest whenever it was stored."""
    sim = simulator(speed=20)
    for name in (USED, *OLDER, *OTHERS):
        sim.put_image(name, b"an image" * 1000)
    sim.put_image(f"debian-{'5' * 12}.iso", b"a part", False)
    more = {"reinstall_image": str(folder / USED), "reinstall_artifacts_dir": str(folder / "evidence"), **QUICK}
    role = {"ansible.builtin.include_role": {"name": "community.pikvm.reinstall"}}
    return Host(sim, [role], variables={**of_the_host(sim), **more, **variables})


def test_older_images_are_removed(ansible: Ansible, simulator: Start, tmp_path: Path) -> None:
    (tmp_path / USED).write_bytes(b"an image" * 1000)
    hosts = {
        "two": host(simulator, tmp_path, reinstall_keep_images=2),
        "many": host(simulator, tmp_path, reinstall_keep_images="some"),
    }
    played = ansible.play(hosts, defaults=False)
    stored = {name: set(each.sim.device.storage.images) for name, each in hosts.items()}
    everything = {USED, *OLDER, *OTHERS, f"debian-{'5' * 12}.iso"}
    assert stored == {"two": everything - set(OLDER[:3]), "many": everything}
    failures = [each.msg for each in played.hosts["many"] if each.outcome == "failed"]
    assert "reinstall_keep_images is true, false, or how many images to keep, and it is some" in " ".join(failures)
    (path,) = (tmp_path / "evidence" / "two").glob("*/report.json")
    report = json.loads(path.read_text())
    assert report["states"][-1]["proof"]["outdated"] == [OLDER[2], OLDER[1], OLDER[0]]
    assert report["image"]["transferred"] == 0
