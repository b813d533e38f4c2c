# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds of installers: which one an image holds, where it looks for its answers, and whether those can be right.

What is wrong with a seed is told by its line, never by its words: they may be a password.
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from typing import Callable

from ._iso import ImageError, Volume

YAML_IMPORT_ERROR: str | None
try:
    import yaml
except ImportError:
    YAML_IMPORT_ERROR = traceback.format_exc()
else:
    YAML_IMPORT_ERROR = None

PLAIN = "plain"
META_DATA = "instance-id: installer-image\n"
DISK_INFO = "/.disk/info"
SECTIONS = "%(packages|pre|pre-install|post|onerror|traceback|addon|anaconda|certificate)"


@dataclass(frozen=True)
class Kind:
    """What an installer wants.

    Attributes:
        seed: where on the image its answers are.
        others: files that have to be beside them.
        arguments: what makes it read them, given the kernel arguments that it has.
        check: refuses what cannot be right.
        powers_off: finds in the answers that the server is switched off at the end.
        how: how the answers say that.
    """

    seed: str
    others: dict[str, str]
    arguments: Callable[[str], list[str]]
    check: Callable[[str], None]
    powers_off: re.Pattern[str]
    how: str


def _kickstart_arguments(present: str) -> list[str]:
    """The volume is named as the image's own menu names it: there are several ways to escape a blank."""
    volume = re.search(r"\binst\.(?:stage2|repo)=(hd:LABEL=[^\s:]+)", present)
    return [f"inst.ks={volume.group(1) if volume else 'cdrom'}:/ks.cfg"]


def _wrong(seed: str, number: int, what: str) -> ImageError:
    return ImageError(f"The {seed} cannot be right: line {number} {what}. Nothing was built")


def _check_preseed(text: str) -> None:
    types = "string|boolean|select|multiselect|note|text|password|title|error|seen"
    count, continued = 0, False
    for number, line in enumerate(text.splitlines(), 1):
        if not continued:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            words = line.split(None, 3)
            if len(words) < 3 or not re.fullmatch(types, words[2]):
                raise _wrong("preseed", number, f"is not owner, question, type ({types.replace('|', ', ')}) and value")
            value = words[3].strip() if len(words) > 3 else ""
            if words[2] in ("boolean", "seen") and value not in ("true", "false"):
                raise _wrong("preseed", number, f"is of the type {words[2]}, and its value is neither true nor false")
            count += 1
        continued = line.endswith("\\")
    if not count:
        raise ImageError("The preseed cannot be right: it answers nothing. Nothing was built")


def _check_kickstart(text: str) -> None:
    opened, commands = 0, 0
    for number, line in enumerate(text.splitlines(), 1):
        word = line.split()[0] if line.strip() else ""
        if opened:
            if re.fullmatch(SECTIONS, word):
                break
            opened = 0 if word == "%end" else opened
        elif re.fullmatch(SECTIONS, word):
            opened = number
        elif word and not word.startswith("#"):
            _check_command(number, word)
            commands += 1
    if opened:
        raise _wrong("kickstart", opened, "opens a section that no %end closes")
    if not commands:
        raise ImageError("The kickstart cannot be right: it holds no command. Nothing was built")


def _check_command(number: int, word: str) -> None:
    if word == "%end":
        raise _wrong("kickstart", number, "closes a section that is not open")
    if word.startswith("%") and word not in ("%include", "%ksappend"):
        raise _wrong("kickstart", number, "opens a section that kickstart does not know")
    if not re.fullmatch("%?[a-z]+", word):
        raise _wrong("kickstart", number, "does not begin with a command")


def _check_autoinstall(text: str) -> None:
    if text.split("\n", 1)[0].rstrip() != "#cloud-config":
        raise _wrong("autoinstall", 1, "is not #cloud-config, and without it nobody reads the rest")
    if YAML_IMPORT_ERROR:
        if not re.search(r"^autoinstall:", text, re.MULTILINE):
            raise ImageError("The autoinstall cannot be right: it has no key autoinstall. Nothing was built")
        return
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        raise _wrong("autoinstall", mark.line + 1 if mark else 1, "is where it ceases to be YAML") from None
    answers = document.get("autoinstall") if isinstance(document, dict) else None
    if not isinstance(answers, dict):
        raise ImageError(
            "The autoinstall cannot be right: it is no mapping with a mapping autoinstall in it. Nothing was built"
        )
    if answers.get("version") != 1:
        raise ImageError("The autoinstall cannot be right: its version is not 1. Nothing was built")


