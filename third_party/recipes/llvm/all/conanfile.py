# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""LLVM, MLIR and lld at one pinned version, with the sources of MLIR's Python bindings."""

import subprocess
import tarfile
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanException, ConanInvalidConfiguration
from conan.tools.files import (
    apply_conandata_patches,
    copy,
    download,
    export_conandata_patches,
    save,
)
from conan.tools.system.package_manager import Apt

required_conan_version = ">=2.0"

# What the distribution's packages lack or the patches change, as parts of the source archive.
BINDING_SOURCES = (
    "mlir/python/",
    "mlir/lib/Bindings/Python/",
    "mlir/include/mlir/Bindings/",
    "mlir/include/mlir-c/Bindings/",
    # named by mlir/python/CMakeLists.txt relative to itself
    "mlir/include/mlir/Dialect/Bufferization/IR/BufferizationEnums.td",
    "mlir/include/mlir/Dialect/Linalg/TransformOps/LinalgTransformEnums.td",
    "mlir/include/mlir/Dialect/SparseTensor/IR/SparseTensorAttrDefs.td",
    "mlir/include/mlir/Dialect/Transform/IR/TransformAttrs.td",
    "mlir/include/mlir/Dialect/Vector/Transforms/VectorTransformsBase.td",
)
LICENCE_FILE = "llvm/LICENSE.TXT"

CONFIG_TEMPLATE = """\
# The sources of MLIR's Python bindings, for find_package(MLIRPythonSources).
set(MLIRPythonSources_VERSION "@VERSION@")
get_filename_component(MLIRPythonSources_DIRECTORY
  "${CMAKE_CURRENT_LIST_DIR}/../../../src/mlir" ABSOLUTE)
set(MLIRPythonSources_LICENSE "${CMAKE_CURRENT_LIST_DIR}/../../../licenses/LICENSE.TXT")
"""


class LlvmConan(ConanFile):
    """Provides find_package(MLIR), find_package(LLD) and find_package(MLIRPythonSources)."""

    name = "llvm"
    description = "LLVM, MLIR and lld, with the sources of MLIR's Python bindings"
    license = "Apache-2.0 WITH LLVM-exception"
    package_type = "unknown"
    settings = "os", "arch"
    options = {"provider": ["auto", "system", "source"]}
    default_options = {"provider": "auto"}
    exports = "apt-packages.txt"
    no_copy_source = True

    @property
    def _prefix(self) -> Path:
        return Path(f"/usr/lib/llvm-{str(self.version).split('.')[0]}")

    def export_sources(self):
        export_conandata_patches(self)

    def package_id(self):
        if self.info.options.provider == "auto":  # the only provider there is so far
            self.info.options.provider = "system"

    def validate(self):
        if self.options.provider == "source":
            raise ConanInvalidConfiguration(
                "llvm: provider=source (building LLVM from its archive) is not implemented yet. "
                "Use provider=system on Debian 12, or set MLIR_DIR to your own build of "
                f"LLVM/MLIR {self.version}."
            )
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration(
                "llvm: provider=system adopts Debian's packages, so it needs Linux."
            )

    def system_requirements(self):
        listed = Path(self.recipe_folder, "apt-packages.txt").read_text(encoding="utf-8")
        Apt(self).install(listed.split(), check=True)

    def source(self):
        data = self.conan_data["sources"][self.version]
        urls = [f"{mirror.rstrip('/')}/{data['path']}" for mirror in self._mirrors()]
        archive = Path(self.source_folder, "archive.tar.xz")
        download(self, urls, str(archive), sha256=data["sha256"], retry=2)
        self._extract(archive, data["root"])
        archive.unlink()
        apply_conandata_patches(self)

    def _mirrors(self) -> list[str]:
        """Returns the base addresses of the archives that apt is configured for."""
        listing = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        mirrors = list(dict.fromkeys(listing.split()))
        mirrors = [
            uri.replace("file:/", "file:///", 1) if uri.startswith("file:/") else uri
            for uri in mirrors
            if uri.split(":")[0] in ("http", "https", "file")
        ]
        if not mirrors:
            raise ConanException(
                "llvm: apt has no package index yet; run 'apt-get update' once, then try again"
            )
        # The main archive keeps every file of a source; the security one may not.
        return sorted(mirrors, key=lambda uri: "security" in uri)

    def _extract(self, archive: Path, root: str):
        """Unpacks the few folders that are needed, in one pass over the archive."""
        wanted = tuple(f"{root}/{part}" for part in BINDING_SOURCES)
        count = 0
        with tarfile.open(archive, "r|xz") as stream:
            for member in stream:
                if not member.isfile():
                    continue
                if member.name.startswith(wanted) or member.name == f"{root}/{LICENCE_FILE}":
                    target = Path(self.source_folder, member.name[len(root) + 1 :])
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(stream.extractfile(member).read())
                    count += 1
        self.output.info(f"unpacked {count} files")

    def build(self):
        config = self._prefix / "bin" / "llvm-config"
        found = subprocess.run([config, "--version"], capture_output=True, text=True, check=True)
        if found.stdout.strip() != str(self.version):
            raise ConanException(
                f"llvm: the distribution has LLVM {found.stdout.strip()}, {self.version} is needed"
            )

    def package(self):
        source, target = Path(self.source_folder), Path(self.package_folder)
        copy(self, "mlir/*", str(source), str(target / "src"))
        copy(self, "LICENSE.TXT", str(source / "llvm"), str(target / "licenses"))
        cmake = target / "lib" / "cmake" / "MLIRPythonSources"
        config = CONFIG_TEMPLATE.replace("@VERSION@", str(self.version))
        save(self, str(cmake / "MLIRPythonSourcesConfig.cmake"), config)

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")  # brings its own CMake files
        self.cpp_info.includedirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.bindirs = []
        self.cpp_info.builddirs = [str(self._prefix), "."]
