#!/usr/bin/python
# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: installer_image
short_description: Make an installer image that asks nothing
version_added: 1.0.0
description:
  - Makes, from the stock image of an installer and the answers to its questions, an image that installs without a
    keypress.
  - The answers (the seed) and the kernel arguments that lead to them are added to the image, and its boot menu starts
    by itself. C(xorriso) does it, and keeps the image bootable as it was, by a BIOS and by UEFI, from a CD-ROM and
    from a flash drive.
  - The result is named by its content. With the same input the same image is made, byte by byte, and it is made once.
  - It talks to no PiKVM. It works on files, on the host where it runs.
  - Images of Windows, Proxmox, Fedora CoreOS, SUSE, VMware ESXi and live systems of the Fedora family are recognised
    and refused with the name of what makes them unattended.
author:
  - community.pikvm contributors (@ansible-collections)
requirements:
  - xorriso
  - PyYAML, to look into O(autoinstall)
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
    support: full
    details:
      - The name of an image that is not there yet is not known before it is made.
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: full
    details:
      - It shows which files and kernel arguments the image gets, and no content of files.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no
        change.
      - This assumes that the system controlled or queried by the module has not changed in a relevant way.
    support: full
  platform:
    description: Target OS or platform that can be operated against.
    support: full
    platforms: posix
