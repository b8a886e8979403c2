# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tuning: other ways to make a model's kernels, chosen by measuring them."""
