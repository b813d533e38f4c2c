# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bodies kvmd and the nginx before it answer with."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from .errors import KvmdError


def dump(document: Any) -> str:
    """JSON as kvmd prints it."""
    return json.dumps(document, sort_keys=True, indent=4)


def raw_json(document: Any, status: int = 200) -> web.Response:
    """JSON without an envelope."""
    return web.Response(text=dump(document), status=status, content_type="application/json")


def envelope(result: Any) -> web.Response:
    """A success."""
    return raw_json({"ok": True, "result": result})


def refusal(error: KvmdError) -> web.Response:
    """A deliberate error."""
    result = {"error": error.name, "error_msg": str(error)}
    return raw_json({"ok": False, "result": result}, error.status)


def plain(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """What aiohttp says by itself."""
    return web.Response(text=text, status=status, content_type="text/plain", headers=headers)


def crash() -> web.Response:
    """An exception kvmd did not expect."""
    return plain(500, "500 Internal Server Error\n\nServer got itself in trouble")


def proxy_page(status: int) -> web.Response:
    """One of nginx's own pages."""
    titles = {404: "Not Found", 413: "Request Entity Too Large", 502: "Bad Gateway", 504: "Gateway Time-out"}
    title = f"{status} {titles.get(status, 'Error')}"
    text = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Response(text=text, status=status, content_type="text/html")
