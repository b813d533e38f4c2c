# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an image holds: it is understood, or refused in words, and neither takes long."""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.community.pikvm.plugins.module_utils._bootloader import Edited, Wanted, edit, menus
from ansible_collections.community.pikvm.plugins.module_utils._iso import (
    NO_DATE,
    SECTOR,
    ImageError,
    Volume,
    Xorriso,
    overwrite_copies,
    read_volume,
)
from tests.support import isos

GRUB, ISOLINUX, PART = "/boot/grub/grub.cfg", "/isolinux/isolinux.cfg", "/isolinux/menu.cfg"
HEAD = b"\x01CD001\x01\0".ljust(40, b" ") + b"LABEL".ljust(SECTOR - 40, b"\0")
DATES = st.binary(max_size=17) | st.from_regex(rb"\A[0-9 ]{14,17}\Z") | st.sampled_from([b"0" * 17, b"9" * 17])
WORDS = st.sampled_from(
    [
        *(
            "menuentry",
            "submenu",
            "linux",
            "linuxefi",
            "initrd",
            "label",
            "menu label ^",
            "kernel",
            "append",
            "include",
        ),
        *("menu.cfg", "isolinux.cfg", "../isolinux/menu.cfg", "{", "}", "'", '"', "\\", "#", "---", "\n", "\r\n", "\t"),
        *("/vmlinuz", "rescue", "quiet", "hd:LABEL=a", "\udc80", "\0", "\x85", "\u2028", "=", "default", "--id a"),
    ]
)
MENUS = st.lists(WORDS | st.text(max_size=3), max_size=60).map(" ".join) | st.sampled_from(
    [isos.DEBIAN_GRUB, isos.UBUNTU_GRUB, isos.RHEL_GRUB, isos.RHEL_ISOLINUX, *isos.DEBIAN_ISOLINUX.values()]
)
MANY = 10_000
"""More lines than any menu has: what takes time that grows with the square of them does not end in time."""

ENTRY = "menuentry 'Install' {\n  linux /vmlinuz quiet\n}\n"


def understood(texts: dict[str, str], entry: str = "") -> list[Edited]:
    """The menus as they are edited; none where they are refused."""
    try:
        edited, left = edit(texts, Wanted(lambda _present: ["auto=true"], ["a;b"], ["quiet"], entry))
    except ImageError as exc:
        refusal = str(exc)
    else:
        assert {menu.path for menu in edited}.isdisjoint(left)
        assert {*left, *(menu.path for menu in edited)} <= set(texts)
        return edited
    assert refusal.startswith("No entry of the boot menu ")
    return []


@given(data=st.binary(max_size=3000), at=st.integers(0, 40 * SECTOR), made=DATES, changed=DATES)
@example(data=b"", at=0, made=b"", changed=b"2024023012000000\0")
def test_any_file_is_a_volume_or_refused(tmp_path: Path, data: bytes, at: int, made: bytes, changed: bytes) -> None:
    image = tmp_path / "a.iso"
    head = bytearray(HEAD)
    head[813 : 813 + len(made)], head[830 : 830 + len(changed)] = made, changed
    content = bytearray(bytes(16 * SECTOR) + head + bytes(2 * SECTOR))
    content[at : at + len(data)] = data
    for whole in (bytes(content), bytes(content)[:at], data):
        image.write_bytes(whole)
        with contextlib.suppress(ImageError):
            volume = read_volume(str(image))
            assert re.fullmatch("[0-9]{16}", volume.date)
            assert isinstance(volume.epoch, int)
            assert len(volume.label) <= 32


@given(grub=MENUS, isolinux=MENUS, part=MENUS, entry=st.sampled_from(["", "install", "'"]))
def test_any_menu_is_edited_or_refused(grub: str, isolinux: str, part: str, entry: str) -> None:
    texts = {GRUB: grub, ISOLINUX: isolinux, PART: part}
    for menu in understood(texts, entry):
        assert "auto=true" in menu.arguments
        assert "auto=true" in menu.text
        if menu.path == GRUB:
            assert menu.text.startswith(grub.rstrip())
            assert menu.original == grub.encode("utf-8", "surrogateescape")


