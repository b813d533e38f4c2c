# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything in which one kvmd version speaks or behaves differently from another."""

from __future__ import annotations

from dataclasses import dataclass

RECORDED = ("4.197", "4.20", "3.334")
"""The versions whose answers are held against recordings of real daemons; others follow from the same table."""

OLDEST = (3, 249)


@dataclass(frozen=True)
class Dialect:
    """The ways of one kvmd version."""

    version: str
    atx_acts: bool
    """Power and reset are pressed independently, and the state tells which (4.88+)."""
    list_lag: float
    """Seconds from the last change of the storage until the image list shows it (4.21+)."""
    declared_size: bool
    """An incomplete image reports the size it was announced with, not what arrived (4.21+)."""
    storage_totals: bool
    """`storage.size` and `storage.free` beside `parts` (to 4.35)."""
    strict_drive: bool
    """The drive as rewritten in 4.169: `writable` images, rw dropped in silence, offline is an error of its own."""
    remote_drive: bool
    """An image name like `scheme://` is taken for a remote drive, which is refused (4.177+)."""
    raw_limit: bool
    """Numbers and booleans of more than 16 characters are refused unread (4.178+)."""
    hid_enabled: bool
    """The HID state has `enabled` (4.21+)."""
    streamer_applied: bool
    """The streamer state has `applied` (4.126+)."""
    totp_window: int
    """How many neighbouring TOTP steps are accepted on each side (4.43+: 1)."""
    session_expiry: bool
    """Login reads `expire` (4.53+)."""
    login_redirect: bool
    """Login reads `redirect` (4.108+)."""
    info_health: bool
    """`health` is a category that may be asked for by name (4.53+)."""
    info_uptime: bool
    """`uptime` is a category (4.125+)."""
    info_legacy: bool
    """`legacy` and `node` exist, `platform` belongs to `system` (4.130+)."""
    extras_janus: bool
    """The add-ons listed by `info` include Janus, and the meta file a `kvm` part (recorded at 3.334 and 4.20)."""
    redfish_boot: bool
    """Redfish systems have `Boot` (4.73+)."""
    redfish_managers: bool
    """Redfish has `Managers` (4.132+)."""
    switch: bool
    """The switch API exists (4.26+)."""
    switch_firmware: bool
    """The switch tells the firmware of its units (4.42+)."""
    switch_devbuild: bool
    """And whether it is a development build (4.58+)."""
    switch_ids: bool
    """Ports have ids and may be addressed as unit.channel; there are prev and next, and dummy video (4.72+)."""
    shortcuts: bool
    """`hid/events/send_shortcut` exists (4.79+)."""
    inactivity: bool
    """`hid/inactivity` exists (4.83+)."""
    ws_partial: bool
    """The WebSocket begins with `loop` and its version, and tells only what has changed (4.21+)."""
    ws_short_names: bool
    """Event names come without `_state` (4.36+)."""
    ws_legacy: bool | None
    """What `legacy` is where a client does not say (4.21 to 4.35); null: there is no such parameter."""
    ws_clients: bool
    """`clients` tells how many WebSockets are open (4.97+)."""
    ws_binary_pong: bool
    """A binary ping is answered (4.53+)."""
    ws_key_numbers: bool
    """Keys and buttons in binary messages may be evdev codes (4.72+)."""
    ws_opening_releases: bool
    """Opening a WebSocket releases all keys, as closing one does everywhere (4.111+)."""
    print_slow: bool
    """`hid/print` reads `slow` (4.25+)."""
    print_delay: bool
    """`hid/print` reads `delay` (4.92+)."""
    session_held: bool
    """A session does not end while its WebSocket is open (4.113+)."""
    key_finish: bool
    """A press may carry its own release (4.33+)."""

    @classmethod
    def of(cls, version: str) -> Dialect:
        """The dialect of a version such as `4.197`; `ValueError` for one that is not known."""
        pair = _parse(version)
        return cls(
            version=version,
            atx_acts=pair >= (4, 88),
            list_lag=1.0 if pair >= (4, 21) else 0.0,
            declared_size=pair >= (4, 21),
            storage_totals=pair <= (4, 35),
            strict_drive=pair >= (4, 169),
            remote_drive=pair >= (4, 177),
            raw_limit=pair >= (4, 178),
            hid_enabled=pair >= (4, 21),
            streamer_applied=pair >= (4, 126),
            totp_window=1 if pair >= (4, 43) else 0,
            session_expiry=pair >= (4, 53),
            login_redirect=pair >= (4, 108),
            info_health=pair >= (4, 53),
            info_uptime=pair >= (4, 125),
            info_legacy=pair >= (4, 130),
            extras_janus=pair < (4, 26),
            redfish_boot=pair >= (4, 73),
            redfish_managers=pair >= (4, 132),
            switch=pair >= (4, 26),
            switch_firmware=pair >= (4, 42),
            switch_devbuild=pair >= (4, 58),
            switch_ids=pair >= (4, 72),
            shortcuts=pair >= (4, 79),
            inactivity=pair >= (4, 83),
            ws_partial=pair >= (4, 21),
            ws_short_names=pair >= (4, 36),
            ws_legacy=pair <= (4, 29) if (4, 21) <= pair <= (4, 35) else None,
            ws_clients=pair >= (4, 97),
            ws_binary_pong=pair >= (4, 53),
            ws_key_numbers=pair >= (4, 72),
            ws_opening_releases=pair >= (4, 111),
            print_slow=pair >= (4, 25),
            print_delay=pair >= (4, 92),
            session_held=pair >= (4, 113),
            key_finish=pair >= (4, 33),
        )


def _parse(version: str) -> tuple[int, int]:
    major, dot, minor = version.partition(".")
    if not (dot and major.isdecimal() and minor.isdecimal()):
        raise ValueError(f"not a kvmd version: {version!r}")
    pair = (int(major), int(minor))
    if pair < OLDEST:
        raise ValueError(f"kvmd {version} is older than {OLDEST[0]}.{OLDEST[1]}, the oldest one known here")
    return pair
