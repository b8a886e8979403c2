# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What Fairway is built from; the recipes are in third_party/."""

from conan import ConanFile
from conan.tools.files import save


class Fairway(ConanFile):
    """Tells CMake where the native dependencies are."""

    settings = "os", "arch", "compiler", "build_type"
    options = {
        "with_llvm": [True, False],
        "with_onnx_mlir": [True, False],
        "torch_mlir": ["wheel", "source"],
    }
    default_options = {"with_llvm": True, "with_onnx_mlir": False, "torch_mlir": "wheel"}

    def requirements(self):
        if self.options.with_llvm:  # False: the builder brings an LLVM of their own
            more = self.options.torch_mlir == "source" or self.options.with_onnx_mlir
            libraries = "all" if more else "needed"
            self.requires("llvm/22.1.8", options={"libraries": libraries})
        if self.options.torch_mlir == "wheel":
            self.requires("torch-mlir/20261001")
        else:
            self.requires("torch-mlir/llvm-22", options={"provider": "source"})
        if self.options.with_onnx_mlir:
            self.requires("onnx-mlir/llvm-22")

    def generate(self):
        prefixes = [
            folder
            for dependency in self.dependencies.host.values()
            for folder in dependency.cpp_info.aggregated_components().builddirs
        ]
        listed = "\n  ".join(f'"{prefix}"' for prefix in prefixes)
        save(self, "fairway-dependencies.cmake", f"set(FAIRWAY_DEPENDENCY_PREFIXES\n  {listed})\n")
