# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a stock image and answers to an image that asks nothing, named by its content and made once."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from ._bootloader import Edited, Wanted, edit, leading_to, menus
from ._iso import Addition, ImageError, Volume, Xorriso, overwrite_copies, read_volume
from ._seeds import DISK_INFO, KINDS, PLAIN, detect

FORMAT = 1
"""Part of every recipe: raised when the same input makes another image."""
SCRATCH = ".installer_image-"
DIGITS = 12
BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Wish:
    """What the image shall be; the module documents each of these options.

    `files` holds, for each path on the image, the text or the path of a file here.
    """

    src: str
    dest: Path
    stem: str
    kind: str
    seeds: dict[str, str]
    files: dict[str, str | Path]
    kernel_arguments: list[str]
    removed_arguments: list[str]
    boot_entry: str
    boot_timeout: int
    mode: int


@dataclass
class Outcome:
    """What became of it. `name` and `size` are null for an image that check mode has not made."""

    changed: bool
    name: str | None
    sha256: str | None
    size: int | None
    told: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Tools:
    """What is taken from Ansible: how to find a program, and how to run it."""

    find: Callable[[str], Any]
    run: Callable[..., Any]


def wish_of(params: dict[str, Any]) -> Wish:
    """The wish in a module's parameters.

    Raises:
        ImageError: one of them cannot be used.
    """
    stem = params["name"] or re.sub(r"\.iso$", "", os.path.basename(params["src"]), flags=re.IGNORECASE)
    if not re.fullmatch(r"[\w][\w.+@-]*", stem, re.ASCII):
        raise ImageError(f"{stem!r} cannot begin a file's name on a PiKVM: letters, digits and . + @ _ - can (name)")
    mode = params["mode"]
    if isinstance(mode, str) and re.fullmatch("[0-7]{3,4}", mode):
        mode = int(mode, 8)
    if not isinstance(mode, int) or isinstance(mode, bool) or not 0 <= mode <= 0o777:
        raise ImageError(f"{mode!r} are no permissions: they are an octal number such as '0600' (mode)")
    if params["boot_timeout"] < 0:
        raise ImageError("boot_timeout is a number of seconds, and cannot be negative")
    seeds = {kind: params[kind] for kind in KINDS if params[kind] is not None}
    return Wish(
        src=params["src"],
        dest=Path(params["dest"]),
        stem=stem,
        kind=params["kind"],
        seeds={kind: text.replace("\r\n", "\n").rstrip("\n") + "\n" for kind, text in seeds.items()},
        files={each["path"]: each["content"] if each["src"] is None else Path(each["src"]) for each in params["files"]},
        kernel_arguments=params["kernel_arguments"],
        removed_arguments=params["remove_kernel_arguments"],
        boot_entry=params["boot_entry"],
        boot_timeout=params["boot_timeout"],
        mode=mode,
    )


def remaster(wish: Wish, tools: Tools, check_mode: bool) -> Outcome:
    """Have the image.

    Raises:
        ImageError: it cannot be made; then nothing has been.
    """
    volume = read_volume(wish.src)
    _check(wish)
    with _locked(wish.dest, check_mode):
        source, recipe = _recipe(wish)
        made = _made(wish, recipe)
        if made:
            return _kept(wish, made, check_mode)
        if not check_mode:
            _remove_leftovers(wish.dest)
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=None if check_mode else wish.dest) as name:
            folder = Path(name)
            xorriso = Xorriso(tools.find, tools.run, folder, wish.src, volume)
            present = xorriso.files()
            kind, told, edited, warnings = _plan(wish, volume, xorriso, present)
            if check_mode:
                return Outcome(True, None, None, None, told, warnings)
            additions = _additions(wish, kind, edited, folder)
            if shutil.disk_usage(wish.dest).free < os.path.getsize(wish.src):
                raise ImageError(f"{wish.dest} has no room for another {os.path.getsize(wish.src)} bytes")
            result = folder / "made.iso"
            result.touch(mode=0o600)
            xorriso.write(result.name, present, additions)
            if xorriso.platforms(result.name) != xorriso.platforms():
                raise ImageError("xorriso has not kept all that the image boots with")
            for menu in edited:
                if menu.original:
                    overwrite_copies(result, menu.original, _bytes(menu.text), leading_to(volume.label, menu.path))
            outcome = _keep(wish, result, recipe, source, told)
            outcome.warnings += warnings
            return outcome


