# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An attack on the modules: a man in the middle spoils what a PiKVM says, and the modules must neither break nor lie.

TLS protects what a PiKVM says on its way, but not from the PiKVM itself, or from whoever has taken it over. What such a
device says may be malformed, late, cut, repeated, out of order: that has to be noticed. It may also be well-formed and
untrue, such as a power LED that is told to be on and is off; nobody who asks only that device can notice it. So each
way to spoil an answer tells whether it is such a lie. A run in which something was a lie may end in a false success,
and in nothing else that is forbidden.
"""
