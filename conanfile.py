# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What Fairway is built from; the recipes are in third_party/."""

from conan import ConanFile
from conan.tools.files import save


class Fairway(ConanFile):
    """Tells CMake where the native dependencies are."""

    settings = "os", "arch", "compiler", "build_type"
    options = {"with_llvm": [True, False]}
    default_options = {"with_llvm": True}

    def requirements(self):
        if self.options.with_llvm:  # False: the builder brings an LLVM of their own
            self.requires("llvm/22.1.8")
        self.requires("torch-mlir/20261001")

    def generate(self):
        prefixes = [
            folder
            for dependency in self.dependencies.host.values()
            for folder in dependency.cpp_info.aggregated_components().builddirs
        ]
        listed = "\n  ".join(f'"{prefix}"' for prefix in prefixes)
        save(self, "fairway-dependencies.cmake", f"set(FAIRWAY_DEPENDENCY_PREFIXES\n  {listed})\n")
