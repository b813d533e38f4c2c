# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""How we know that we speak to the right PiKVM: chain of trust, own CA, or a pinned certificate."""

from __future__ import annotations

import os
import re
import ssl
import traceback
from typing import Any

from .errors import MissingLibraryError, OptionError
from .hearing import HEARING_POOLS

try:
    import certifi
    import requests
    from requests.adapters import HTTPAdapter
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = ""

    class OnePlaceSession(requests.Session):
        """Knows no redirects. requests, told not to follow one, still reads the whole of it, however long it is."""

        def get_redirect_target(self, _resp: Any) -> None:
            """None: an answer is an answer."""

    class TrustAdapter(HTTPAdapter):
        """Binds one TLS context, and a pinned fingerprint if there is one, to every connection.

        requests would otherwise let REQUESTS_CA_BUNDLE decide, and load a bundle of authorities where none is wanted.
        """

        def __init__(self, context: ssl.SSLContext | None, fingerprint: str | None) -> None:
            self._tls: dict[str, Any] = {"ssl_context": context, "assert_fingerprint": fingerprint}
            super().__init__(pool_connections=1, pool_maxsize=1)

        def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
            super().init_poolmanager(connections, maxsize, block, **kwargs, **self._tls)
            self.poolmanager.pool_classes_by_scheme = HEARING_POOLS

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(proxy, **kwargs, **self._tls)
            manager.pool_classes_by_scheme = HEARING_POOLS
            return manager

        def cert_verify(self, conn: Any, _url: str, verify: Any, _cert: Any) -> None:
            conn.cert_reqs = "CERT_REQUIRED" if verify else "CERT_NONE"


def trust_context(validate: bool, ca_path: str | None, fingerprint: str | None) -> ssl.SSLContext:
    """The TLS context for one PiKVM.

    Args:
        validate: whether chain and host name are checked.
        ca_path: file or folder of authorities, in place of the system's.
        fingerprint: a pinned certificate; it replaces both checks.

    Raises:
        OptionError: `ca_path` cannot be used.
    """
    if fingerprint or not validate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    names = [name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)]
    if not ca_path and not names:
        return _system_context()
    path = ca_path or os.environ[names[0]]
    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as exc:  # an ssl.SSLError is the one, a path that no file can have the other
        reason = getattr(exc, "strerror", None) or exc
        raise OptionError("ca_path" if ca_path else names[0], f"cannot use {path}: {reason}") from exc


def _system_context() -> ssl.SSLContext:
    """Trust what the system trusts; where Python knows no system store, what certifi trusts."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and paths.capath is None:
        return ssl.create_default_context(cafile=certifi.where())
    return ssl.create_default_context()


def parse_fingerprint(text: str) -> str:
    """A SHA-256 fingerprint as 64 hex digits; colons, blanks and openssl's prefix are allowed.

    Raises:
        OptionError: it is something else.
    """
    digits = re.sub(r"[\s:]", "", text.rsplit("=", maxsplit=1)[-1]).lower()
    if digits.startswith("sha256") and len(digits) == 70:
        digits = digits[6:]
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise OptionError("tls_fingerprint", "is not a SHA-256 fingerprint: 64 hex digits are needed, colons optional")
    return digits


def certificate_words(url: str, words: str) -> str:
    """What to tell a user whose PiKVM did not prove who it is. `words` is what the TLS library said."""
    if "ingerprint" in words:
        return (
            f"{url}: the server's certificate is not the pinned one (tls_fingerprint). {words}. No credential was sent"
        )
    return (
        f"{url}: the server's certificate is not trusted: {words}. No credential was sent. "
        f"Pin it with tls_fingerprint, name its authority with ca_path, or install a certificate on the PiKVM; "
        f"validate_certs=false turns the check off"
    )


def require_requests() -> None:
    """Raise MissingLibraryError where requests is not installed."""
    if REQUESTS_IMPORT_ERROR:
        raise MissingLibraryError("requests", REQUESTS_IMPORT_ERROR)
