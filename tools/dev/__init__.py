# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What `./dev` is made of. Standard library only: it runs before anything is installed."""
