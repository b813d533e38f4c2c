# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and seeds that cannot be used, and secrets: what is told, and what is never told."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.community.pikvm.plugins.module_utils._iso import ImageError
from ansible_collections.community.pikvm.plugins.module_utils._remaster import Tools, remaster, wish_of
from ansible_collections.community.pikvm.plugins.modules import installer_image
from tests.simulator import Simulator
from tests.support import isos
from tests.support.ansible import Ansible, Host, check, task

pytestmark = isos.needs_xorriso

SECRET = "geheim-0815"
PRESEED = f"d-i debian-installer/exit/poweroff boolean true\nd-i passwd/root-password password {SECRET}\n"
KICKSTART = f"poweroff\nrootpw {SECRET}\n"
AUTOINSTALL = "#cloud-config\nautoinstall:\n  version: 1\n"

NO_FILE = {"src": "missing.iso"}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no file": (NO_FILE, "missing.iso cannot be read: No such file"),
    "no ISO": ({"src": "text.iso"}, "text.iso is no ISO image"),
    "cut off": ({"src": "short.iso"}, "xorriso says: .+"),
    "does not boot": ({"src": "inert.iso", "kind": "preseed"}, "is an ISO image that nothing boots from"),
    "no menu": ({"src": "menuless.iso", "kind": "preseed"}, "has no boot menu of GRUB or ISOLINUX with an entry"),
    "unknown": ({"src": "other.iso"}, "not known what kind of installer.+kind=plain adds files"),
    "Windows": ({"src": "windows.iso"}, "image of Windows.+Use an autounattend.xml"),
    "Proxmox": ({"src": "proxmox.iso"}, "image of Proxmox.+Use proxmox-auto-install-assistant"),
    "CoreOS": ({"src": "coreos.iso"}, "image of Fedora CoreOS.+Use coreos-installer iso customize"),
    "SUSE": ({"src": "suse.iso"}, "image of SUSE.+Use mksusecd"),
    "ESXi": ({"src": "esxi.iso"}, "image of VMware ESXi.+ks=cdrom:/KS.CFG"),
    "live": ({"src": "live.iso"}, "live system of the Fedora family.+netinst"),
    "wrong kind": ({"preseed": None, "kickstart": KICKSTART}, "takes a preseed, and kickstart was given"),
    "no seed": ({"preseed": None}, "takes a preseed, and none was given"),
    "set kind": ({"kind": "kickstart"}, "kind=kickstart needs kickstart, and preseed was given"),
    "plain seed": ({"kind": "plain"}, "kind=plain takes no preseed"),
    "plain nothing": ({"kind": "plain", "preseed": None}, "kind=plain needs files or kernel_arguments"),
    "preseed": (
        {"preseed": f"# first\nd-i a/b string c\n{SECRET} word\n"},
        "preseed cannot be right: line 3 is not ",
    ),
    "boolean": ({"preseed": f"d-i a/b boolean {SECRET}\n"}, "line 1 is of the type boolean, and its value is neither"),
    "empty": ({"preseed": "# nothing\n"}, "preseed cannot be right: it answers nothing"),
    "vault": ({"preseed": "$ANSIBLE_VAULT;1.1;AES256\n3132\n"}, "preseed cannot be right: line 1 is not owner"),
    "kickstart": (
        {"preseed": None, "kickstart": f"{KICKSTART}%post\n{SECRET}\n"},
        "line 3 opens a section that no ",
    ),
    "kickstart end": ({"preseed": None, "kickstart": "poweroff\n%end\n"}, "line 2 closes a section that is not open"),
    "kickstart section": (
        {"preseed": None, "kickstart": "poweroff\n%pots\n%end\n"},
        "line 2 opens a section that k",
    ),
    "kickstart word": ({"preseed": None, "kickstart": "poweroff\n-x\n"}, "line 2 does not begin with a command"),
    "kickstart empty": ({"preseed": None, "kickstart": "# nothing\n"}, "it holds no command"),
    "no header": ({"preseed": None, "autoinstall": "autoinstall: {}\n"}, "line 1 is not #cloud-config"),
    "no YAML": ({"preseed": None, "autoinstall": f"{AUTOINSTALL}  - {SECRET}: [\n"}, "line 4 is where it ceases to be"),
    "no mapping": ({"preseed": None, "autoinstall": "#cloud-config\nusers: []\n"}, "no mapping with a mapping auto"),
    "no version": ({"preseed": None, "autoinstall": "#cloud-config\nautoinstall: {a: 1}\n"}, "its version is not 1"),
    "no entry": ({"boot_entry": "Gentoo"}, "No entry of the boot menu .+'Gentoo'.+'Graphical install', 'Install'"),
    "path": ({"files": [{"path": "a/../b", "content": "c"}]}, "'a/../b' is no path on an image"),
    "source": ({"files": [{"path": "/a", "src": "nowhere"}]}, "nowhere cannot be read"),
    "argument": ({"kernel_arguments": ["a b"]}, "'a b' is not one kernel argument"),
    "name": ({"name": "a/b"}, "'a/b' cannot begin a file's name"),
    "mode": ({"mode": "rw"}, "'rw' are no permissions"),
    "timeout": ({"boot_timeout": -1}, "boot_timeout is a number of seconds"),
    "dest": ({"dest": "preseed.iso"}, "preseed.iso is no folder that can be written to"),
}
MARKS = {
    "windows": ["sources/boot.wim"],
    "proxmox": ["auto-installer-capable", "install.amd/vmlinuz"],
    "coreos": ["images/ignition.img", "images/pxeboot/vmlinuz"],
    "suse": ["boot/x86_64/loader/linux"],
    "esxi": ["imgpayld.tgz"],
    "live": ["LiveOS/squashfs.img"],
    "other": [],
}


