# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""torch-mlir's Python package, reduced to what importing a model needs."""

import shutil
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanException, ConanInvalidConfiguration
from conan.tools.files import copy, save

required_conan_version = ">=2.0"

CONFIG_TEMPLATE = """\
# torch-mlir's Python package, for find_package(TorchMLIR).
set(TorchMLIR_VERSION "@VERSION@")
get_filename_component(TorchMLIR_PACKAGE
  "${CMAKE_CURRENT_LIST_DIR}/../../../torch_mlir" ABSOLUTE)
set(TorchMLIR_LICENSE "${CMAKE_CURRENT_LIST_DIR}/../../../licenses/LICENSE")
"""


class TorchMlirConan(ConanFile):
    """Provides find_package(TorchMLIR), which tells where the Python package is."""

    name = "torch-mlir"
    description = "Importers from PyTorch and ONNX to MLIR, as a Python package"
    license = "Apache-2.0 WITH LLVM-exception"
    package_type = "unknown"
    settings = "os", "arch"
    options = {
        "provider": ["wheel", "source"],
        "python": ["3.10", "3.11", "3.12", "3.13", "3.14"],
    }
    default_options = {"provider": "wheel", "python": "3.11"}

    @property
    def _tag(self) -> str:
        """The tag of the wheel that serves the chosen Python."""
        minor = int(str(self.options.python).split(".")[1])
        return "cp312-abi3" if minor >= 12 else f"cp3{minor}"

    def package_id(self):
        if int(str(self.info.options.python).split(".")[1]) >= 12:
            self.info.options.python = "3.12"  # one wheel on the stable ABI serves them all

    def validate(self):
        if self.options.provider == "source":
            raise ConanInvalidConfiguration(
                "torch-mlir: provider=source is not implemented yet; use provider=wheel."
            )
        if self.settings.os != "Linux" or self.settings.arch != "x86_64":
            raise ConanInvalidConfiguration("torch-mlir: wheels exist for Linux on x86_64 only.")

    def build(self):
        folder = Path(self.build_folder, "wheel")
        digest = self.conan_data["wheels"][self.version][self._tag]
        requirements = Path(self.build_folder, "requirements.txt")
        save(self, str(requirements), f"torch-mlir=={self.version} --hash=sha256:{digest}\n")
        pip = [self._python_with_pip(), "-m", "pip", "download", "--disable-pip-version-check"]
        pip += ["--no-deps", "--only-binary=:all:", "--require-hashes"]
        pip += ["--python-version", str(self.options.python), "--implementation", "cp"]
        pip += ["--dest", str(folder), "--requirement", str(requirements)]
        self.output.info(f"downloading torch-mlir {self.version} ({self._tag}, about 80 MB)")
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode:
            raise ConanException(f"torch-mlir: pip download failed:\n{done.stdout}{done.stderr}")
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            wheel.extractall(Path(self.build_folder, "unpacked"))
        self._reduce(Path(self.build_folder, "unpacked", "torch_mlir"))

    @staticmethod
    def _python_with_pip() -> str:
        for python in (sys.executable, shutil.which("python3"), "/usr/bin/python3"):
            if (
                python
                and not subprocess.run(
                    [python, "-m", "pip", "--version"], capture_output=True
                ).returncode
            ):
                return python
        raise ConanException("torch-mlir: no Python with pip found; install python3-pip")

    def _reduce(self, package: Path):
        """Removes what importing a model never touches, and the symbols of what is left."""
        patterns = self.conan_data["unneeded"][self.version]
        for path in sorted(package.rglob("*")):
            name = path.relative_to(package).as_posix()
            if any(fnmatch(name, pattern) for pattern in patterns) and path.exists():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        libraries = [str(path) for path in package.rglob("*.so")]
        subprocess.run(["strip", "--strip-unneeded", *libraries], check=True)

    def package(self):
        unpacked, target = Path(self.build_folder, "unpacked"), Path(self.package_folder)
        copy(self, "*", str(unpacked / "torch_mlir"), str(target / "torch_mlir"))
        licences = next(unpacked.glob("*.dist-info")) / "licenses"
        copy(self, "LICENSE", str(licences), str(target / "licenses"))
        cmake = target / "lib" / "cmake" / "TorchMLIR"
        config = CONFIG_TEMPLATE.replace("@VERSION@", str(self.version))
        save(self, str(cmake / "TorchMLIRConfig.cmake"), config)

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")  # brings its own CMake file
        self.cpp_info.includedirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.bindirs = []
        self.cpp_info.builddirs = ["."]
