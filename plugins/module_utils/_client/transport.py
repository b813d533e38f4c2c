# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""One conversation with one PiKVM over HTTP: what is sent, what is tried again, what a missing answer means.

* A read is tried again when it got no answer. A write is tried again only while nothing of it was sent; once sent, a
  missing answer is a LostAnswerError, and the caller has to look at the state.
* An idle connection is dropped before the server drops it (after 10 s), so that no write falls into a dying one.
* Redirects are never followed: they would carry credentials elsewhere and turn a POST into a GET.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import urlencode, urlsplit, urlunsplit

from .answer import Answer, Params, Request, check_unpacked, no_answer
from .auth import Credentials
from .bounds import BODY_WAITS, LONGEST_ANSWER
from .errors import (
    AnswerError,
    LostAnswerError,
    OptionError,
    PikvmError,
    ReadOnlyError,
    UnreachableError,
    UntrustedCertificateError,
    quote,
)
from .stream import Stream, allow, pieces, reason_of, words_of
from .tls import certificate_words, parse_fingerprint, require_requests, trust_context
from .upload import ImageFile

try:
    import requests
    from requests import exceptions as failures
    from requests.utils import get_environ_proxies
    from urllib3 import disable_warnings
    from urllib3.exceptions import HTTPError, InsecureRequestWarning, NewConnectionError

    from .tls import OnePlaceSession, TrustAdapter
except ImportError:
    pass  # require_requests() reports it before anything here is used

IDLE_LIMIT = 5.0
PAUSES = (0.25, 0.5, 1.0, 2.0)
FINAL_FLUSH = 65.0
"""Seconds to wait, beyond the timeout, for the answer after an upload's last byte: nginx gives up after 60."""