LARGE = {
    "entries": {GRUB: ENTRY * MANY},
    "entries that nothing ends": {GRUB: "menuentry 'Install' {\n" * MANY},
    "entries without a brace": {GRUB: "menuentry Install\n" * MANY},
    "braces": {GRUB: "menuentry 'Install' " + "{" * MANY},
    "quotes": {GRUB: "menuentry 'Install\" {\n" * MANY},
    "kernels": {GRUB: "menuentry 'Install' {\n" + "linux /vmlinuz\n" * MANY + "}\n"},
    "labels": {ISOLINUX: "label a\nkernel b\n" * MANY},
    "one line": {GRUB: "menuentry " + "a" * 10 * MANY, ISOLINUX: "label " + "a" * 10 * MANY},
    "parts in a row": {
        ISOLINUX: "include 0.cfg\n",
        **{f"/isolinux/{number}.cfg": f"include {number + 1}.cfg\n" for number in range(MANY)},
    },
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("texts", LARGE.values(), ids=LARGE)
def test_large_menu_is_read_in_time(texts: dict[str, str]) -> None:
    assert all(menu.text for menu in understood(texts))


@given(names=st.lists(st.text(), max_size=6))
def test_any_path_may_be_a_menu(names: list[str]) -> None:
    paths = [*names, *(f"{name}/isolinux.cfg" for name in names), *(f"{name}.cfg" for name in names)]
    assert set(menus(paths)) <= set(paths)


@given(
    told=st.text() | st.lists(st.sampled_from(["'/a'", "'/b", "'/", "c'", "''\"'\"''", "\n", " ", "\\"])).map("".join)
)
@example(told="'/a\nb'\n'/c'\n")
def test_whatever_xorriso_lists_is_paths_or_refused(tmp_path: Path, told: str) -> None:
    (tmp_path / "stock.iso").unlink(missing_ok=True)
    xorriso = Xorriso(
        lambda name: name, lambda *_command, **_how: (0, told, ""), tmp_path, "a", Volume("", NO_DATE, False)
    )
    try:
        paths = xorriso.files()
    except ImageError:
        return
    assert all(path.startswith("/") for path in paths)


@given(data=st.text("ab", max_size=60), original=st.text("ab", min_size=1, max_size=4), ours=st.text("ab", max_size=6))
def test_copies_are_overwritten_once(tmp_path: Path, data: str, original: str, ours: str) -> None:
    image = tmp_path / "made.iso"
    image.write_bytes(f"{data}.".encode())
    count = overwrite_copies(image, original.encode(), (original + ours).encode(), b"-")
    found = image.read_bytes()
    assert len(found) == len(data) + 1
    assert found.count(b"-") == count <= data.count(original)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return isos.rhel(tmp_path_factory.mktemp("stock") / "stock.iso").read_bytes()


def run(command: list[str], cwd: str, environ_update: dict[str, str]) -> tuple[int, str, str]:
    """As Ansible does, but for a time: at one damaged image in a thousand xorriso itself goes on for ever."""
    try:
        done = subprocess.run(command, cwd=cwd, env=environ_update, capture_output=True, timeout=5, check=False)
    except subprocess.TimeoutExpired:
        return -9, "", "xorriso : FATAL : has not ended"
    told, problems = (said.decode("utf-8", "surrogateescape") for said in (done.stdout, done.stderr))
    return done.returncode, told, problems


@isos.needs_xorriso
def test_names_with_quotes_and_line_breaks_are_paths(tmp_path: Path) -> None:
    names = ["a\nb.cfg", "it's", "q'\n'/c.cfg"]
    image = isos.make(tmp_path / "odd.iso", "odd", {name: f"in {name}" for name in names}, "nothing")
    xorriso = Xorriso(shutil.which, run, tmp_path, str(image), read_volume(str(image)))
    assert xorriso.read(xorriso.files()) == {f"/{name}": f"in {name}".encode() for name in names}


@isos.needs_xorriso
@settings(max_examples=settings().max_examples // 4)
@given(
    rng=st.randoms(use_true_random=False), times=st.sampled_from([1, 20, 400]), share=st.sampled_from([1, 1, 0.9, 0.3])
)
def test_damaged_image_is_read_or_refused(
    tmp_path: Path, stock: bytes, rng: random.Random, times: int, share: float
) -> None:
    damaged = bytearray(stock[: int(share * len(stock))])
    for _time in range(times):
        damaged[rng.randrange(16 * SECTOR, len(damaged))] = rng.randrange(256)
    image, folder = tmp_path / "damaged.iso", tmp_path / "scratch"
    image.write_bytes(damaged)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        xorriso = Xorriso(shutil.which, run, folder, str(image), read_volume(str(image)))
        found: Any = xorriso.read(menus(xorriso.files()))
        xorriso.platforms()
    except ImageError:
        return
    understood({path: text.decode("utf-8", "surrogateescape") for path, text in found.items()})
