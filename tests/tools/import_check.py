# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import the built tarball as Galaxy does, and fail on any warning.

    import_check.py [TARBALL]

galaxy-importer reports what it dislikes as WARNING lines and still exits with 0.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
DONE = "Importer processing completed successfully"


def tarball() -> Path:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    return BUILD / f"{galaxy['namespace']}-{galaxy['name']}-{galaxy['version']}.tar.gz"


def main() -> int:
    path = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else tarball()
    home = BUILD / "importer"
    home.mkdir(parents=True, exist_ok=True)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    process = subprocess.run(
        [sys.executable, "-m", "galaxy_importer.main", str(path)],
        cwd=home,
        env={**environ, "HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(process.stdout, end="")
    unwelcome = re.findall(r"^(?:WARNING|ERROR|CRITICAL).*$", process.stdout, re.MULTILINE)
    if process.returncode or DONE not in process.stdout or unwelcome:
        print(f"\n{len(unwelcome)} warnings and errors, exit status {process.returncode}: Galaxy would show these")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
