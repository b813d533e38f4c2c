# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The streamer: its state and parameters, snapshots, and the text in them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from . import picture, streamer
from .errors import StreamerResolutionNotSupported, ValidatorError
from .routes import Call, Route

PREVIEW_QUALITY = 80
PREVIEW_SHARE = 5
NO_EDGE = -1


async def state(call: Call) -> Any:
    """GET /streamer."""
    return call.device.streamer.state()


async def set_params(call: Call) -> Any:
    """POST /streamer/set_params."""
    given = {
        name: call.arguments.integer(name, least, most)
        for name, (least, most) in streamer.RANGES.items()
        if call.arguments.text(name)
    }
    if call.arguments.text("resolution"):
        raise StreamerResolutionNotSupported
    call.device.streamer.set_params(given)
    return {}


async def reset(call: Call) -> Any:
    """POST /streamer/reset."""
    call.device.streamer.reset()
    return {}


async def take_snapshot(call: Call) -> web.Response:
    """GET /streamer/snapshot: a JPEG, or with `ocr` the text in it."""
    organ = call.device.streamer
    save, load, allow_offline, ocr, preview = (
        call.arguments.flag(name, default=False) for name in ("save", "load", "allow_offline", "ocr", "preview")
    )
    snapshot = await organ.take(save, load, allow_offline)
    if ocr:
        _check_languages(call)
        text = await organ.read(snapshot, _region(call, snapshot.size))
        return web.Response(text=text, content_type="text/plain", headers=snapshot.headers())
    jpeg = _preview(call, snapshot) if preview else snapshot.jpeg
    return web.Response(body=jpeg, content_type="image/jpeg", headers=snapshot.headers())


async def drop_snapshot(call: Call) -> Any:
    """DELETE /streamer/snapshot."""
    call.device.streamer.saved = None
    return {}


async def ocr_state(call: Call) -> Any:
    """GET /streamer/ocr."""
    return {"ocr": call.device.streamer.ocr()}


def _check_languages(call: Call) -> None:
    wanted = [lang for lang in call.arguments.text("ocr_langs").replace(",", " ").split() if lang]
    if not set(wanted) <= set(call.device.streamer.ocr()["langs"]["available"]):
        raise ValidatorError(f"Failed sub-validator on one of the item of {wanted!r}")


def _region(call: Call, size: tuple[int, int]) -> picture.Region:
    left, top, right, bottom = (
        call.arguments.integer(f"ocr_{side}", least=NO_EDGE, default=NO_EDGE)
        for side in ("left", "top", "right", "bottom")
    )
    return picture.region(left, top, right, bottom, size)


def _preview(call: Call, snapshot: streamer.Snapshot) -> bytes:
    most = [call.arguments.integer(f"preview_max_{name}", least=0, default=0) for name in ("width", "height")]
    if not any(most):
        most = [side // PREVIEW_SHARE for side in snapshot.size]
    width, height = (given or side for given, side in zip(most, snapshot.size, strict=True))
    quality = call.arguments.integer("preview_quality", 1, 100, default=PREVIEW_QUALITY)
    return picture.shrink(snapshot.jpeg, (width, height), quality)


ROUTES = [
    Route("GET", "/streamer", state),
    Route("POST", "/streamer/set_params", set_params),
    Route("POST", "/streamer/reset", reset),
    Route("GET", "/streamer/snapshot", take_snapshot),
    Route("DELETE", "/streamer/snapshot", drop_snapshot),
    Route("GET", "/streamer/ocr", ocr_state),
]
