# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain HTTP client of a PiKVM, as the contract tests need one."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import requests

from tests.simulator import Simulator
from tests.support.raw import until

ADMIN = {"X-KVMD-User": "admin", "X-KVMD-Passwd": "admin"}
PATIENCE = 10.0

SPEED = 20.0
"""How much faster than the wall the devices' time runs where a test does not say otherwise."""


class Client:
    """Requests to one simulator, with the administrator's headers unless told otherwise."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.http = requests.Session()
        self.http.trust_env = False

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self.http.close()

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request; redirects are not followed and cookies are not kept."""
        options = {"headers": ADMIN, "verify": self.sim.ca_path, "timeout": PATIENCE, **options}
        self.http.cookies.clear()
        return self.http.request(method, self.sim.url + path, allow_redirects=False, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        """A GET."""
        return self.send("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        """A POST."""
        return self.send("POST", path, **options)

    def state(self, organ: str) -> dict[str, Any]:
        """The `result` of GET /api/ORGAN."""
        result: dict[str, Any] = self.get(f"/api/{organ}").json()["result"]
        return result

    def upload(self, name: str, data: bytes) -> None:
        """Store an image and wait until it is listed."""
        assert self.post("/api/msd/write", params={"image": name}, data=data).status_code == 200
        until(lambda: self.images().get(name, {}).get("complete", False))

    def images(self) -> dict[str, Any]:
        """The images as listed."""
        images: dict[str, Any] = self.state("msd")["storage"]["images"]
        return images

    def insert(self, name: str, **params: Any) -> None:
        """Select an image and connect the drive."""
        selected = self.post("/api/msd/set_params", params={"image": name, **params})
        connected = self.post("/api/msd/set_connected?connected=1")
        assert (selected.status_code, connected.status_code) == (200, 200)


def begin(client: Client, path: str, length: int) -> ssl.SSLSocket:
    """A connection on which the headers of a POST have been sent and no byte of its body."""
    context = ssl.create_default_context(cafile=client.sim.ca_path)
    plain = socket.create_connection(("127.0.0.1", client.sim.port), timeout=PATIENCE)
    connection = context.wrap_socket(plain, server_hostname="localhost")
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}"]
    lines += [f"{header}: {value}" for header, value in ADMIN.items()]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def error_of(answer: requests.Response) -> tuple[int, str]:
    """Status and error name of a refusal."""
    return answer.status_code, answer.json()["result"]["error"]


def login(client: Client, **fields: str) -> dict[str, str]:
    """A session's cookie as a header."""
    form = {"user": "admin", "passwd": "admin", **fields}
    answer = client.post("/api/auth/login", headers={}, data=form)
    assert answer.status_code == 200
    return {"Cookie": f"auth_token={answer.cookies['auth_token']}"}


def check(client: Client, headers: dict[str, str]) -> int:
    """How a login is answered."""
    return client.get("/api/auth/check", headers=headers).status_code


def keys(client: Client) -> list[tuple[str, bool]]:
    """The keys that went down and up."""
    return [(event["key"], event["state"]) for event in list(client.sim.device.hid.events) if event["kind"] == "key"]


def boots(client: Client) -> list[str]:
    """What the computer was started from."""
    return [boot["source"] for boot in client.sim.machine.boots]


class HeldBody:
    """A request body of known length whose second half is sent only when `release` is called."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._released = threading.Event()

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[bytes]:
        half = len(self._data) // 2
        yield self._data[:half]
        self._released.wait(PATIENCE)
        yield self._data[half:]

    def release(self) -> None:
        """Let the rest go."""
        self._released.set()


Start = Callable[..., Client]