options:
  src:
    description:
      - The stock image, an ISO file.
    type: path
    required: true
  dest:
    description:
      - Folder for the result, which is made if it is not there. It needs room for two images.
      - Beside the image there is a small file that tells what it was made from. While it is there, and both images
        are what they were, nothing is read or built again.
    type: path
    required: true
  name:
    description:
      - What the name of the result begins with, before C(-<12 hexadecimal digits of its SHA-256>.iso).
      - By default the name of O(src) without C(.iso).
    type: str
  kind:
    description:
      - What kind of answers the installer takes. V(auto) finds out from the image.
      - V(preseed) is for Debian and what is made like it, V(autoinstall) for Ubuntu, V(kickstart) for Fedora, RHEL
        and their relatives.
      - V(plain) adds O(files) and O(kernel_arguments), whatever the image is.
    type: str
    choices:
      - auto
      - preseed
      - autoinstall
      - kickstart
      - plain
    default: auto
  preseed:
    description:
      - Text of the answers, with lines of owner, question, type and value.
      - To be used with role P(community.pikvm.reinstall#role) it should hold C(d-i debian-installer/exit/poweroff
        boolean true).
    type: str
  autoinstall:
    description:
      - Text of the answers, a user-data for cloud-init with C(#cloud-config) in its first line and a mapping
        C(autoinstall).
      - To be used with role P(community.pikvm.reinstall#role) it should hold V(poweroff) for C(shutdown) there.
    type: str
  kickstart:
    description:
      - Text of the answers, with commands and with sections that C(%end) closes.
      - To be used with role P(community.pikvm.reinstall#role) it should hold the command C(poweroff).
    type: str
  files:
    description:
      - More files for the image, such as scripts that the answers refer to.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Where it is on the image, from C(/) on. A file that is there is replaced.
        type: str
        required: true
      content:
        description:
          - What is in it.
        type: str
      src:
        description:
          - A file with what is in it, on the host where the module runs.
        type: path
  kernel_arguments:
    description:
      - More arguments for the kernel of the installer. They are seen in results and in diffs.
    type: list
    elements: str
    default: []
  remove_kernel_arguments:
    description:
      - Names of arguments that the image has and that are taken away, such as V(quiet).
      - C(rd.live.check) is always taken away. It compares the image with a checksum that no longer holds.
    type: list
    elements: str
    default: []
  boot_entry:
    description:
      - Part of the title of the entry of the boot menu to start. By default the first one that installs, and does not
        check the medium first or want a mouse.
    type: str
    default: ""
  boot_timeout:
    description:
      - Seconds until the boot menu starts that entry.
    type: int
    default: 1
  mode:
    description:
      - Permissions of the result, as an octal number in quotes. The image holds all that the answers hold, such as
        hashes of passwords.
    type: raw
    default: "0600"
notes:
  - The texts O(preseed), O(autoinstall), O(kickstart) and the C(content) of O(files) are secrets to this module. They
    are not logged, not returned, and not quoted in messages.
  - An entry is added to a menu of GRUB, whose other entries stay. A menu of ISOLINUX is replaced by the one entry.
  - C(md5sum.txt) on images of Debian stays as it is. What is added or changed fails the check of integrity that is
    offered in the menu.
seealso:
  - module: community.pikvm.pikvm_msd_image
"""

EXAMPLES = r"""
- name: Let Debian install itself
  community.pikvm.installer_image:
    src: images/debian-13-netinst.iso
    dest: images
    preseed: "{{ lookup('ansible.builtin.file', 'preseed.cfg') }}"
  register: installer

- name: The same, with a script for its end, and messages on a serial line
  community.pikvm.installer_image:
    src: images/debian-13-netinst.iso
    dest: images
    preseed: "{{ lookup('ansible.builtin.file', 'preseed.cfg') }}"
    files:
      - path: /scripts/late.sh
        content: |
          #!/bin/sh
          systemctl --root=/target enable ssh
    kernel_arguments:
      - console=ttyS0,115200
    remove_kernel_arguments:
      - quiet
"""

RETURN = r"""
path:
  description: Path of the image. V(null) in check mode if it is not there yet, like all that depends on its content.
  returned: success
  type: str
  sample: images/debian-13-netinst-0c8f5b0a3f4e.iso
name:
  description: Its name.
  returned: success
  type: str
  sample: debian-13-netinst-0c8f5b0a3f4e.iso
checksum:
  description: Its checksum, as O(community.pikvm.pikvm_msd_image#module:checksum) takes it.
  returned: success
  type: str
  sample: sha256:0c8f5b0a3f4e4f3d9f0a5b7c6d8e1f2a3b4c5d6e7f8091a2b3c4d5e6f7a8b9c0
size:
  description: Its size in bytes.
  returned: success
  type: int
  sample: 699400192
kind:
  description: What kind of answers it holds.
  returned: success
  type: str
  sample: preseed
files:
  description: Paths on the image of all files that were added or changed.
  returned: success
  type: list
  elements: str
  sample: [/boot/grub/grub.cfg, /isolinux/isolinux.cfg, /preseed.cfg]
boot_entries:
  description: For each boot menu that was changed, the title of the entry that starts.
  returned: success
  type: dict
  sample: {/boot/grub/grub.cfg: Install, /isolinux/isolinux.cfg: Install / install}
kernel_arguments:
  description: The kernel arguments that were added.
  returned: success
  type: list
  elements: str
  sample: [auto=true, priority=critical, file=/cdrom/preseed.cfg]
"""

from pathlib import Path
from typing import Any

from ansible_collections.community.pikvm.plugins.module_utils._iso import ImageError
from ansible_collections.community.pikvm.plugins.module_utils._remaster import Outcome, Tools, remaster, wish_of
from ansible_collections.community.pikvm.plugins.module_utils._unlogged import Unlogged

SPEC: dict[str, Any] = {
    "src": {"type": "path", "required": True},
    "dest": {"type": "path", "required": True},
    "name": {"type": "str"},
    "kind": {"type": "str", "choices": ["auto", "preseed", "autoinstall", "kickstart", "plain"], "default": "auto"},
    "preseed": {"type": "str", "no_log": True},
    "autoinstall": {"type": "str", "no_log": True},
    "kickstart": {"type": "str", "no_log": True},
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "content": {"type": "str", "no_log": True},
            "src": {"type": "path"},
        },
        "required_one_of": [("content", "src")],
        "mutually_exclusive": [("content", "src")],
    },
    "kernel_arguments": {"type": "list", "elements": "str", "default": []},
    "remove_kernel_arguments": {"type": "list", "elements": "str", "default": []},
    "boot_entry": {"type": "str", "default": ""},
    "boot_timeout": {"type": "int", "default": 1},
    "mode": {"type": "raw", "default": "0600"},
}


def run(module: Unlogged) -> dict[str, Any]:
    """Have the image, and tell of it."""
    wish = wish_of(module.params)
    tools = Tools(module.get_bin_path, module.run_command)
    outcome = remaster(wish, tools, module.check_mode)
    for words in outcome.warnings:
        module.warn(words)
    result = {
        "changed": outcome.changed,
        "path": str(wish.dest / outcome.name) if outcome.name else None,
        "name": outcome.name,
        "checksum": f"sha256:{outcome.sha256}" if outcome.sha256 else None,
        "size": outcome.size,
        **outcome.told,
    }
    if module._diff:
        result["diff"] = difference(wish.dest, f"{wish.stem}-????????????.iso", outcome)
    return result


def difference(dest: Path, unknown: str, outcome: Outcome) -> dict[str, Any]:
    """What is made, without content."""
    after = {"path": str(dest / (outcome.name or unknown)), **outcome.told}
    return {"before": {} if outcome.changed else after, "after": after}


def main() -> None:
    module = Unlogged(
        argument_spec=SPEC,
        mutually_exclusive=[("preseed", "autoinstall", "kickstart")],
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except ImageError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