def seed(**changed: Any) -> dict[str, Any]:
    options = {"src": "preseed.iso", "dest": "made", "preseed": PRESEED, **changed}
    return task("installer_image", **{name: value for name, value in options.items() if value is not None})


def images(folder: Path) -> None:
    isos.debian(folder / "preseed.iso")
    for name, marks in MARKS.items():
        isos.other(folder / f"{name}.iso", *marks)
    isos.other(folder / "menuless.iso", menu="configfile /elsewhere.cfg\n")
    isos.make(folder / "inert.iso", "inert", {"install.amd/vmlinuz": "none"}, "nothing")
    (folder / "text.iso").write_bytes(b"no image" * 10000)
    (folder / "short.iso").write_bytes((folder / "preseed.iso").read_bytes()[: 18 * 2048])


def run(command: list[str], cwd: str, environ_update: dict[str, str]) -> tuple[int, str, str]:
    """As Ansible runs it."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environ_update}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_what_cannot_be_used_is_told_and_nothing_built(
    tmp_path: Path, subtests: pytest.Subtests, monkeypatch: pytest.MonkeyPatch
) -> None:
    images(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = {path.name for path in tmp_path.iterdir()}
    defaults = {name: option.get("default") for name, option in installer_image.SPEC.items()}
    for name, (changed, says) in BAD.items():
        with subtests.test(msg=name):
            options = {**defaults, "src": "preseed.iso", "dest": "made", "preseed": PRESEED, **changed}
            options["files"] = [{"content": None, "src": None, **file} for file in options["files"]]
            with pytest.raises(ImageError, match=says) as caught:
                remaster(wish_of(options), Tools(shutil.which, run), check_mode=False)
            assert SECRET not in str(caught.value)
    assert list((tmp_path / "made").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} - before == {"made"}


def test_what_cannot_be_asked_for_is_told(ansible: Ansible, sim: Simulator, tmp_path: Path) -> None:
    isos.debian(tmp_path / "preseed.iso")
    cases = {
        "mutually exclusive: preseed|autoinstall|kickstart": seed(kickstart=KICKSTART),
        "mutually exclusive: content|src": seed(files=[{"path": "/a", "src": "x", "content": SECRET}]),
        "value of kind must be one of: auto, preseed, autoinstall, kickstart, plain": seed(kind="autoyast"),
        "xorriso is not installed where this runs": {**seed(), "environment": {"PATH": "/nowhere"}},
        "preseed cannot be right: line 1 is not owner": seed(preseed=SECRET),
        "missing.iso cannot be read": check("installer_image", src="missing.iso", dest="made", preseed=PRESEED),
    }
    played = ansible.play({"server": Host(sim, list(cases.values()))}, ("-vvvv", "--diff"))
    for words, outcome in zip(cases, played.hosts["server"], strict=True):
        assert (outcome.outcome, words in outcome.msg) == ("failed", True), outcome.msg
    assert SECRET not in played.output + played.lines
    assert list((tmp_path / "made").iterdir()) == []


def test_no_secret_is_told(ansible: Ansible, sim: Simulator, tmp_path: Path) -> None:
    isos.debian(tmp_path / "preseed.iso")
    files = [{"path": "/late.sh", "content": f"#!/bin/sh\necho {SECRET}\n"}]
    role = {"ansible.builtin.include_role": {"name": "community.pikvm.installer_image"}}
    variables = {
        "installer_image_src": "preseed.iso",
        "installer_image_dest": "made",
        "installer_image_preseed": PRESEED,
        "installer_image_files": files,
    }
    tasks = [
        check("installer_image", src="preseed.iso", dest="made", preseed=PRESEED, files=files),
        seed(files=files),
        {**role, "vars": {"installer_image_boot_entry": "Gentoo"}},
        {**role, "vars": {"installer_image_name": "other"}},
        {**role, "vars": {"installer_image_kickstart": KICKSTART}},
        {**role, "vars": {"installer_image_preseed": f"a line with {SECRET}"}},
    ]
    host = Host(sim, tasks, variables=variables)
    environment = {"PWD": str(tmp_path), "ANSIBLE_LOG_PATH": str(tmp_path / "log")}
    played = ansible.play({"server": host}, ("-vvvv", "--diff"), environment=environment)
    outcomes = played.hosts["server"]
    failures = " ".join(outcome.msg for outcome in outcomes if outcome.outcome == "failed")
    told = re.findall("No entry of the boot menu|answers of one kind|There is no file of such a name", failures)
    assert told == ["No entry of the boot menu", "answers of one kind", "There is no file of such a name"]
    assert {path.name.partition("-")[0] for path in (tmp_path / "made").iterdir()} == {"preseed", "other"}
    shown = played.output + played.lines + (tmp_path / "log").read_text()
    shown += "".join(path.read_text() for path in (tmp_path / "made").glob("*.json"))
    assert SECRET not in shown.replace((tmp_path / "playbook.yml").read_text(), "")
