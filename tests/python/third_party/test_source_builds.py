# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The recipes that build from source, on stand-ins for LLVM and for what they build."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LLVM = '''
from conan import ConanFile
from conan.tools.files import save

MODULES = {
    "mlir/MLIRConfig": """
        set(MLIR_DIR "${CMAKE_CURRENT_LIST_DIR}")
        set(MLIR_CMAKE_DIR "${CMAKE_CURRENT_LIST_DIR}")
        set(LLVM_CMAKE_DIR "${CMAKE_CURRENT_LIST_DIR}")
        foreach(_name @NAMES@)
          add_library(${_name} STATIC IMPORTED)
          set_target_properties(${_name} PROPERTIES INTERFACE_LINK_LIBRARIES "LLVM;z")
        endforeach()
        function(llvm_map_components_to_libnames out)
          set(${out} LLVMSupport PARENT_SCOPE)
        endfunction()""",
    "mlir/TableGen": "", "mlir/AddLLVM": "", "mlir/AddMLIR": "",
    "mlir/MLIRDetectPythonEnv": "macro(mlir_configure_python_dev_packages)\\nendmacro()",
    "mlir/AddMLIRPython": "function(add_mlir_python_modules)\\nendfunction()",
    "MLIRPythonSources/MLIRPythonSourcesConfig": """
        get_filename_component(MLIRPythonSources_DIRECTORY
          "${CMAKE_CURRENT_LIST_DIR}/../../../src/mlir" ABSOLUTE)""",
}

class Llvm(ConanFile):
    name, version = "llvm", "22.1.8"
    options = {"provider": ["system", "source"], "libraries": ["needed", "all"]}
    default_options = {"provider": "system", "libraries": "needed"}

    def package(self):
        for name, text in MODULES.items():
            save(self, f"{self.package_folder}/lib/cmake/{name}.cmake", text)
        save(self, f"{self.package_folder}/src/mlir/python/CMakeLists.txt",
             "include(AddMLIRPython)\\nadd_mlir_python_modules(none)")

    def package_info(self):
        self.cpp_info.builddirs = ["."]
