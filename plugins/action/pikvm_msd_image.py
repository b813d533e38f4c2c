# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin of all modules, for the one of this name: so both are loaded before Ansible starts its workers."""

from __future__ import annotations

from ansible_collections.community.pikvm.plugins.action.pikvm_info import ActionModule as OfAllModules
from ansible_collections.community.pikvm.plugins.modules.pikvm_msd_image import MODULE


class ActionModule(OfAllModules):
    """What all modules have in common, for this one."""

    module = MODULE
