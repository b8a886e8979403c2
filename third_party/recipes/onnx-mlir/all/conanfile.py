# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""onnx-mlir's two programs, which turn an ONNX file into TOSA."""

import shutil
import subprocess
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanException, ConanInvalidConfiguration
from conan.tools.build import build_jobs
from conan.tools.files import apply_conandata_patches, copy, export_conandata_patches, save

required_conan_version = ">=2.0"

PROGRAMS = ("onnx-mlir", "onnx-mlir-opt")
CMAKE_OPTIONS = {
    "CMAKE_BUILD_TYPE": "Release",
    "CMAKE_POLICY_VERSION_MINIMUM": "3.5",  # its ONNX asks for less than CMake 4 still knows
    "ONNX_MLIR_BUILD_TESTS": "OFF",
    "ONNX_MLIR_ENABLE_JAVA": "OFF",
    "ONNX_MLIR_ENABLE_STABLEHLO": "OFF",  # the importer takes TOSA
}

CONFIG_TEMPLATE = """\
# onnx-mlir's programs, for find_package(OnnxMLIR).
set(OnnxMLIR_VERSION "@VERSION@")
get_filename_component(OnnxMLIR_PROGRAMS "${CMAKE_CURRENT_LIST_DIR}/../../../bin" ABSOLUTE)
set(OnnxMLIR_LICENSE "${CMAKE_CURRENT_LIST_DIR}/../../../licenses/LICENSE")
"""


class OnnxMlirConan(ConanFile):
    """Provides find_package(OnnxMLIR), which tells where the programs are."""

    name = "onnx-mlir"
    description = "An importer from ONNX to TOSA, as two programs"
    license = "Apache-2.0"
    package_type = "application"
    settings = "os", "arch"
    options = {"provider": ["source"]}
    default_options = {"provider": "source"}
    python_requires = "pinned-git/1.0"
    no_copy_source = True

    def export_sources(self):
        export_conandata_patches(self)

    def requirements(self):
        self.requires("llvm/22.1.8", options={"libraries": "all"})

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("onnx-mlir: this recipe knows Linux only")

    def source(self):
        pin = self.conan_data["sources"][self.version]
        self.python_requires["pinned-git"].module.fetch(self, self.source_folder, pin)
        apply_conandata_patches(self)

    def build(self):
        missing = [name for name in ("cmake", "ninja", "protoc") if not shutil.which(name)]
        if missing:
            raise ConanException(
                f"onnx-mlir: {' and '.join(missing)} not found (pip install cmake ninja; "
                "Debian: apt-get install protobuf-compiler libprotobuf-dev)"
            )
        prefixes = [
            str(Path(self.dependencies["llvm"].package_folder, folder))
            for folder in self.dependencies["llvm"].cpp_info.builddirs
        ]
        options = CMAKE_OPTIONS | {"CMAKE_PREFIX_PATH": ";".join(prefixes)}
        define = [f"-D{name}={value}" for name, value in options.items()]
        configure = ["cmake", "-G", "Ninja", "-S", self.source_folder, "-B", self.build_folder]
        subprocess.run([*configure, *define], check=True)
        build = ["cmake", "--build", self.build_folder, "--target", *PROGRAMS]
        subprocess.run([*build, "--parallel", str(build_jobs(self))], check=True)

    def package(self):
        target = Path(self.package_folder)
        for name in PROGRAMS:
            # Release/bin, or bin: onnx-mlir names the folder after the kind of build.
            built = next(Path(self.build_folder).glob(f"**/bin/{name}"))
            copy(self, name, str(built.parent), str(target / "bin"))
        subprocess.run(["strip", *(str(target / "bin" / name) for name in PROGRAMS)], check=True)
        copy(self, "LICENSE", self.source_folder, str(target / "licenses"))
        config = CONFIG_TEMPLATE.replace("@VERSION@", str(self.version))
        folder = target / "lib" / "cmake" / "OnnxMLIR"
        save(self, str(folder / "OnnxMLIRConfig.cmake"), config)

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")  # brings its own CMake file
        self.cpp_info.includedirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.builddirs = ["."]
