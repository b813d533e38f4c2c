# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook without the second that Python takes to import Ansible, which is most of what a short play costs.

A process imports Ansible once, and forks for each run. The run has the environment, the working folder, the command
line and the configuration that it is given, and leaves nothing behind in the process.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = (
    "ansible.cli.playbook",
    "ansible.executor.playbook_executor",
    "ansible.executor.task_queue_manager",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.strategy.free",
    "ansible.plugins.connection.local",
    "ansible.plugins.action.normal",
    "ansible.plugins.inventory.yaml",
    "ansible.module_utils.basic",
    "requests",
    "websockets.sync.client",
    "pyotp",
)
READ_ONCE = ("ANSIBLE_", "PYTHON")
"""Variables that Python and Ansible read as they start. Where they differ, it takes another process."""
OF_A_RUN = ("ANSIBLE_HOME", "ANSIBLE_REMOTE_TEMP")
"""Those among them that every run has its own of. They are read again."""
_servers: dict[frozenset[tuple[str, str]], tuple[subprocess.Popen[bytes], socket.socket]] = {}


def run(arguments: list[str], environment: dict[str, str], folder: Path, patience: float) -> tuple[int, str]:
    """Run ansible-playbook; returns its exit status and all that it printed. `TimeoutError` if it takes too long."""
    ours, theirs = socket.socketpair()
    with ours, tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as output:
        request = {"arguments": arguments, "environment": environment, "folder": str(folder), "output": output.name}
        with theirs:
            socket.send_fds(_server(environment), [b"."], [theirs.fileno()])
        ours.sendall(json.dumps(request).encode() + b"\n")
        ours.settimeout(patience)
        reader = ours.makefile()
        group = int(reader.readline())
        try:
            status = reader.readline()
        except TimeoutError:
            os.killpg(group, signal.SIGKILL)
            raise
        return int(status or -1), output.read()


def _server(environment: dict[str, str]) -> socket.socket:
    """The socket of a process that has imported Ansible in such an environment."""
    read = {name: value for name, value in environment.items() if name.startswith(READ_ONCE) and name not in OF_A_RUN}
    key = frozenset(read.items())
    if key not in _servers:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.preloaded", str(theirs.fileno())],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        _servers[key] = (process, ours)
        atexit.register(_end, process, ours)
    return _servers[key][1]


def _end(process: subprocess.Popen[bytes], channel: socket.socket) -> None:
    channel.close()
    process.wait()


def _serve(channel: socket.socket) -> None:
    """Fork for each request, until nobody is there who could make one."""
    for name in IMPORTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _read_routing()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.path[0] = str(Path(sys.executable).parent)
    while True:
        said, handed, _flags, _address = socket.recv_fds(channel, 1, 1)
        if not said:
            return
        with socket.socket(fileno=handed[0]) as asked:
            if os.fork() == 0:
                channel.close()
                _run(asked)


def _read_routing() -> None:
    """Parse Ansible's long list of what it once held itself; a third of a short play is that."""
    finder: Any = importlib.import_module("ansible.utils.collection_loader._collection_finder")
    long = Path(finder.__file__).parents[2].joinpath("config", "ansible_builtin_runtime.yml").read_bytes()
    parse = finder._meta_yml_to_dict
    known = parse(long, ("ansible.builtin", "runtime.yml"))
    finder._meta_yml_to_dict = lambda data, name: known if data == long else parse(data, name)


def _run(asked: socket.socket) -> None:
    """Be ansible-playbook, as far as it can tell."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    asked.sendall(b"%d\n" % os.getpid())
    with asked.makefile() as reader:
        request: dict[str, Any] = json.loads(reader.readline())
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    output = os.open(request["output"], os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(output, number)
    status = 250
    try:
        status = _play(request["arguments"])
    except BaseException:  # noqa: BLE001 - whatever it is, it belongs into the output
        traceback.print_exc()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        asked.sendall(b"%d\n" % status)
    asked.close()
    atexit._run_exitfuncs()
    os._exit(status)


def _play(arguments: list[str]) -> int:
    constants = importlib.import_module("ansible.constants")
    importlib.reload(constants)
    sys.argv = ["ansible-playbook", *arguments]
    try:
        importlib.import_module("ansible.cli.playbook").main(sys.argv)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