def _check(wish: Wish) -> None:
    """Refuse what can be refused without a look into the image."""
    for kind, seed in wish.seeds.items():
        KINDS[kind].check(seed)
    given = next(iter(wish.seeds), None)
    if wish.kind in KINDS and given != wish.kind:
        raise ImageError(f"kind={wish.kind} needs {wish.kind}" + (f", and {given} was given" if given else ""))
    if wish.kind == PLAIN and given:
        raise ImageError(
            f"kind={PLAIN} takes no {given}: put it where the installer looks for it, with files and kernel_arguments"
        )
    if wish.kind == PLAIN and not (wish.files or wish.kernel_arguments):
        raise ImageError(f"kind={PLAIN} needs files or kernel_arguments")
    for path, source in wish.files.items():
        if not re.fullmatch(r"(/[^/\0]+)+", path) or {".", ".."} & set(path.split("/")):
            raise ImageError(f"{path!r} is no path on an image: it must begin with / and name a file (files)")
        if isinstance(source, Path) and not os.access(source, os.R_OK):
            raise ImageError(f"{source} cannot be read (files)")
    for argument in wish.kernel_arguments:
        if not argument or re.search(r"\s", argument):
            raise ImageError(f"{argument!r} is not one kernel argument: there are none with blanks (kernel_arguments)")


def _plan(
    wish: Wish, volume: Volume, xorriso: Xorriso, present: list[str]
) -> tuple[str, dict[str, Any], list[Edited], list[str]]:
    """What kind of image it is, what to tell of it, its menus as they shall be, and warnings."""
    kind = _kind(wish, volume, xorriso, present)
    if not xorriso.platforms():
        raise ImageError(f"{wish.src} is an ISO image that nothing boots from")
    texts = {path: text.decode("utf-8", "surrogateescape") for path, text in xorriso.read(menus(present)).items()}
    wanted = Wanted(
        KINDS[kind].arguments if kind in KINDS else lambda _present: [],
        wish.kernel_arguments,
        wish.removed_arguments,
        wish.boot_entry,
        wish.boot_timeout,
    )
    edited, left = edit(texts, wanted)
    if not edited and (kind in KINDS or wish.kernel_arguments or wish.boot_entry):
        raise ImageError(f"{wish.src} has no boot menu of GRUB or ISOLINUX with an entry that starts an installer")
    warnings = [f"The boot menu {path} was left as it is: no entry of it starts a kernel" for path in left]
    if not edited:
        warnings.append("There is no boot menu of GRUB or ISOLINUX: how the image starts was left as it is")
    if kind in KINDS and not KINDS[kind].powers_off.search(wish.seeds[kind]):
        warnings.append(
            f"The {kind} does not switch the server off at the end ({KINDS[kind].how}). An installer that reboots may "
            "start again, and the role reinstall waits for the server to be off, unless reinstall_complete_when says "
            "otherwise"
        )
    seeded = [KINDS[kind].seed, *KINDS[kind].others] if kind in KINDS else []
    told = {
        "kind": kind,
        "boot_entries": {menu.path: menu.entry for menu in edited},
        "kernel_arguments": edited[0].arguments if edited else [],
        "files": sorted({*wish.files, *seeded, *(menu.path for menu in edited)}),
    }
    return kind, told, edited, warnings


def _kind(wish: Wish, volume: Volume, xorriso: Xorriso, present: list[str]) -> str:
    if wish.kind != "auto":
        return wish.kind
    info = xorriso.read([path for path in present if path == DISK_INFO])
    kind = detect(volume, present, info.get(DISK_INFO, b"").decode("utf-8", "replace"))
    given = next(iter(wish.seeds), None)
    if given != kind:
        words = f"{given} was given" if given else "none was given"
        raise ImageError(
            f"{wish.src} holds an installer that takes a {kind}, and {words}. If it is not what it seems, set kind"
        )
    return kind


def _additions(wish: Wish, kind: str, edited: list[Edited], folder: Path) -> list[Addition]:
    """All files for the image; texts are written to the scratch folder first."""
    contents: dict[str, str | Path] = {menu.path: menu.text for menu in edited}
    contents.update(wish.files)
    if kind in KINDS:
        contents.update(KINDS[kind].others)
        contents[KINDS[kind].seed] = wish.seeds[kind]
    additions = []
    for number, (path, content) in enumerate(sorted(contents.items())):
        source = content if isinstance(content, Path) else folder / f"add-{number}"
        if isinstance(content, str):
            source.write_bytes(_bytes(content))
        additions.append(Addition(path, source.resolve()))
    return additions


