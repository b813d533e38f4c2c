# Copyright (c) 2026, community.pikvm contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""How much a PiKVM may say, and how slowly: one that has been taken over must neither fill our memory nor keep us.

SECURITY.md tells these numbers.
"""

from __future__ import annotations

MIB = 1024 * 1024

LONGEST_ANSWER = 8 * MIB
"""Bytes of an answer that is read as a whole. The largest are pictures, and a fine JPEG of 4 megapixels has less."""

HEAD_WAITS = 2
"""How often the time for a single wait fits into the time for status line and headers together."""

BODY_WAITS = 6
"""How often `timeout` fits into the time for a body that is read as a whole, and for each block of one that is not."""

BLOCK = MIB
"""Bytes of a block of a body that is not read as a whole. With BODY_WAITS, what is slower than 17 KiB/s at the default
timeout is given up."""

LONGEST_LINE = 64 * 1024
"""Bytes of a line that tells how far a download has come. They have less than 300."""

DEEPEST = 50
"""Levels of nested JSON. A PiKVM's deepest, the view of its GPIO, has 8."""

LONGEST_NUMBER = 20
"""Digits of a whole number: as many as a count of 64 bits may have."""

LONGEST_EVENT = 4 * MIB
"""Bytes of a message over the WebSocket. The longest ones, a whole switch with its EDIDs, have less than 100 KiB."""

MOST_EVENTS = 4096
LONGEST_BACKLOG = 16 * MIB
"""Messages that wait to be received, and their bytes. An honest PiKVM says a few a second, of less than 1 KiB."""

MOST_KINDS = 64
"""Kinds of events that are remembered. kvmd has 15."""
