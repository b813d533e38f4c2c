# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for secrets, as they are and encoded, in all that runs of Ansible have said and written.

Takes the folder that `tests/support/spoken.py` has filled; prints one line per finding, and exits with 1 if there is
any, or if there was nothing to look through.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus

AROUND = 60


def forms(secret: str) -> dict[bytes, str]:
    """A secret in the ways in which it may be written. Of base64, what does not depend on its neighbours."""
    plain = secret.encode()
    written = {
        "as it is": plain,
        "as JSON": json.dumps(secret)[1:-1].encode(),
        "as JSON in JSON": json.dumps(json.dumps(secret)[1:-1])[1:-1].encode(),
        "as Python": repr(secret)[1:-1].encode(),
        "quoted": quote(secret, safe="").encode(),
        "quoted with slashes": quote(secret).encode(),
        "quoted for a form": quote_plus(secret).encode(),
        "as HTML": escape(secret).encode(),
        "in hexadecimal digits": plain.hex().encode(),
    }
    for shift in range(3):
        inner = base64.b64encode(b"\0" * shift + plain)
        cut = inner[4 * (shift > 0) : len(inner) - 4]
        if len(cut) >= 8:
            written[f"in base64, {shift} bytes shifted"] = cut
    return {form: name for name, form in written.items()}


def findings(run: Path) -> Iterator[str]:
    """Where a run tells a secret that it was given."""
    known = {
        form: name for secret in json.loads((run / "secrets.json").read_text()) for form, name in forms(secret).items()
    }
    for path in sorted(run.iterdir()):
        data = path.read_bytes() if path.name != "secrets.json" else b""
        for form, name in known.items():
            at = data.find(form)
            if at >= 0:
                around = data[max(0, at - AROUND) : at].decode("utf-8", "replace")
                yield f"{path}:{data[:at].count(10) + 1}: a secret {name}, after {around!r}"


def main() -> int:
    folder = Path(sys.argv[1])
    runs = sorted(path.parent for path in folder.glob("*/secrets.json"))
    looked = [json.loads((run / "secrets.json").read_text()) for run in runs]
    found = [finding for run in runs for finding in findings(run)]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print("\n".join(found))
    print(
        f"{len(runs)} runs of Ansible were given {sum(map(len, looked))} secrets, said and wrote {size / 1e6:.1f} MB, "
        f"and told {len(found)} of them"
    )
    return 1 if found or not any(looked) else 0


if __name__ == "__main__":
    sys.exit(main())
