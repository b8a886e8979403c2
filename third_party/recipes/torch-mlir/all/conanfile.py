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
from conan.tools.build import build_jobs
from conan.tools.files import copy, export_conandata_patches, patch, save

required_conan_version = ">=2.0"

CONFIG_TEMPLATE = """\
# torch-mlir's Python package, for find_package(TorchMLIR).
set(TorchMLIR_VERSION "@VERSION@")
get_filename_component(TorchMLIR_PACKAGE
  "${CMAKE_CURRENT_LIST_DIR}/../../../torch_mlir" ABSOLUTE)
set(TorchMLIR_LICENSE "${CMAKE_CURRENT_LIST_DIR}/../../../licenses/LICENSE")
"""

# What importing a model needs: no PyTorch, hence neither TorchScript nor lazy tensors.
CMAKE_OPTIONS = {
    "CMAKE_BUILD_TYPE": "Release",
    "CMAKE_POSITION_INDEPENDENT_CODE": "ON",
    "CMAKE_CXX_VISIBILITY_PRESET": "hidden",
    "TORCH_MLIR_ENABLE_PYTORCH_EXTENSIONS": "OFF",
    "TORCH_MLIR_ENABLE_REFBACKEND": "OFF",
    "TORCH_MLIR_ENABLE_STABLEHLO": "ON",
}


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
    python_requires = "pinned-git/1.0"
    exports_sources = "cmake/*"

    @property
    def _tag(self) -> str:
        """The tag of the wheel that serves the chosen Python."""
        minor = int(str(self.options.python).split(".")[1])
        return "cp312-abi3" if minor >= 12 else f"cp3{minor}"

    @property
    def _from_source(self) -> bool:
        return self.options.provider == "source"

    @property
    def _pin(self) -> dict | None:
        """The revision that is built from source, if this version has one."""
        return self.conan_data.get("sources", {}).get(str(self.version))

    def export_sources(self):
        export_conandata_patches(self)

    def requirements(self):
        if self._from_source:
            self.requires("llvm/22.1.8", options={"libraries": "all"})
            if self._pin:  # else validate() says that this version has none
                self.requires(f"stablehlo/{self.version}")

    def package_id(self):
        wheel = self.info.options.provider == "wheel"
        if wheel and int(str(self.info.options.python).split(".")[1]) >= 12:
            self.info.options.python = "3.12"  # one wheel on the stable ABI serves them all

    def validate(self):
        pinned = "source" if self._pin else "wheel"
        if self.options.provider != pinned:
            raise ConanInvalidConfiguration(
                f"torch-mlir/{self.version}: there is no {self.options.provider} of this version, "
                f"use provider={pinned}. The wheels are another revision than what builds on our "
                "LLVM; -o fairway/*:torch_mlir=wheel or source takes the version that goes with it."
            )
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("torch-mlir: this recipe knows Linux only.")
        if self.settings.arch != "x86_64" and not self._from_source:
            raise ConanInvalidConfiguration("torch-mlir: wheels exist for Linux on x86_64 only.")

    def build(self):
        if self._from_source:
            self._build_from_source()
        else:
            self._unpack_wheel()
        self._reduce(self._built)

    @property
    def _built(self) -> Path:
        """The Python package in the build folder."""
        part = "python_packages/torch_mlir" if self._from_source else "unpacked"
        return Path(self.build_folder, part, "torch_mlir")

    def _unpack_wheel(self):
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

    def _build_from_source(self):
        self._check_machine()
        source = Path(self.build_folder, "src")
        self.python_requires["pinned-git"].module.fetch(self, source, self._pin)
        for entry in self.conan_data.get("patches", {}).get(str(self.version), []):
            file = str(Path(self.export_sources_folder, entry["patch_file"]))
            patch(self, base_path=str(source), patch_file=file, strip=1)
        stablehlo = self.dependencies["stablehlo"]
        external = source / "externals" / "stablehlo"
        shutil.rmtree(external, ignore_errors=True)  # an empty folder: submodules do not come
        shutil.copytree(Path(stablehlo.package_folder, "src"), external, symlinks=True)
        prefixes = [
            str(Path(self.dependencies["llvm"].package_folder, folder))
            for folder in self.dependencies["llvm"].cpp_info.builddirs
        ]
        options = CMAKE_OPTIONS | {
            "CMAKE_PREFIX_PATH": ";".join(prefixes),
            "Python3_EXECUTABLE": self._chosen_python(),
            "Python_EXECUTABLE": self._chosen_python(),
            "TORCH_MLIR_SOURCE": str(source),
        }
        define = [f"-D{name}={value}" for name, value in options.items()]
        wrapper = str(Path(self.source_folder, "cmake"))
        configure = ["cmake", "-G", "Ninja", "-S", wrapper, "-B", self.build_folder]
        subprocess.run([*configure, *define], check=True)
        build = ["cmake", "--build", self.build_folder, "--target", "TorchMLIRPythonModules"]
        subprocess.run([*build, "--parallel", str(build_jobs(self))], check=True)

    def _check_machine(self):
        missing = [name for name in ("cmake", "ninja") if not shutil.which(name)]
        if missing:
            raise ConanException(
                f"torch-mlir: {' and '.join(missing)} not found (pip install cmake ninja)"
            )

    def _chosen_python(self) -> str:
        """Returns the interpreter whose extension modules are built."""
        wanted = str(self.options.python)
        if wanted == f"{sys.version_info[0]}.{sys.version_info[1]}":
            return sys.executable
        found = shutil.which(f"python{wanted}")
        if not found:
            raise ConanException(
                f"torch-mlir: building from source for Python {wanted} needs python{wanted} on "
                "PATH, with nanobind installed"
            )
        return found

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
        patterns = self.conan_data["unneeded"]
        for path in sorted(package.rglob("*")):
            name = path.relative_to(package).as_posix()
            if any(fnmatch(name, pattern) for pattern in patterns) and path.exists():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        libraries = [str(path) for path in package.rglob("*.so")]
        subprocess.run(["strip", "--strip-unneeded", *libraries], check=True)

    def package(self):
        target = Path(self.package_folder)
        # A build tree holds links to the sources.
        shutil.copytree(self._built, target / "torch_mlir", symlinks=False)
        if self._from_source:
            licences = Path(self.build_folder, "src")
        else:
            licences = next(self._built.parent.glob("*.dist-info")) / "licenses"
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
