# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whether a compiled model computes what its framework does, and where it does not."""

from __future__ import annotations

__all__ = []
