# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What Fairway is built from; the recipes are in third_party/."""

from conan import ConanFile
from conan.tools.cmake import CMakeToolchain


class Fairway(ConanFile):
    """Tells CMake where the native dependencies are."""

    settings = "os", "arch", "compiler", "build_type"
    requires = "llvm/22.1.8", "torch-mlir/20261001"

    def generate(self):
        CMakeToolchain(self, generator="Ninja").generate()