'''
LIBRARIES = "MLIRCAPIRegisterEverything MLIRTosaDialect MLIRTosaToLinalg MLIRLinalgTransforms"

TORCH_MLIR = {
    "LICENSE": "Apache License",
    "CMakeLists.txt": """
        foreach(_off TORCH_MLIR_ENABLE_PYTORCH_EXTENSIONS TORCH_MLIR_ENABLE_REFBACKEND)
          if(NOT DEFINED ${_off} OR ${_off})
            message(FATAL_ERROR "${_off} is not off")
          endif()
        endforeach()
        foreach(_on TORCH_MLIR_OUT_OF_TREE_BUILD TORCH_MLIR_ENABLE_STABLEHLO
            MLIR_ENABLE_BINDINGS_PYTHON)
          if(NOT ${_on})
            message(FATAL_ERROR "${_on} is not on")
          endif()
        endforeach()
        file(READ "${CMAKE_CURRENT_SOURCE_DIR}/externals/stablehlo/version" _version)
        get_target_property(_linked MLIRTosaDialect INTERFACE_LINK_LIBRARIES)
        set(_package "${TORCH_MLIR_PYTHON_PACKAGES_DIR}/torch_mlir/torch_mlir")
        file(WRITE "${_package}/stablehlo.txt" "${_version}")
        file(WRITE "${_package}/runtime/unneeded.py" "")
        file(WRITE "${CMAKE_BINARY_DIR}/lib.c" "int torchMlirVersion(void) { return 22; }")
        file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}/python/__init__.py"
          "${_package}/__init__.py" SYMBOLIC)
        add_library(TorchMLIRPythonModules SHARED "${CMAKE_BINARY_DIR}/lib.c")
        set_target_properties(TorchMLIRPythonModules PROPERTIES
          LIBRARY_OUTPUT_DIRECTORY "${_package}/_mlir_libs")
        """,
    "python/__init__.py": "origin = 'upstream'\n",
}
PATCHES = """patches:
  "llvm-22":
    - patch_file: "patches/origin.patch"
      patch_type: "portability"
      patch_description: "Says who changed it."
"""
PATCH = """--- a/python/__init__.py
+++ b/python/__init__.py
@@ -1 +1 @@
-origin = 'upstream'
+origin = 'patched'
"""
CONSUMER = """cmake_minimum_required(VERSION 3.24)
project(consumer LANGUAGES NONE)
find_package(@NAME@ REQUIRED CONFIG)
foreach(_name @VARIABLES@)
  file(APPEND "${CMAKE_BINARY_DIR}/found" "${${_name}}\\n")
endforeach()
"""
SOURCE = ("-o", "&:provider=source", "-o", f"&:python=3.{sys.version_info[1]}")
NEEDS_COMPILER = pytest.mark.skipif(
    not (shutil.which("cmake") and shutil.which("cc")), reason="needs CMake and a compiler"
)


@pytest.fixture
def llvm(workplace: Any) -> Callable[[str], None]:
    """Puts an LLVM into the index that has some libraries by name and nothing in them."""

    def put(libraries: str) -> None:
        recipe = workplace.index / "recipes" / "llvm" / "all"
        (recipe / "conanfile.py").write_text(LLVM.replace("@NAMES@", libraries), "utf-8")

    put(LIBRARIES)
    return put


def _consume(folder: Path, package: Path, name: str, variables: str) -> list[Path]:
    """Finds a package as Fairway's CMake does, and returns what some variables hold."""
    folder.mkdir()
    text = CONSUMER.replace("@NAME@", name).replace("@VARIABLES@", variables)
    (folder / "CMakeLists.txt").write_text(text, "utf-8")
    build = folder / "build"
    command = ["cmake", "-S", folder, "-B", build, f"-DCMAKE_PREFIX_PATH={package}"]
    subprocess.run(command, check=True, capture_output=True)
    return [Path(line) for line in (build / "found").read_text().splitlines()]


def _torch_mlir(workplace: Any) -> None:
    stablehlo = workplace.upstream("openxla/stablehlo", {"LICENSE": "", "version": "one"})
    workplace.pin("stablehlo", stablehlo)
    revision = workplace.upstream("llvm/torch-mlir", TORCH_MLIR)
    workplace.pin("torch-mlir", revision, more=PATCHES)
    patch = workplace.index / "recipes/torch-mlir/all/patches/origin.patch"
    patch.parent.mkdir()
    patch.write_text(PATCH, "utf-8")


@NEEDS_COMPILER
@pytest.mark.usefixtures("llvm")
def test_torch_mlir_from_source_looks_as_from_its_wheel(
    workplace: Any, package: Callable[[str], Path], tmp_path: Path
) -> None:
    _torch_mlir(workplace)
    done = workplace.install("torch-mlir/llvm-22", *SOURCE)
    assert done.returncode == 0, done.stdout
    found = _consume(
        tmp_path / "consumer",
        package("torch-mlir"),
        "TorchMLIR",
        "TorchMLIR_PACKAGE TorchMLIR_LICENSE",
    )
    torch_mlir, licence = found
    assert torch_mlir.name == "torch_mlir"
    assert licence.read_text() == "Apache License"
    entry = torch_mlir / "__init__.py"
    assert entry.read_text() == "origin = 'patched'\n" and not entry.is_symlink()
    assert (torch_mlir / "stablehlo.txt").read_text() == "one"
    assert len(list((torch_mlir / "_mlir_libs").glob("*.so"))) == 1
    assert not list((torch_mlir / "runtime").glob("*"))  # no importer needs it


@NEEDS_COMPILER
def test_an_llvm_without_the_needed_parts_is_named(
    workplace: Any, llvm: Callable[[str], None]
) -> None:
    llvm("MLIRCAPIRegisterEverything MLIRTosaDialect")
    _torch_mlir(workplace)
    done = workplace.install("torch-mlir/llvm-22", *SOURCE)
    assert done.returncode != 0
    assert "has no MLIRTosaToLinalg" in " ".join(done.stdout.split())


@pytest.mark.usefixtures("llvm")
def test_a_patch_that_does_not_fit_stops_the_build(workplace: Any) -> None:
    _torch_mlir(workplace)
    patch = workplace.index / "recipes/torch-mlir/all/patches/origin.patch"
    patch.write_text(PATCH.replace("-origin = 'upstream'", "-origin = 'elsewhere'"), "utf-8")
    done = workplace.install("torch-mlir/llvm-22", *SOURCE)
    assert done.returncode != 0
    assert "origin.patch" in done.stdout or "Failed to parse patch" in done.stdout


ONNX_MLIR = {
    "LICENSE": "Apache License",
    "CMakeLists.txt": """cmake_minimum_required(VERSION 3.24)
        project(onnx-mlir LANGUAGES C)
        find_package(MLIR REQUIRED CONFIG)
        if(NOT DEFINED ONNX_MLIR_ENABLE_STABLEHLO OR ONNX_MLIR_ENABLE_STABLEHLO)
          message(FATAL_ERROR "StableHLO is not off")
        endif()
        set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/Release/bin")
        add_executable(onnx-mlir third_party/onnx/main.c)
        add_executable(onnx-mlir-opt third_party/onnx/main.c)
        """,
}


@NEEDS_COMPILER
@pytest.mark.usefixtures("llvm")
def test_onnx_mlir_brings_its_two_programs(
    workplace: Any, package: Callable[[str], Path], tmp_path: Path
) -> None:
    workplace.upstream("onnx/onnx", {"main.c": "int main(void) { return 22; }\n"})
    workplace.upstream("onnx/onnx-mlir", ONNX_MLIR)
    url = f"file://{workplace.mirror}/onnx/onnx"
    add = ("submodule", "--quiet", "add", url, "third_party/onnx")
    workplace.git(*add, repository="onnx/onnx-mlir")
    modules = workplace.mirror / "onnx/onnx-mlir/.gitmodules"  # upstream's own addresses
    modules.write_text(
        modules.read_text().replace(f"file://{workplace.mirror}", "https://github.com")
    )
    workplace.pin("onnx-mlir", workplace.commit("onnx/onnx-mlir"))
    data = workplace.index / "recipes/onnx-mlir/all/conandata.yml"
    lines = data.read_text().splitlines()
    only = '    submodules: ["third_party/onnx"]'
    data.write_text("\n".join(only if "submodules:" in line else line for line in lines))
    protoc = workplace.programs / "protoc"
    protoc.write_text("#!/bin/sh\n")
    protoc.chmod(0o755)
    done = workplace.install("onnx-mlir/llvm-22")
    assert done.returncode == 0, done.stdout
    variables = "OnnxMLIR_PROGRAMS OnnxMLIR_LICENSE"
    found = _consume(tmp_path / "consumer", package("onnx-mlir"), "OnnxMLIR", variables)
    programs, licence = found
    assert licence.read_text() == "Apache License"
    for name in ("onnx-mlir", "onnx-mlir-opt"):
        assert subprocess.run([programs / name]).returncode == 22
