# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The `fairway` command: the package's functions from a shell."""

from __future__ import annotations

from fairway.cli.group import main

__all__ = ["main"]
