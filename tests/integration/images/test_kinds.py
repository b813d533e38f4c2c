# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stock images of each kind, seeded: what is in the result, that it is made once, and that it boots as it did."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.community.pikvm.plugins.modules import installer_image
from tests.simulator import Simulator
from tests.support import isos
from tests.support.ansible import Ansible, Host, Outcome, check, task

pytestmark = isos.needs_xorriso

SEEDS = {
    "preseed": "d-i debian-installer/exit/poweroff boolean true\n",
    "autoinstall": "#cloud-config\nautoinstall:\n  version: 1\n  shutdown: poweroff\n",
    "kickstart": "poweroff\n%packages\n@core\n%end\n",
}
PLAIN = {
    "kind": "plain",
    "files": [{"path": "/answers/all.txt", "content": "yes\n"}, {"path": "/boot/vmlinuz-lts", "src": "kernel"}],
    "kernel_arguments": ["answers=/all;quick", "console=ttyS0"],
    "remove_kernel_arguments": ["quiet"],
}
ISOLINUX = """\
default unattended
prompt 0
timeout 10
label unattended
  kernel {kernel}
  append {arguments}
"""
START = "set default=unattended\nset timeout_style=menu\nset timeout=1\n"
DEBIAN = "auto=true priority=critical file=/cdrom/preseed.cfg --- quiet"
VOLUME = "hd:LABEL=Rocky-9-4\\x20x86\\x20dvd"
RHEL = f"inst.stage2={VOLUME} quiet inst.ks={VOLUME}:/ks.cfg"
HELD = {
    "preseed": {
        "/preseed.cfg": SEEDS["preseed"],
        "/isolinux/isolinux.cfg": ISOLINUX.format(
            kernel="/install.amd/vmlinuz", arguments=f"vga=788 initrd=/install.amd/initrd.gz {DEBIAN}"
        ),
        "/boot/grub/grub.cfg": isos.DEBIAN_GRUB
        + "\nmenuentry 'Unattended: Install' --id unattended {\n    set background_color=black\n"
        + f"    linux    /install.amd/vmlinuz vga=788 {DEBIAN}\n    initrd   /install.amd/initrd.gz\n}}\n{START}",
    },
    "autoinstall": {
        "/nocloud/user-data": SEEDS["autoinstall"],
        "/nocloud/meta-data": "instance-id: installer-image\n",
        "/boot/grub/grub.cfg": isos.UBUNTU_GRUB
        + "\nmenuentry 'Unattended: Try or Install Ubuntu Server' --id unattended {\n\tset gfxpayload=keep\n"
        + "\tlinux\t/casper/vmlinuz autoinstall ds=nocloud\\;s=/cdrom/nocloud/ ---\n\tinitrd\t/casper/initrd\n}\n"
        + START,
    },
    "kickstart": {
        "/ks.cfg": SEEDS["kickstart"],
        "/isolinux/isolinux.cfg": ISOLINUX.format(kernel="vmlinuz", arguments=f"initrd=initrd.img {RHEL}"),
        "/EFI/BOOT/grub.cfg": isos.RHEL_GRUB
        + "\nmenuentry 'Unattended: Install Rocky Linux 9.4' --id unattended {\n"
        + f"\tlinuxefi /images/pxeboot/vmlinuz {RHEL}\n\tinitrdefi /images/pxeboot/initrd.img\n}}\n{START}",
    },
    "plain": {
        "/answers/all.txt": "yes\n",
        "/boot/vmlinuz-lts": "another kernel",
        "/boot/grub/grub.cfg": isos.OTHER_GRUB
        + "\nmenuentry 'Unattended: Other' --id unattended {\n"
        + "  linux /boot/vmlinuz-lts answers=/all\\;quick console=ttyS0\n  initrd /boot/initramfs-lts\n}\n"
        + START,
    },
}
"""Files of each result, whole."""


def options(kind: str) -> dict[str, Any]:
    return {"src": f"{kind}.iso", "dest": f"made/{kind}", **(PLAIN if kind == "plain" else {kind: SEEDS[kind]})}


def seed(**changed: Any) -> dict[str, Any]:
    return task("installer_image", **{"src": "preseed.iso", "dest": "made", "preseed": SEEDS["preseed"], **changed})


def made(outcome: Outcome, folder: Path) -> Path:
    path = folder / outcome["path"]
    assert outcome["name"] == path.name
    return path


def test_every_kind_is_seeded_once(ansible: Ansible, sim: Simulator, tmp_path: Path, subtests: pytest.Subtests) -> None:
    (tmp_path / "kernel").write_text("another kernel")
    hosts = {}
    for kind, write in isos.STOCK.items():
        write(tmp_path / f"{kind}.iso")
        again = {**options(kind), "dest": f"again/{kind}", "mode": "0640"}
        tasks = [check("installer_image", **options(kind)), *[task("installer_image", **options(kind))] * 2]
        hosts[kind] = Host(sim, [*tasks, task("installer_image", **again)])
    played = ansible.play(hosts)
    for kind, (foretold, first, second, elsewhere) in played.hosts.items():
        with subtests.test(msg=kind):
            assert [each.msg for each in (foretold, first, second, elsewhere)] == [""] * 4
            assert (foretold.changed, foretold["path"], foretold["checksum"]) == (True, None, None)
            assert foretold["diff"]["after"]["files"] == first["files"] == sorted(HELD[kind])
            assert (first.changed, second.changed, elsewhere.changed) == (True, False, True)
            assert {key: second[key] for key in ("path", "checksum", "size", "kind", "kernel_arguments")} == {
                key: first[key] for key in ("path", "checksum", "size", "kind", "kernel_arguments")
            }
            image, other = made(first, tmp_path), made(elsewhere, tmp_path)
            assert image.name == f"{kind}-{first['checksum'][7:19]}.iso"
            assert image.read_bytes() == other.read_bytes()
            assert (image.stat().st_mode & 0o777, other.stat().st_mode & 0o777) == (0o600, 0o640)
            assert sorted(path.name for path in image.parent.iterdir()) == [image.name, f"{image.name}.json"]
            assert isos.content(image, *HELD[kind]) == HELD[kind]
            assert isos.equipment(image) == isos.equipment(tmp_path / f"{kind}.iso")
    rhel = made(played.hosts["kickstart"][1], tmp_path)
    inner = isos.content(rhel, "/images/efiboot.img")["/images/efiboot.img"].strip("\0")
    assert inner.rstrip("\n").splitlines() == [
        f"search --no-floppy --set=root -l '{isos.LABEL}'",
        "configfile /EFI/BOOT/grub.cfg",
    ]
    assert len(inner) == len(isos.RHEL_GRUB)


