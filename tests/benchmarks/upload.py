# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upload one large image over TLS: the client of this collection, and curl.

    python -m tests.benchmarks.upload [GIB]

Both send to the same nginx, which passes the body on as it comes, as it does on a PiKVM, to a program that throws it
away. They take turns, and the fastest of its turns counts for each. Time and processor are those of the transfer from
connecting to the answer, without the start of a Python; inside Ansible's worker there is none either.
"""

from __future__ import annotations

import argparse
import contextlib
import grp
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.simulator.certificate import certificate

from .table import Table

DESCRIPTION = "Upload one large image over TLS: the client of this collection, and curl."
ROUNDS = 3
TARGET = 0.95
"""Of curl's rate, at least."""
MIB = 1024 * 1024
GIB = 1024 * MIB
UTILITIES = Path(__file__).resolve().parents[2] / "plugins" / "module_utils"
PATIENCE = 10.0
"""Seconds for nginx to begin."""
LOOK_EVERY = 0.02
"""Seconds between two looks at a process's memory."""

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  scgi_temp_path {folder}/scgi;
  uwsgi_temp_path {folder}/uwsgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / {{
      proxy_pass http://unix:{folder}/sink;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      client_max_body_size 0;
    }}
  }}
}}
"""

SINK = r"""
import json, re, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
buffer = memoryview(bytearray(1024 * 1024))
while True:
    line = server.accept()[0]
    head = b""
    while b"\r\n\r\n" not in head:
        head += line.recv(65536)
    size = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
    written = len(head.partition(b"\r\n\r\n")[2])
    while written < size:
        count = line.recv_into(buffer)
        if not count:
            break
        written += count
    body = json.dumps({"ok": True, "result": {"image": {"name": "a.iso", "size": size, "written": written}}}).encode()
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body))
    line.close()
"""

CLIENT = r"""
import sys, time
sys.path.insert(0, sys.argv[1])
from _client.api import Pikvm
from _client.transport import Connection
from _client.upload import ImageFile
url, ca_path, path = sys.argv[2:]
pikvm, image = Pikvm(Connection(url, password="admin", ca_path=ca_path)), ImageFile(path)
wall, cpu = time.perf_counter(), time.process_time()
done = pikvm.msd_write("a.iso", image)
print(done.written, time.perf_counter() - wall, time.process_time() - cpu)
"""


@dataclass(frozen=True)
class Measured:
    """One upload. `memory` is the peak in bytes, 0 where the system does not tell it."""

    size: int
    seconds: float
    cpu: float
    memory: int

    @property
    def rate(self) -> float:
        return self.size / self.seconds


def missing() -> list[str]:
    """The programs that are needed and not there."""
    return [name for name in ("nginx", "curl") if not _program(name)]


def measure(size: int) -> dict[str, Measured]:
    """The fastest upload of so many bytes by each contender: `curl`, and `client`."""
    contenders = {"curl": _curl, "client": _client}
    runs: dict[str, list[Measured]] = {contender: [] for contender in contenders}
    with tempfile.TemporaryDirectory(prefix="pikvm-upload-") as name:
        folder = Path(name)
        image = folder / "a.iso"
        with image.open("wb") as file:
            file.truncate(size)
        with _server(folder) as url:
            _client(url, image, size)  # now the system's cache holds the file
            for turn in range(ROUNDS):
                for contender in sorted(contenders, reverse=turn % 2 == 0):
                    runs[contender].append(contenders[contender](url, image, size))
    return {contender: min(found, key=lambda run: run.seconds) for contender, found in runs.items()}


def _curl(url: str, image: Path, size: int) -> Measured:
    address = f"{url}/api/msd/write?image=a.iso"
    command = [_program("curl"), "-sS", "-q", "--noproxy", "*", "--cacert", str(certificate("san").ca_path)]
    words = r"\n%{time_total}"
    output, cpu, memory = _watched([*command, "-X", "POST", "-T", str(image), "-w", words, address])
    answer, _newline, seconds = output.rpartition("\n")
    _check(size, json.loads(answer)["result"]["image"]["written"])
    return Measured(size, float(seconds), cpu, memory)


def _client(url: str, image: Path, size: int) -> Measured:
    arguments = [str(UTILITIES), url, str(certificate("san").ca_path), str(image)]
    output, _cpu, memory = _watched([sys.executable, "-c", CLIENT, *arguments])
    written, seconds, cpu = output.split()
    _check(size, int(written))
    return Measured(size, float(seconds), float(cpu), memory)


def _check(size: int, written: int) -> None:
    if written != size:
        raise RuntimeError(f"{written} of {size} bytes arrived")


def _watched(command: list[str]) -> tuple[str, float, int]:
    """What a command prints, its processor seconds, its peak of memory.

    The system's own account would count the memory of the process that a command was forked from.
    """
    with tempfile.TemporaryFile("w+") as output, subprocess.Popen(command, stdout=output) as process:
        done = threading.Event()
        peaks = [0]
        watcher = threading.Thread(target=_watch, args=(process.pid, done, peaks))
        watcher.start()
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        done.set()
        watcher.join()
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return text, usage.ru_utime + usage.ru_stime, max(peaks)


def _watch(pid: int, done: threading.Event, peaks: list[int]) -> None:
    while not done.wait(LOOK_EVERY):
        with contextlib.suppress(OSError):
            found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
            peaks.append(int(found.group(1)) * 1024 if found else 0)


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[str]:
    """The address of an nginx that passes everything on to the sink."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    trusted = certificate("san").ca_path
    names = f"user {pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name};"
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            port=port,
            certificate=trusted,
            key=trusted.with_name("key.pem"),
            user="" if os.geteuid() else names,
        ),
        encoding="utf-8",
    )
    with contextlib.ExitStack() as stack:
        _started(stack, [sys.executable, "-c", SINK, str(folder / "sink")])
        nginx = _started(stack, [_program("nginx"), "-e", str(folder / "error.log"), "-c", str(configuration)])
        _wait(port, folder, nginx)
        yield f"https://127.0.0.1:{port}"


def _started(stack: contextlib.ExitStack, command: list[str]) -> subprocess.Popen[bytes]:
    process = stack.enter_context(subprocess.Popen(command))
    stack.callback(process.terminate)
    return process


def _wait(port: int, folder: Path, nginx: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            if (folder / "sink").exists():
                return
        if nginx.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"nginx did not begin: {(folder / 'error.log').read_text(encoding='utf-8')}")
        time.sleep(0.05)


def _program(name: str) -> str:
    """Where a program is; Debian keeps nginx out of a user's PATH."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])) or ""


def table(size: int = 2 * GIB) -> Table:
    """The upload of so many bytes by each contender, or what is missing for that."""
    result = Table(
        f"Upload of {size / GIB:g} GiB over TLS to one nginx",
        ["sent by", "MiB/s", "of curl", "CPU s", "memory MiB"],
    )
    lost = missing()
    if lost:
        result.notes.append(f"Not measured: {' and '.join(lost)} not found: apt-get install {' '.join(lost)}")
        return result
    found = measure(size)
    for contender, run in found.items():
        share = run.rate / found["curl"].rate
        cells = (f"{run.rate / MIB:.0f}", f"{share:.2f}", f"{run.cpu:.2f}", f"{run.memory / MIB:.0f}")
        result.add(contender, *cells)
    result.judge(f"the client at least {TARGET} of curl", found["client"].rate >= TARGET * found["curl"].rate)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.upload", description=DESCRIPTION)
    parser.add_argument("gib", nargs="?", type=float, default=2.0, help="GiB to upload (2)")
    args = parser.parse_args()
    print(table(int(args.gib * GIB)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
