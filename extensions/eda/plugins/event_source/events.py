# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens on PiKVMs and on the servers behind them, as events for ansible-rulebook."""

from __future__ import annotations

DOCUMENTATION = r"""
---
short_description: What happens on PiKVMs and on the servers behind them
version_added: 1.0.0
description:
  - Tells of each change at once, as one or many PiKVMs tell it over their WebSocket, and asks nothing in between.
  - An event holds the whole state of what has changed, in one shape for all versions of kvmd. It is the shape that
    C(community.pikvm.pikvm_info) gives.
  - A lost PiKVM ends nothing. It is told as an event, and the PiKVM is called again after 1, 2, 4, 8, 15 and every 30
    seconds. What has changed in between is told once it is back.
  - A refused login and a certificate that is not trusted are told, too, with the reason, and tried again after half a
    minute, 1, 2 and every 5 minutes.
  - Where rules are slower than events, events are merged. There is never more than one waiting for each device and
    kind, and it says how many others are in it.
options:
  devices:
    description:
      - The PiKVMs to listen to. Each is a dictionary with O(url), and whichever of O(name) and the options of the
        connection it has for itself. The latter may stand beside O(devices) for all.
      - For a single PiKVM, leave it out and set O(url).
    type: list
    elements: dict
  name:
    description:
      - What the device is called in its events. Use the name of the server in the inventory, and the builtin filter
        C(insert_hosts_to_meta) with C(host_path=pikvm.name) lets actions run for that server.
      - By default the host of O(url), and its port if there is one.
    type: str
  filter:
    description:
      - Which changes are told. Either a kind of event, out of V(atx), V(connection), V(gpio), V(hid), V(info), V(msd),
        V(streamer) and V(switch), for all changes of that kind; or the dotted name of a field, such as
        V(atx.leds.power) or V(msd.drive), for changes of that field or of a part of it.
        V(*) stands for any part of a name, as in V(switch.ports.*.leds.power).
      - V(atx) contains the disk LED, which may change many times a second. V(info) and V(streamer) change every few
        seconds. By default all others are told.
    type: list
    elements: str
  initial:
    description:
      - Whether the first state of each kind is told, too. Its C(before) is null, and nothing is C(changed).
    type: bool
    default: false
  url:
    description:
      - Address of the PiKVM. V(https://) is assumed if there is no scheme; a path prefix is kept.
      - If not set, the environment variable E(PIKVM_URL) is used. The same goes for each option below.
    type: str
  username:
    description: Name of the user on the PiKVM.
    type: str
    default: admin
  password:
    description: Password of the user. Leave it out if authentication is switched off on the PiKVM.
    type: str
  totp_secret:
    description: Secret of the second factor in base32. Needs the Python library C(pyotp).
    type: str
  auth_token:
    description:
      - An open session of the PiKVM, used in place of O(password) and O(totp_secret). It is lost when kvmd starts
        anew, so that a source that uses one is refused from then on.
    type: str
  validate_certs:
    description: Whether the certificate of the PiKVM must be valid and bear its name.
    type: bool
    default: true
  ca_path:
    description: File or directory with the certificates of authorities to trust, in place of the system's.
    type: path
  tls_fingerprint:
    description:
      - SHA-256 fingerprint of the certificate of the PiKVM, 64 hexadecimal digits with or without colons. Exactly this
        certificate is accepted.
    type: str
  timeout:
    description: Seconds to wait for a connection, and for each step of opening it.
    type: float
    default: 10.0
notes:
  - Whenever an event socket is opened or closed, a PiKVM releases all keys that are pressed.
  - Listening does not count as watching the video. The streamer runs, and tells, only while somebody watches.
  - Events and messages hold no secret.
requirements:
  - requests
  - websockets
  - pyotp (with O(totp_secret))
"""

EXAMPLES = r"""
- name: One PiKVM, named by PIKVM_URL and PIKVM_PASSWORD in the environment
  community.pikvm.events:
    filter:
      - atx.leds.power

- name: Two, and their servers' names in the inventory
  community.pikvm.events:
    username: watcher
    devices:
      - name: server1
        url: https://pikvm1.example.com
        tls_fingerprint: "{{ server1_fingerprint }}"
      - name: server2
        url: https://pikvm2.example.com
        ca_path: ca.pem
    filter:
      - atx.leds.power
      - msd.drive
      - connection
  filters:
    - eda.builtin.insert_hosts_to_meta:
        host_path: pikvm.name
"""

RETURN = r"""
pikvm:
  description: The C(name) and C(url) of the device.
  type: dict
event:
  description: The kind of event, which says what C(state) is the state of.
  type: str
  sample: atx
state:
  description:
    - The whole state after the change, as C(community.pikvm.pikvm_info) gives it. The main part of the storage, whose
      name is empty there, is called C(/) here.
    - Of a connection, C(status), out of V(established), V(lost), V(refused) and V(restored), and C(reason).
  type: dict
  sample: {"enabled": true, "busy": false, "acts": null, "leds": {"power": false, "hdd": false}}
before:
  description: The same before the change. Null where nothing was known before.
  type: dict
changed:
  description: Dotted names of the fields that have changed. A part that came or went as a whole is one field.
  type: list
  elements: str
  sample: ["atx.leds.power"]
at:
  description: When it was seen here, in UTC.
  type: str
  sample: "2026-11-21T09:21:40.604112Z"
merged:
  description: How many earlier events are contained in this one, because nobody took them in time.
  type: int
  sample: 0
"""

import asyncio
import importlib
import json
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.community.pikvm.plugins.module_utils._client.errors import PikvmError
    from ansible_collections.community.pikvm.plugins.module_utils._listener import Listener
    from ansible_collections.community.pikvm.plugins.module_utils._mailbox import Mailbox
    from ansible_collections.community.pikvm.plugins.module_utils._source_options import parse_options
else:

    def _ours(module: str) -> types.ModuleType:
        """A module of this collection. ansible-rulebook runs this file alone, and puts no collection on Python's path.

        Found from here, it is of the same version as this file. Ansible is not needed for it.
        """
        package = "community_pikvm_module_utils"
        folder = Path(__file__).resolve().parents[4] / "plugins" / "module_utils"
        if not folder.is_dir():
            raise ImportError(f"{__file__} works only inside of its collection: there is no {folder}")
        if package not in sys.modules:
            sys.modules[package] = types.ModuleType(package)
            sys.modules[package].__path__ = [str(folder)]
        return importlib.import_module(f"{package}.{module}")

    PikvmError = _ours("_client.errors").PikvmError
    Listener = _ours("_listener").Listener
    Mailbox = _ours("_mailbox").Mailbox
    parse_options = _ours("_source_options").parse_options


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Put events into the queue until cancelled.

    Raises:
        OptionError: an option cannot be used. MissingLibraryError: a library is not installed.
    """
    options = parse_options(args)
    mailbox = Mailbox()
    urls = {device.name: device.url for device in options.devices}
    listeners = [
        Listener(device.name, device.client, options.wanted, options.initial, mailbox.put) for device in options.devices
    ]
    try:
        for listener in listeners:
            listener.start()
        while True:
            name, change = await mailbox.take()
            await queue.put(change.as_event(name, urls[name]))
    finally:
        for listener in listeners:
            listener.stop()


class Printer(asyncio.Queue[Any]):
    """In place of a rulebook: writes each event as a line of JSON."""

    async def put(self, item: Any) -> None:
        sys.stdout.write(json.dumps(item) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(main(Printer(), {"initial": True}))
    except PikvmError as exc:
        sys.exit(str(exc))
    except KeyboardInterrupt:
        sys.exit(130)