def _bytes(text: str) -> bytes:
    """What was read from an image may be no UTF-8, and stays as it is."""
    return text.encode("utf-8", "surrogateescape")


def _recipe(wish: Wish) -> tuple[dict[str, Any], str]:
    """What identifies the stock image, and a hash of all that the result depends on."""
    stat = os.stat(wish.src)
    source = {"path": os.path.realpath(wish.src), "size": stat.st_size, "mtime": stat.st_mtime_ns}
    known = [
        each["source"] for each in _manifests(wish) if {**each["source"], "sha256": None} == {**source, "sha256": None}
    ]
    source["sha256"] = known[0]["sha256"] if known else sha256_of(Path(wish.src))
    files = {
        path: sha256_of(content) if isinstance(content, Path) else hashlib.sha256(content.encode()).hexdigest()
        for path, content in wish.files.items()
    }
    settings = (
        wish.kind,
        wish.seeds,
        wish.kernel_arguments,
        wish.removed_arguments,
        wish.boot_entry,
        wish.boot_timeout,
    )
    text = json.dumps([FORMAT, source["sha256"], files, *settings], sort_keys=True)
    return source, hashlib.sha256(text.encode()).hexdigest()


def _manifests(wish: Wish) -> list[dict[str, Any]]:
    """What is told beside each image of this stem; what cannot be read tells nothing."""
    found = []
    for path in sorted(wish.dest.glob("*.iso.json")) if wish.dest.is_dir() else []:
        if re.fullmatch(rf"{re.escape(wish.stem)}-[0-9a-f]{{{DIGITS}}}\.iso\.json", path.name):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                manifest = json.loads(path.read_text(encoding="utf-8"))
                found.append(
                    {key: manifest[key] for key in ("recipes", "source", "name", "sha256", "size", "mtime", "told")}
                )
    return found


def _made(wish: Wish, recipe: str) -> dict[str, Any] | None:
    """The manifest of the image, if it was made before and is still what it was."""
    for manifest in _manifests(wish):
        image = wish.dest / manifest["name"]
        if recipe in manifest["recipes"] and image.is_file():
            stat = image.stat()
            same = (stat.st_size, stat.st_mtime_ns) == (manifest["size"], manifest["mtime"])
            if same or sha256_of(image) == manifest["sha256"]:
                return manifest
    return None


def _kept(wish: Wish, made: dict[str, Any], check_mode: bool) -> Outcome:
    """The image is there; only its permissions may have to change."""
    image = wish.dest / made["name"]
    changed = image.stat().st_mode & 0o7777 != wish.mode
    if changed and not check_mode:
        image.chmod(wish.mode)
    return Outcome(changed, made["name"], made["sha256"], made["size"], made["told"])


def _keep(wish: Wish, result: Path, recipe: str, source: dict[str, Any], told: dict[str, Any]) -> Outcome:
    """Give the image its name, and write down what it was made from."""
    sha256 = sha256_of(result)
    name = f"{wish.stem}-{sha256[:DIGITS]}.iso"
    others = [each["recipes"] for each in _manifests(wish) if each["name"] == name and each["sha256"] == sha256]
    image = wish.dest / name
    changed = not (others and image.is_file() and sha256_of(image) == sha256)
    result.chmod(wish.mode)
    result.replace(image)
    stat = image.stat()
    manifest = {
        "recipes": sorted({recipe, *(others[0] if others else [])}),
        "source": source,
        "name": name,
        "sha256": sha256,
        "size": stat.st_size,
        "mtime": stat.st_mtime_ns,
        "told": told,
    }
    beside = result.with_name("manifest")
    beside.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    beside.chmod(0o600)
    beside.replace(wish.dest / f"{name}.json")
    return Outcome(changed, name, sha256, stat.st_size, told)


def sha256_of(path: Path) -> str:
    """Of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def _locked(dest: Path, check_mode: bool) -> Iterator[None]:
    """One at a time works in a folder: the hosts of a fleet ask for the same image, and it is made once."""
    if check_mode:
        yield
        return
    try:
        dest.mkdir(parents=True, exist_ok=True)
        lock = os.open(dest, os.O_RDONLY)
    except OSError as exc:
        raise ImageError(f"{dest} is no folder that can be written to: {exc.strerror} (dest)") from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _remove_leftovers(dest: Path) -> None:
    """What a killed run has left; whoever asks holds the lock."""
    for path in dest.glob(f"{SCRATCH}*"):
        shutil.rmtree(path, ignore_errors=True)