@dataclass(frozen=True)
class Connection:
    """Where a PiKVM is and how to log in: the values of the connection options.

    Raises:
        OptionError: a value cannot be used.
    """

    url: str
    username: str = "admin"
    password: str | None = field(default=None, repr=False)
    totp_secret: str | None = field(default=None, repr=False)
    auth_token: str | None = field(default=None, repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    tls_fingerprint: str | None = None
    timeout: float = 10.0
    retries: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", parse_url(self.url))
        if not 0 < self.timeout <= 86400:
            raise OptionError("timeout", "must be more than 0 and at most 86400 seconds")
        if not 0 <= self.retries <= 100:
            raise OptionError("retries", "must be between 0 and 100")


def parse_url(text: str) -> str:
    """The base address of a PiKVM without a trailing slash; https where no scheme is given.

    Raises:
        OptionError: it is not the address of a web server, or holds credentials.
    """
    address = text.strip() if "://" in text else f"https://{text.strip()}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
        malformed = ""
    except ValueError as exc:
        malformed = quote(str(exc))
    usable = not malformed and host and not (parts.query or parts.fragment)
    if "@" in address and (not usable or "@" in parts.netloc):  # what looks like something else may be of a password
        raise OptionError("url", "holds credentials; use username and password for them")
    if malformed:
        raise OptionError("url", f"is not an address: {malformed}")
    if parts.scheme not in ("http", "https"):
        raise OptionError("url", f"must begin with https:// or http://, not {quote(parts.scheme)}://")
    if not host or port == 0 or any(char.isspace() for char in address):
        raise OptionError("url", f"names no host: {quote(address)}")
    if parts.query or parts.fragment:
        raise OptionError("url", "must not have a query or a fragment")
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


class Transport:
    """Sends requests to one PiKVM over one kept-alive connection.

    Args:
        connection: address, login data and limits.
        read_only: refuse everything that is not a GET, and a GET that writes (check mode).

    Raises:
        OptionError: a connection value cannot be used.
        MissingLibraryError: requests (or pyotp, with a second factor) is not installed.
    """

    def __init__(
        self,
        connection: Connection,
        read_only: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        require_requests()
        self.connection = connection
        self.read_only = read_only
        self._credentials = Credentials(
            connection.username, connection.password, connection.totp_secret, connection.auth_token
        )
        self._clock = clock
        self._sleep = sleep
        self._last_used = clock()
        self._http = self._session()

    def get(self, path: str, params: Params | None = None) -> dict[str, Any]:
        """GET kvmd's `result`. Raises AnswerError, DeviceError or UnreachableError."""
        return self._read(Request("GET", path, params or {})).result()

    def get_raw(self, path: str, params: Params | None = None) -> Answer:
        """GET what kvmd answers without its envelope: a picture, a text. Raises as `get` does."""
        answer = self._read(Request("GET", path, params or {}))
        answer.check()
        return answer

    def post(
        self, path: str, params: Params | None = None, body: ImageFile | None = None, patience: float = 0.0
    ) -> dict[str, Any]:
        """POST, once, and return kvmd's `result`. Raises as `write` does."""
        return self.write(Request("POST", path, params or {}, body, patience)).result()

    def write(self, request: Request) -> Answer:
        """Send a request that writes, once.

        Raises:
            ReadOnlyError, UnreachableError: nothing was sent.
            LostAnswerError: sent, and nobody knows what became of it.
            DeviceError: refused. AnswerError: this is not a PiKVM.
        """
        body = request.image
        try:
            with self._ask(request) as response:
                answer = self._finish(request, response)
        finally:
            if body is not None and body.sent < body.size:
                self.close()  # the rest of the body was never sent: this connection is of no further use
        if answer.status in (502, 504):
            raise LostAnswerError(
                f"{request} was answered {answer.status} {quote(answer.reason)} by something in front of kvmd. "
                f"It may or may not have been carried out"
            )
        answer.check()
        return answer

    def login(self, expire: float | None) -> str:
        """POST /api/auth/login with our user, password and code, and take the token from its cookie."""
        headers = self._credentials.headers()
        fields = {"user": headers.get("X-KVMD-User", ""), "passwd": headers.get("X-KVMD-Passwd", "")}
        if expire is not None:
            fields["expire"] = str(int(expire))
        form = "application/x-www-form-urlencoded"
        answer = self.write(Request("POST", "/api/auth/login", {}, urlencode(fields).encode(), 0.0, form))
        token = re.search(r"auth_token=([0-9a-f]{64})", answer.headers.get("Set-Cookie", ""))
        if not token:
            raise AnswerError(f"{answer.request} was answered 200 without a session: is authentication switched off?")
        return token.group(1)

    def stream(self, method: str, path: str, params: Params | None = None, patience: float = 0.0) -> Stream:
        """A successful answer whose body is read piece by piece. Raises as `post` does."""
        request = Request(method, path, params or {}, None, patience)
        response = self._ask(request)
        if response.status_code != 200:
            with response:
                self._finish(request, response).result()
        try:
            check_unpacked(request, response.headers)
        except AnswerError:
            self.close()
            raise
        return Stream(request, response, self.close, BODY_WAITS * (self.connection.timeout + patience))

    def close(self) -> None:
        """Close the connection. The next request opens a new one."""
        self._http.close()

    def _session(self) -> requests.Session:
        values = self.connection
        pin = parse_fingerprint(values.tls_fingerprint) if values.tls_fingerprint else None
        secure = values.url.startswith("https:")
        context = trust_context(values.validate_certs, values.ca_path, pin) if secure else None
        self._verify = values.validate_certs and not pin
        disable_warnings(InsecureRequestWarning)  # whoever sets validate_certs=false has been told in the documentation
        http = OnePlaceSession()
        http.trust_env = False  # no login from ~/.netrc, no bundle that overrides `verify`
        http.proxies.update(get_environ_proxies(values.url))
        http.headers.update({"User-Agent": "community.pikvm", "Accept-Encoding": "identity"})
        http.mount(values.url.split("://", maxsplit=1)[0] + "://", TrustAdapter(context, pin))
        return http

    def _read(self, request: Request) -> Answer:
        """A GET that is tried again while it gets no answer from kvmd."""
        attempt = 0
        while True:
            last = attempt >= self.connection.retries
            try:
                with self._ask(request) as response:
                    answer = self._finish(request, response)
                if last or answer.status not in (502, 504):
                    return answer
            except AnswerError:
                if last:
                    raise
            self._pause(attempt)
            attempt += 1

    def _ask(self, request: Request) -> requests.Response:
        """Send a request, again with the next code where a second factor was refused. The body is still unread."""
        if self.read_only and request.writes:
            raise ReadOnlyError(f"{request} was not sent: this run must not write")
        response = self._send(request, self._credentials.headers)
        if response.status_code == 403 and self._credentials.kind == "totp":
            response.close()
            following = self._credentials.next_headers()
            response = self._send(request, lambda: following)
        return response

    def _send(self, request: Request, login: Callable[[], dict[str, str]]) -> requests.Response:
        """Send a request; a connection that could not be made is tried again, for nothing was sent."""
        if self._clock() - self._last_used > IDLE_LIMIT:
            self.close()
        attempt = 0
        while True:
            try:
                return self._send_once(request, login())
            except UntrustedCertificateError:
                raise
            except UnreachableError:
                if attempt >= self.connection.retries:
                    raise
            self._pause(attempt)
            attempt += 1

    def _send_once(self, request: Request, login: Mapping[str, str]) -> requests.Response:
        timeout = self.connection.timeout
        self._http.cookies.clear()  # a stale cookie would beat correct credentials
        try:
            return self._http.request(
                request.method,
                self.connection.url + request.path,
                params=request.query(),
                data=request.body,
                headers={**login, **({"Content-Type": request.content_type} if request.content_type else {})},
                timeout=(timeout, timeout + (FINAL_FLUSH if request.image else request.patience)),
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            )
        except (failures.RequestException, OSError) as exc:
            self.close()
            raise self._failure(request, exc) from exc
        finally:
            self._last_used = self._clock()

    def _finish(self, request: Request, response: requests.Response) -> Answer:
        """Read the whole body. Where it breaks off, a read has no answer, and a write has lost its own."""
        found: list[bytes] = []
        size = 0
        seconds = BODY_WAITS * self.connection.timeout
        deadline = self._clock() + seconds
        allow(response, seconds)
        try:
            for piece in pieces(response):
                found.append(piece)
                size += len(piece)
                if size > LONGEST_ANSWER or self._clock() > deadline:
                    self.close()
                    raise no_answer(request, f"the answer has no end: given up after {size} bytes")
        except (failures.RequestException, HTTPError, OSError) as exc:
            self.close()
            raise no_answer(request, f"the answer broke off: {words_of(exc)}") from exc
        self._last_used = self._clock()
        hint = self._credentials.hint(response.headers) if response.status_code == 403 else ""
        return Answer(request, response.status_code, response.reason or "", response.headers, b"".join(found), hint)

    def _pause(self, attempt: int) -> None:
        self._sleep(PAUSES[min(attempt, len(PAUSES) - 1)])

    def _failure(self, request: Request, exc: Exception) -> PikvmError:
        """What an exception of requests means: above all, whether anything was sent."""
        url, timeout = self.connection.url, self.connection.timeout
        if isinstance(exc, failures.SSLError):
            return UntrustedCertificateError(certificate_words(url, words_of(exc)))
        if isinstance(exc, failures.ProxyError):
            return UnreachableError(f"{url}: the proxy named in the environment failed: {words_of(exc)}")
        if isinstance(exc, failures.ConnectTimeout):
            return UnreachableError(
                f"{url}: no connection within {timeout:g} s. Is the address right, and the PiKVM up?"
            )
        if isinstance(exc, failures.ConnectionError) and isinstance(reason_of(exc), NewConnectionError):
            return UnreachableError(f"{url}: no connection: {words_of(exc)}. Is the address right, and the PiKVM up?")
        if isinstance(exc, failures.Timeout):
            return no_answer(request, f"{url} was connected, but gave no answer in time (timeout {timeout:g} s)")
        if isinstance(exc, (failures.ConnectionError, failures.ChunkedEncodingError, OSError)):
            return no_answer(request, f"the connection to {url} broke before an answer came: {words_of(exc)}")
        return no_answer(request, words_of(exc))
