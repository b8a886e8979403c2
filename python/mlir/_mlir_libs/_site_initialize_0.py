# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What MLIR's bindings run once, when they are first imported."""

from . import _fairwayRegistration
from ._fairwayRegistration import register_dialects  # noqa: F401  (read by MLIR's bindings)

_fairwayRegistration.register_passes()

# A context loads a dialect when it first meets it, not all of them at once.
disable_load_all_available_dialects = True
