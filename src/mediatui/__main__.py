"""``python -m mediatui``."""

from __future__ import annotations

import sys

from mediatui.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
