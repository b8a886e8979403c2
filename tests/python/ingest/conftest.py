# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the shared models importable and collects nothing that lacks its framework."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

collect_ignore_glob = []
if importlib.util.find_spec("torch") is None:
    collect_ignore_glob.append("test_torch*.py")
if importlib.util.find_spec("onnx") is None:
    collect_ignore_glob.append("test_onnx*.py")