KINDS = {
    "preseed": Kind(
        "/preseed.cfg",
        {},
        lambda _present: ["auto=true", "priority=critical", "file=/cdrom/preseed.cfg"],
        _check_preseed,
        re.compile(r"^\s*\S+\s+debian-installer/exit/poweroff\s+boolean\s+true\b", re.MULTILINE),
        "d-i debian-installer/exit/poweroff boolean true",
    ),
    "autoinstall": Kind(
        "/nocloud/user-data",
        {"/nocloud/meta-data": META_DATA},
        lambda _present: ["autoinstall", "ds=nocloud;s=/cdrom/nocloud/"],
        _check_autoinstall,
        re.compile(r"^\s*[\"']?shutdown[\"']?:\s*[\"']?poweroff\b", re.MULTILINE),
        "shutdown: poweroff",
    ),
    "kickstart": Kind(
        "/ks.cfg",
        {},
        _kickstart_arguments,
        _check_kickstart,
        re.compile(r"^\s*(poweroff|shutdown)\b", re.MULTILINE),
        "poweroff",
    ),
}

MARKS = (
    ("autoinstall", r"/casper/(.+/)?vmlinuz.*|/casper/install-sources\.yaml"),
    ("preseed", r"/install(\.\w+)?/(.+/)?(vmlinuz|linux|vmlinux|initrd\.gz)"),
    ("kickstart", r"/images/install\.img|/images/pxeboot/vmlinuz"),
)
"""Kinds, and paths of which one is on their images."""

OTHERS = (
    (
        "Windows",
        r"/sources/(boot|install)\.(wim|esd)|/bootmgr(\.efi)?",
        "an autounattend.xml and Microsoft's Windows ADK",
    ),
    ("Proxmox", r"/auto-installer-capable|/(pve|pmg|pbs)-base\.squashfs|/proxmox/.+", "proxmox-auto-install-assistant"),
    ("Fedora CoreOS or RHEL CoreOS", r"/images/ignition\.img|/coreos/.+", "coreos-installer iso customize"),
    (
        "SUSE",
        r"/media\.1/products|/boot/\w+/loader/.+|/control\.xml|/boot/\w+/control\.xml",
        "mksusecd, with an AutoYaST or Agama profile",
    ),
    (
        "VMware ESXi",
        r"/(efi/boot/)?boot\.cfg|/imgpayld\.tgz|/k\.b00",
        "ks=cdrom:/KS.CFG in its BOOT.CFG, and genisoimage as VMware describes it",
    ),
    (
        "a live system of the Fedora family",
        r"/LiveOS/squashfs\.img",
        "the netinst or DVD image of the same release, or mkksiso",
    ),
)
"""Kinds that need a tool of their own: name, paths of which one is on their images, what to use."""


def detect(volume: Volume, paths: list[str], info: str) -> str:
    """The kind of installer that an image holds; `info` is what its /.disk/info says.

    Raises:
        ImageError: it is none of those that can be seeded.
    """
    if volume.udf and len(paths) <= 1:
        raise _unsupported(*OTHERS[0][::2])
    marked = {kind for kind, pattern in MARKS if any(re.fullmatch(pattern, path) for path in paths)}
    for name, pattern, tool in OTHERS:
        if any(re.fullmatch(pattern, path, re.IGNORECASE) for path in paths) and not (
            marked and name.startswith(("VMware", "a live"))
        ):
            raise _unsupported(name, tool)
    if "autoinstall" in marked and "ubuntu" not in info.lower():
        marked.remove("autoinstall")
    for kind, _pattern in MARKS:
        if kind in marked:
            return kind
    raise ImageError(
        "It is not known what kind of installer this image holds: none for preseed, autoinstall or kickstart. If it "
        f"is one of them after all, set kind; kind={PLAIN} adds files and kernel arguments to whatever it is"
    )


def _unsupported(name: str, tool: str) -> ImageError:
    return ImageError(
        f"This is an image of {name}, which this module does not make unattended. Use {tool}. kind={PLAIN} would "
        "add files and kernel arguments to it as to any other"
    )
