# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`python -m fairway` is the `fairway` command."""

from fairway.cli import main

if __name__ == "__main__":
    main(prog_name="fairway")
