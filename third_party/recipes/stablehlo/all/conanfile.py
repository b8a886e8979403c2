# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""StableHLO's sources, which torch-mlir builds as a part of itself."""

from pathlib import Path

from conan import ConanFile
from conan.tools.files import apply_conandata_patches, copy, export_conandata_patches

required_conan_version = ">=2.0"


class StablehloConan(ConanFile):
    name = "stablehlo"
    description = "The StableHLO dialect's sources, for torch-mlir's externals/stablehlo"
    license = "Apache-2.0"
    package_type = "unknown"
    python_requires = "pinned-git/1.0"

    def export_sources(self):
        export_conandata_patches(self)

    def source(self):
        pin = self.conan_data["sources"][self.version]
        self.python_requires["pinned-git"].module.fetch(self, self.source_folder, pin)
        apply_conandata_patches(self)

    def package(self):
        copy(self, "*", self.source_folder, str(Path(self.package_folder, "src")))
        copy(self, "LICENSE", self.source_folder, str(Path(self.package_folder, "licenses")))

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.includedirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.bindirs = []
        self.cpp_info.builddirs = []
        self.cpp_info.srcdirs = ["src"]
