# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gives back the memory that a library's code takes once it has done its work.

The compiler's library and torch-mlir's hold some 90 MB of a process that has compiled
one model. Their code is a copy of the file: without it the process goes on as before,
and finds what it needs again in the system's cache of files.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterable
from pathlib import Path

__all__ = ["release_code"]

_MADV_DONTNEED = 4  # on Linux, whatever the processor


def release_code(libraries: Iterable[Path]) -> None:
    """Unmaps the pages of loaded libraries' code, which may run meanwhile.

    Does nothing for a library that is not loaded, or where the system does not tell.

    Args:
        libraries: Their files.
    """
    wanted = {str(library.resolve()) for library in libraries}
    with contextlib.suppress(OSError):
        madvise = ctypes.CDLL(None).madvise
        madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for line in Path("/proc/self/maps").read_text(errors="replace").splitlines():
            # 7f8a4c000000-7f8a4d000000 r-xp 00002000 08:01 1234    /path of the library
            fields = line.split(maxsplit=5)
            # Only code: pages that can or could be written to differ from the file.
            if len(fields) == 6 and fields[1] == "r-xp" and fields[5] in wanted:
                begin, _, end = fields[0].partition("-")
                madvise(int(begin, 16), int(end, 16) - int(begin, 16), _MADV_DONTNEED)