def test_what_is_there_is_checked(ansible: Ansible, sim: Simulator, tmp_path: Path) -> None:
    isos.debian(tmp_path / "preseed.iso")
    (first,) = ansible.run(sim, seed())
    image = made(first, tmp_path)
    whole = image.read_bytes()
    image.write_bytes(whole[:-1] + b"x")
    (tmp_path / "made" / ".installer_image-killed").mkdir()
    (again,) = ansible.run(sim, seed())
    assert (again.changed, image.read_bytes() == whole) == (True, True)
    os.utime(image)
    os.utime(tmp_path / "preseed.iso")
    touched, another, entry, forbidden = ansible.run(
        sim,
        seed(),
        seed(preseed=SEEDS["preseed"] + "d-i a/b string c\n"),
        seed(boot_entry="graphical", boot_timeout=0),
        seed(mode="0644"),
    )
    assert (touched.changed, touched["path"]) == (False, first["path"])
    assert len({each["path"] for each in (first, another, entry)}) == 3
    assert entry["boot_entries"]["/isolinux/isolinux.cfg"] == "Graphical install / installgui"
    assert (forbidden.changed, forbidden["path"], image.stat().st_mode & 0o777) == (True, first["path"], 0o644)
    assert {path.name[:8] for path in (tmp_path / "made").iterdir()} == {"preseed-"}


def test_seed_that_does_not_end_with_the_server_off_is_told(ansible: Ansible, sim: Simulator, tmp_path: Path) -> None:
    isos.debian(tmp_path / "preseed.iso")
    (outcome,) = ansible.run(sim, seed(preseed="d-i a/b string c\n"))
    (words,) = outcome["warnings"]
    assert "does not switch the server off at the end (d-i debian-installer/exit/poweroff boolean true)" in words


def test_examples(ansible: Ansible, sim: Simulator, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    isos.debian(tmp_path / "images" / "debian-13-netinst.iso")
    (tmp_path / "preseed.cfg").write_text(SEEDS["preseed"])
    outcomes = ansible.run(sim, *yaml.safe_load(installer_image.EXAMPLES))
    assert [outcome.outcome for outcome in outcomes] == ["ok", "ok"]


def test_role_takes_a_vaulted_file_and_tells_the_path(ansible: Ansible, sim: Simulator, tmp_path: Path) -> None:
    isos.debian(tmp_path / "preseed.iso")
    (tmp_path / "key").write_text("vault key")
    (tmp_path / "preseed.cfg").write_text(SEEDS["preseed"])
    (tmp_path / "late.sh").write_text("late")
    vault = [
        str(Path(sys.executable).with_name("ansible-vault")),
        "encrypt",
        "--vault-password-file",
        "key",
        "preseed.cfg",
    ]
    subprocess.run(vault, cwd=tmp_path, check=True, capture_output=True)
    variables = {
        "installer_image_src": "preseed.iso",
        "installer_image_dest": "made",
        "installer_image_files": [{"path": "/late.sh", "src": "late.sh"}, {"path": "/early.sh", "content": "early"}],
    }
    role = {"ansible.builtin.include_role": {"name": "community.pikvm.installer_image"}}
    tell = {
        "name": "tell",
        "ansible.builtin.debug": {"msg": "{{ installer_image_path }} {{ installer_image_checksum }}"},
    }
    text = {**role, "vars": {"installer_image_preseed": SEEDS["preseed"]}}
    file = {**role, "vars": {"installer_image_preseed": "preseed.cfg"}}
    foretold = {"check_mode": True, "block": [file]}
    arguments = ("--vault-password-file", str(tmp_path / "key"))
    environment = {"PWD": str(tmp_path)}
    host = Host(sim, [foretold, tell, text, tell, file, tell], variables=variables)
    outcomes = ansible.play({"server": host}, arguments, environment=environment).hosts["server"]
    assert [outcome.msg for outcome in outcomes if not outcome.ok and outcome.outcome != "skipped"] == []
    stock, first, second = [outcome.msg for outcome in outcomes if outcome.task == "tell"]
    assert stock.split() == [str(tmp_path / "preseed.iso")]
    assert first == second
    path, checksum = first.split()
    assert checksum.startswith(f"sha256:{Path(path).stem[-12:]}")
    held = {"/preseed.cfg": SEEDS["preseed"], "/late.sh": "late", "/early.sh": "early"}
    assert isos.content(Path(path), *held) == held
