# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server from which a PiKVM fetches images."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

DATA = bytes(range(256)) * 1024


class _Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        """Not to standard error."""


class _Library(_Quiet):
    """Serves DATA; what lies below /short breaks off half-way, below /missing nothing is found."""

    def do_GET(self) -> None:
        found = not self.path.startswith("/missing")
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(DATA) if found else 0))
        self.end_headers()
        if found:
            self.wfile.write(DATA[: len(DATA) // 2] if self.path.startswith("/short") else DATA)


class _Shelf(_Quiet, http.server.SimpleHTTPRequestHandler):
    """Serves files."""


def library() -> contextlib.AbstractContextManager[str]:
    """The address of a running server of DATA."""
    return _serving(_Library)


def shelf(folder: Path) -> contextlib.AbstractContextManager[str]:
    """The address of a running server of the files in a folder."""
    return _serving(functools.partial(_Shelf, directory=str(folder)))


@contextlib.contextmanager
def _serving(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
