# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small images that are laid out and started like the stock images of installers; only their kernels are none."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

needs_xorriso = pytest.mark.skipif(shutil.which("xorriso") is None, reason="xorriso is not installed")

EFI_BYTES = 256 * 1024
LABEL = "Rocky-9-4 x86 dvd"

DEBIAN_GRUB = """\
if loadfont $prefix/font.pf2 ; then
  set gfxmode=800x600
fi
menuentry --hotkey=g 'Graphical install' {
    set background_color=black
    linux    /install.amd/vmlinuz vga=788 --- quiet
    initrd   /install.amd/gtk/initrd.gz
}
menuentry --hotkey=i 'Install' {
    set background_color=black
    linux    /install.amd/vmlinuz vga=788 --- quiet
    initrd   /install.amd/initrd.gz
}
submenu --hotkey=a 'Advanced options ...' {
    menuentry '... Rescue mode' {
        linux    /install.amd/vmlinuz vga=788 rescue/enable=true --- quiet
        initrd   /install.amd/initrd.gz
    }
}
"""
DEBIAN_ISOLINUX = {
    "isolinux.cfg": "path \ninclude menu.cfg\ndefault vesamenu.c32\nprompt 0\ntimeout 0\n",
    "menu.cfg": "menu hshift 4\ninclude gtk.cfg\ninclude txt.cfg\ninclude spkgtk.cfg\n",
    "gtk.cfg": "default installgui\nlabel installgui\n\tmenu label ^Graphical install\n\tmenu default\n"
    "\tkernel /install.amd/vmlinuz\n\tappend vga=788 initrd=/install.amd/gtk/initrd.gz --- quiet \n",
    "txt.cfg": "label install\n\tmenu label ^Install\n\tkernel /install.amd/vmlinuz\n"
    "\tappend vga=788 initrd=/install.amd/initrd.gz --- quiet \n",
    "spkgtk.cfg": "timeout 300\nontimeout /install.amd/vmlinuz speakup.synth=soft --- quiet\n",
}
UBUNTU_GRUB = """\
set timeout=30
loadfont unicode
menuentry "Try or Install Ubuntu Server" {
\tset gfxpayload=keep
\tlinux\t/casper/vmlinuz  ---
\tinitrd\t/casper/initrd
}
grub_platform
if [ "$grub_platform" = "efi" ]; then
menuentry 'UEFI Firmware Settings' {
\tfwsetup
}
else
menuentry 'Test memory' {
\tlinux16 /boot/memtest86+x64.bin
}
fi
"""
RHEL_GRUB = """\
set default="1"
set timeout=60
search --no-floppy --set=root -l 'Rocky-9-4 x86 dvd'
menuentry 'Install Rocky Linux 9.4' --class fedora --class gnu-linux {
\tlinuxefi /images/pxeboot/vmlinuz inst.stage2=hd:LABEL=Rocky-9-4\\x20x86\\x20dvd quiet
\tinitrdefi /images/pxeboot/initrd.img
}
menuentry 'Test this media & install Rocky Linux 9.4' --class fedora {
\tlinuxefi /images/pxeboot/vmlinuz inst.stage2=hd:LABEL=Rocky-9-4\\x20x86\\x20dvd rd.live.check quiet
\tinitrdefi /images/pxeboot/initrd.img
}
"""
RHEL_ISOLINUX = """\
default vesamenu.c32
timeout 600
label check
  menu label Test this ^media & install Rocky Linux 9.4
  menu default
  kernel vmlinuz
  append initrd=initrd.img inst.stage2=hd:LABEL=Rocky-9-4\\x20x86\\x20dvd rd.live.check quiet
menu separator
label linux
  menu label ^Install Rocky Linux 9.4
  kernel vmlinuz
  append initrd=initrd.img inst.stage2=hd:LABEL=Rocky-9-4\\x20x86\\x20dvd quiet
label local
  menu label Boot from ^local drive
  localboot 0xffff
"""
OTHER_GRUB = "set timeout=-1\nmenuentry 'Other' {\n  linux /boot/vmlinuz-lts quiet\n  initrd /boot/initramfs-lts\n}\n"


