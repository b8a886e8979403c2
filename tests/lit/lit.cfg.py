# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""lit configuration.

Run as `lit tests/lit --param fairway_opt=PATH/fairway-opt --param llvm_tools=DIR`,
DIR being the folder with LLVM's FileCheck. The programs stand where the build
puts them; nothing is looked up in the source tree.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import lit.formats

if TYPE_CHECKING:
    from lit.LitConfig import LitConfig
    from lit.TestingConfig import TestingConfig

    config: TestingConfig
    lit_config: LitConfig

fairway_opt = os.path.abspath(lit_config.params["fairway_opt"])
llvm_tools = os.path.abspath(lit_config.params.get("llvm_tools", "/usr/lib/llvm-22/bin"))

config.name = "fairway"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(os.path.dirname(fairway_opt), "lit")
config.substitutions.append((r"\bfairway-opt\b", fairway_opt))
config.substitutions.append((r"\bFileCheck\b", os.path.join(llvm_tools, "FileCheck")))
config.substitutions.append((r"\bnot\b", os.path.join(llvm_tools, "not")))
