# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs one pipeline of torch-mlir on a file: what a dump's `import/reproduce` calls.

    python -m fairway.ingest._replay FILE PIPELINE

It prints the module that results, or what torch-mlir says of the failure, and ends with 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fairway.ingest._torch_mlir import import_torch_mlir, register_torch_dialect


def main() -> int:
    """Serves the command line."""
    if len(sys.argv) != 3:
        print("usage: python -m fairway.ingest._replay FILE PIPELINE", file=sys.stderr)
        return 2
    ir, passmanager = import_torch_mlir("ir"), import_torch_mlir("passmanager")
    context = ir.Context()
    register_torch_dialect(context)
    with context:
        try:
            module = ir.Module.parse(Path(sys.argv[1]).read_bytes())
            passmanager.PassManager.parse(sys.argv[2]).run(module.operation)
        except (OSError, RuntimeError, ValueError) as error:
            print(error, file=sys.stderr)
            return 1
    print(module)
    return 0


if __name__ == "__main__":
    sys.exit(main())