def debian(iso: Path) -> Path:
    files = {f"isolinux/{name}": text for name, text in DEBIAN_ISOLINUX.items()}
    files |= {
        "boot/grub/grub.cfg": DEBIAN_GRUB,
        ".disk/info": 'Debian GNU/Linux 13.0.0 "Trixie" - Official amd64 NETINST',
    }
    files |= dict.fromkeys(("install.amd/vmlinuz", "install.amd/initrd.gz", "install.amd/gtk/initrd.gz"), "none")
    return make(
        iso, "Debian 13.0.0 amd64 n", {**files, "boot/grub/efi.img": "", "isolinux/isolinux.bin": ""}, "isolinux"
    )


def ubuntu(iso: Path) -> Path:
    files = {"boot/grub/grub.cfg": UBUNTU_GRUB, ".disk/info": 'Ubuntu-Server 24.04 LTS "Noble Numbat" - Release amd64'}
    files |= dict.fromkeys(("casper/vmlinuz", "casper/initrd", "casper/install-sources.yaml"), "none")
    return make(iso, "Ubuntu-Server 24.04 LTS amd64", {**files, "boot/grub/i386-pc/eltorito.img": ""}, "appended")


def rhel(iso: Path) -> Path:
    """Its image for UEFI holds the boot menu a second time."""
    files = {"EFI/BOOT/grub.cfg": RHEL_GRUB, "isolinux/isolinux.cfg": RHEL_ISOLINUX, "isolinux/isolinux.bin": ""}
    files |= dict.fromkeys(("images/install.img", "images/pxeboot/vmlinuz", "images/pxeboot/initrd.img"), "none")
    return make(iso, LABEL, {**files, "images/efiboot.img": RHEL_GRUB}, "isolinux", efi="images/efiboot.img")


def other(iso: Path, *more: str, menu: str = OTHER_GRUB) -> Path:
    """Something else, with files that tell what."""
    files = {"boot/grub/grub.cfg": menu, "boot/grub/i386-pc/eltorito.img": "", **dict.fromkeys(more, "none")}
    return make(iso, "other", {**files, "boot/vmlinuz-lts": "none"}, "grub")


STOCK = {"preseed": debian, "autoinstall": ubuntu, "kickstart": rhel, "plain": other}


def make(iso: Path, label: str, files: dict[str, str], boots: str, efi: str = "boot/grub/efi.img") -> Path:
    """Write an image that boots in one of the ways that are in use."""
    tree = iso.with_suffix(".tree")
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        if name.endswith((".img", ".bin")) and text != "none":
            data = data.rjust(len(data) + 4096, b"\0").ljust(EFI_BYTES, b"\0")
        path.write_bytes(data)
    outside = iso.with_suffix(".efi")
    outside.write_bytes(bytes(EFI_BYTES))
    bios = ["-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"]
    grub = ["-b", "boot/grub/i386-pc/eltorito.img", *bios, "--grub2-boot-info"]
    linux = ["-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", *bios]
    appended = ["-append_partition", "2", "0xef", str(outside), "-appended_part_as_gpt"]
    second = ["-eltorito-alt-boot", "-no-emul-boot", "-e"]
    ways = {
        "isolinux": [*linux, *second, efi, "-isohybrid-gpt-basdat"],
        "appended": [*grub, *appended, *second, "--interval:appended_partition_2:all::"],
        "grub": grub,
        "nothing": [],
    }
    command = ["xorriso", "-as", "mkisofs", "-quiet", "-r", "-J", "-V", label, "-o", str(iso), *ways[boots], str(tree)]
    subprocess.run(command, check=True, capture_output=True)
    shutil.rmtree(tree)
    return iso


def equipment(iso: Path) -> list[str]:
    """What it boots with; where on the image that is may change."""
    command = ["xorriso", "-indev", str(iso), "-report_el_torito", "as_mkisofs", "-report_system_area", "as_mkisofs"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.sub(r"\d+[ds]-\d+[ds]|start_\d+s", "N", told.replace(str(iso), "ISO")).splitlines()


def content(iso: Path, *paths: str) -> dict[str, str]:
    """Text files on an image."""
    folder = iso.with_suffix(".read")
    extracts = [word for path in paths for word in ("-extract", path, str(folder / path.lstrip("/")))]
    subprocess.run(["xorriso", "-osirrox", "on", "-indev", str(iso), *extracts], check=True, capture_output=True)
    texts = {path: (folder / path.lstrip("/")).read_bytes().decode("utf-8", "replace") for path in paths}
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
    shutil.rmtree(folder)
    return texts
