# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that modules share, with their environment variables. The doc fragments of the same names document them."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback

from ._client.transport import Connection

SECRETS = ("password", "totp_secret", "auth_token")


def connection_spec() -> dict[str, Any]:
    """The options of `community.pikvm.connection`."""
    options: dict[str, dict[str, Any]] = {
        "url": {"type": "str", "required": True},
        "username": {"type": "str", "default": "admin"},
        "password": {"type": "str", "no_log": True},
        "totp_secret": {"type": "str", "no_log": True},
        "auth_token": {"type": "str", "no_log": True},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "tls_fingerprint": {"type": "str"},
        "timeout": {"type": "float", "default": 10.0},
        "retries": {"type": "int", "default": 3},
    }
    for name, spec in options.items():
        spec["fallback"] = (env_fallback, [f"PIKVM_{name.upper()}"])
    return options


def wait_spec(timeout: float = 60.0) -> dict[str, Any]:
    """The options of `community.pikvm.wait`."""
    return {"wait_timeout": {"type": "float", "default": timeout}}


def connection_of(params: dict[str, Any]) -> Connection:
    """The connection that a module's parameters name. An empty secret counts as none.

    Raises:
        OptionError: a value cannot be used.
    """
    values = {name: params[name] for name in connection_spec()}
    for name in SECRETS:
        values[name] = values[name] or None
    return Connection(**values)
