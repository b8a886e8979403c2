# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the modules of benchmarks/ importable: they are no part of the wheel."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))
