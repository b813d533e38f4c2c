# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot menus that nobody would write, and that an image may hold all the same."""

from __future__ import annotations

import time

from ansible_collections.community.pikvm.plugins.module_utils._bootloader import Wanted, edit, grub_entries

MENU = "label install\n  menu label ^Install\n  kernel vmlinuz\n  append initrd=initrd.gz\n"
AT_ONCE = 5.0
"""Seconds; what grows with the power of its input takes days."""


def test_menus_that_include_each_other_are_read_once() -> None:
    names = [f"menu{number}.cfg" for number in range(40)]
    others = "".join(f"include {name}\n" for name in names)
    begin = time.monotonic()
    edited, left = edit({"isolinux.cfg": others + MENU, **dict.fromkeys(names, others)}, Wanted(lambda _: ["auto"]))
    assert time.monotonic() - begin < AT_ONCE
    assert ([menu.path for menu in edited], left) == (["isolinux.cfg"], [])


def test_many_comments_take_no_longer_than_other_lines() -> None:
    begin = time.monotonic()
    (entry,) = grub_entries("menuentry 'Install' {\n" + " # no\n" * 50_000 + "  linux /vmlinuz quiet\n}\n")
    assert time.monotonic() - begin < AT_ONCE
    assert entry.kernel == "/vmlinuz"
