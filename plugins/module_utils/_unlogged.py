# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible offers to a module that talks to no PiKVM, and whose secrets are texts of many lines."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule


class Unlogged(AnsibleModule):
    """Leaves no trace in the system's log.

    Ansible would look there for a secret as it is given, in the text that Python shows for a whole list of files, in
    which its line ends are two characters.
    """

    def _log_invocation(self) -> None:
        """Log nothing."""

    def add_path_info(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Add nothing about the file that `path` names: a result holds what is documented."""
        return kwargs
