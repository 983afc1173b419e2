"""
`python -m otel_kit`, the same as the command `otel-kit`.
"""

from __future__ import annotations

import sys

from otel_kit.cli import main

if __name__ == "__main__":
    sys.exit(main())
