# SPDX-License-Identifier: MIT
"""For a platform that runs `python -u app.py` and looks for its application with `pgrep -f "python
-u app.py"`.

This process turns into vergerd and keeps the name: whoever searches finds exactly one process,
vergerd, and whoever stops it stops everything orderly.  The servers themselves have other names and
PID files of their own."""

import os
import shutil
import sys

here = os.path.dirname(os.path.abspath(__file__))
vergerd = shutil.which("vergerd") or "/usr/local/sbin/vergerd"

# vergerd reads $VERGER_CONFIG when it is not told a file by -c
os.environ.setdefault("VERGER_CONFIG", os.path.join(os.path.dirname(here), "app-py.ini"))
sys.stdout.flush()
os.execl(vergerd, "python -u app.py")
