# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""LLVM, MLIR and lld at one pinned version, with the sources of MLIR's Python bindings."""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanException, ConanInvalidConfiguration
from conan.tools.build import build_jobs
from conan.tools.files import copy, download, export_conandata_patches, patch, save
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

# What a build from source unpacks: the projects, and what they include of the others.
BUILD_SOURCES = ("cmake/", "lld/", "llvm/", "mlir/", "third-party/siphash/")
TESTS = ("lld/test/", "llvm/test/", "llvm/unittests/", "mlir/test/", "mlir/unittests/")
TARGETS = "X86;AArch64;NVPTX"
# Beside the libraries: what makes code during a build, links it, and what the tests look with.
PROGRAMS = ("llvm-tblgen", "mlir-tblgen", "lld", "llvm-config", "FileCheck", "not", "llvm-objdump")
REST = (
    *("cmake-exports", "mlir-cmake-exports", "lld-cmake-exports"),
    *("llvm-headers", "mlir-headers", "lld-headers"),
)
DISK_GIB = 6  # sources 1.1, objects and libraries 2.5, package 1, rounded up

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
    settings = "os", "arch", "compiler", "build_type"
    options = {
        "provider": ["auto", "system", "source"],
        "assertions": [True, False],
        # needed: what libraries.txt names and all that it links; all: what others build on, too
        "libraries": ["needed", "all"],
    }
    default_options = {"provider": "auto", "assertions": False, "libraries": "needed"}
    exports = "apt-packages.txt", "libraries.txt"
    no_copy_source = True

    @property
    def _prefix(self) -> Path:
        """Where the distribution installs; a build from source looks the same below its package."""
        return Path(f"/usr/lib/llvm-{str(self.version).split('.')[0]}")

    @property
    def _from_source(self) -> bool:
        return self._resolve(self.options.provider) == "source"

    def _resolve(self, provider: str) -> str:
        """Returns the provider that is meant: auto is the system's wherever that can be had."""
        if provider == "auto":
            return "system" if self._distribution_has_it() else "source"
        return str(provider)

    def export_sources(self):
        export_conandata_patches(self)

    def _distribution_has_it(self) -> bool:
        """Tells whether this version's packages are installed or could be."""
        if Path(self._prefix, "bin", "llvm-config").exists():
            return True
        if not shutil.which("apt-cache"):
            return False
        name = f"llvm-{str(self.version).split('.')[0]}-dev"
        policy = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True)
        candidate = re.search(r"Candidate: (?:\d+:)?([\d.]+)", policy.stdout)
        return candidate is not None and candidate.group(1) == str(self.version)

    def package_id(self):
        self.info.options.provider = self._resolve(self.info.options.provider)
        if self.info.options.provider == "system":
            del self.info.options.assertions
            del self.info.options.libraries
            del self.info.settings.compiler
            del self.info.settings.build_type

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("llvm: this recipe knows Linux only")
        if self._from_source and self.settings.build_type != "Release":
            raise ConanInvalidConfiguration(
                "llvm: provider=source builds Release only (-s llvm/*:build_type=Release); "
                "for checks inside LLVM use -o llvm/*:assertions=True"
            )

    def system_requirements(self):
        if not self._from_source:
            listed = Path(self.recipe_folder, "apt-packages.txt").read_text(encoding="utf-8")
            Apt(self).install(listed.split(), check=True)

    # ---- sources -------------------------------------------------------------

    def source(self):
        archive = Path(self.source_folder, "archive.tar.xz")
        self._download(archive, upstream_first=False)
        self._extract(archive, Path(self.source_folder), (*BINDING_SOURCES, LICENCE_FILE))
        archive.unlink()
        self._patch(Path(self.source_folder), BINDING_SOURCES)

    def _download(self, archive: Path, upstream_first: bool):
        """Fetches the source archive: upstream's, else the distribution's copy of it."""
        data = self.conan_data["sources"][self.version]
        distribution = data["distribution"]
        if upstream_first:
            upstream = data["upstream"]
            try:
                download(self, upstream["url"], str(archive), sha256=upstream["sha256"], retry=0)
                return
            except ConanException as error:
                self.output.warning(
                    f"upstream's archive cannot be had ({str(error).splitlines()[0]}); "
                    "taking the distribution's copy of the same release"
                )
        mirrors = [f"{mirror.rstrip('/')}/{distribution['path']}" for mirror in self._mirrors()]
        download(self, mirrors, str(archive), sha256=distribution["sha256"], retry=2)

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

    def _extract(self, archive: Path, folder: Path, parts: tuple[str, ...]):
        """Unpacks some parts of the archive, in one pass over it."""
        count = 0
        with tarfile.open(archive, "r|xz") as stream:
            for member in stream:
                name = member.name.partition("/")[2]  # the archive has one folder at its top
                if name.startswith(parts) and not name.startswith(TESTS):
                    member.name = name
                    stream.extract(member, folder)
                    count += 1
        self.output.info(f"unpacked {count} files")

    def _patch(self, folder: Path, parts: tuple[str, ...]):
        """Applies the patches that change files below these parts."""
        for entry in self.conan_data["patches"][self.version]:
            file = Path(self.export_sources_folder, entry["patch_file"])
            changed = re.findall(r"^\+\+\+ b/(\S+)", file.read_text(encoding="utf-8"), re.M)
            if all(name.startswith(parts) for name in changed):
                patch(self, base_path=str(folder), patch_file=str(file), strip=1)

    # ---- build ---------------------------------------------------------------

    def build(self):
        if self._from_source:
            self._build_from_source()
            return
        config = self._prefix / "bin" / "llvm-config"
        found = subprocess.run([config, "--version"], capture_output=True, text=True, check=True)
        if found.stdout.strip() != str(self.version):
            raise ConanException(
                f"llvm: the distribution has LLVM {found.stdout.strip()}, {self.version} is needed"
            )

    @property
    def _work_folder(self) -> Path:
        """Sources and objects; a folder of the user's own outlives an interrupted build."""
        chosen = self.conf.get("user.llvm:work_folder", check_type=str)
        return Path(chosen or self.build_folder).absolute()

    def _build_from_source(self):
        work = self._work_folder
        work.mkdir(parents=True, exist_ok=True)
        self._check_machine(work)
        self._prepare_sources(work)
        # First without a choice of components, for the graph of what links what; then with
        # the components that are wanted, so that the exported targets are those alone.
        self._configure(work, components=())
        graph = self._link_graph(work / "build")
        libraries = sorted(graph) if self.options.libraries == "all" else self._closure(graph)
        self.output.info(f"building {len(libraries)} libraries")
        self._configure(work, components=(*libraries, *PROGRAMS, *REST))
        jobs = build_jobs(self)
        self.output.info(f"building in {work}; if interrupted, the same command goes on there")
        self.run(f'cmake --build "{work / "build"}" --target distribution -- -j{jobs}')

    def _check_machine(self, work: Path):
        for program in ("cmake", "ninja"):
            if not shutil.which(program):
                raise ConanException(f"llvm: {program} is not on PATH (pip install {program})")
        free = shutil.disk_usage(work).free / 2**30
        built = sum(1 for _ in work.glob("build/lib/*.a"))
        if free < DISK_GIB and not built:
            raise ConanException(
                f"llvm: building needs about {DISK_GIB} GiB, {work} has {free:.1f}; free some, "
                "or choose another place with -c user.llvm:work_folder=FOLDER"
            )

    def _prepare_sources(self, work: Path):
        """Unpacks and patches, unless this was already done for the same archive and patches."""
        patches = [entry["patch_file"] for entry in self.conan_data["patches"][self.version]]
        contents = [Path(self.export_sources_folder, file).read_bytes() for file in patches]
        digest = hashlib.sha256(b"".join(contents)).hexdigest()
        state = f"{self.version} {digest}\n"
        stamp = work / "sources.stamp"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == state:
            return
        shutil.rmtree(work / "src", ignore_errors=True)
        archive = work / "archive.tar.xz"
        self._download(archive, upstream_first=True)
        self._extract(archive, work / "src", BUILD_SOURCES)
        archive.unlink()
        self._patch(work / "src", BUILD_SOURCES)
        stamp.write_text(state, encoding="utf-8")

    def _configure(self, work: Path, components: tuple[str, ...]):
        compile_flags = f"-ffile-prefix-map={work / 'src'}=/llvm"
        options = {
            "BUILD_SHARED_LIBS": "OFF",
            "CMAKE_BUILD_TYPE": "Release",
            "CMAKE_C_FLAGS": compile_flags,
            "CMAKE_CXX_FLAGS": compile_flags,
            "CMAKE_CXX_FLAGS_RELEASE": "-O2 -DNDEBUG",
            "CMAKE_C_FLAGS_RELEASE": "-O2 -DNDEBUG",
            "CMAKE_INSTALL_PREFIX": str(self._prefix),
            # Else an interrupted build looks for the one it began with, which may be gone.
            "CMAKE_MAKE_PROGRAM": shutil.which("ninja"),
            "CMAKE_POSITION_INDEPENDENT_CODE": "ON",
            "LLVM_APPEND_VC_REV": "OFF",
            "LLVM_DISTRIBUTION_COMPONENTS": ";".join(components),
            "LLVM_ENABLE_ASSERTIONS": "ON" if self.options.assertions else "OFF",
            "LLVM_ENABLE_BINDINGS": "OFF",
            "LLVM_ENABLE_PROJECTS": "mlir;lld",
            "LLVM_ENABLE_RTTI": "ON",  # as the distributions build it
            "LLVM_INCLUDE_BENCHMARKS": "OFF",
            "LLVM_INCLUDE_DOCS": "OFF",
            "LLVM_INCLUDE_EXAMPLES": "OFF",
            "LLVM_INCLUDE_TESTS": "OFF",
            "LLVM_INSTALL_UTILS": "ON",
            "LLVM_TARGETS_TO_BUILD": TARGETS,
            "MLIR_ENABLE_BINDINGS_PYTHON": "OFF",
        }
        # Whatever the machine happens to have must not change what is built.
        for library in ("CURL", "FFI", "HTTPLIB", "LIBEDIT", "LIBPFM", "LIBXML2", "Z3_SOLVER"):
            options[f"LLVM_ENABLE_{library}"] = "OFF"
        options |= {"LLVM_ENABLE_ZLIB": "OFF", "LLVM_ENABLE_ZSTD": "OFF"}
        if shutil.which("ccache"):
            options |= {
                f"CMAKE_{language}_COMPILER_LAUNCHER": "ccache" for language in ("C", "CXX")
            }
        defines = " ".join(f'"-D{name}={value}"' for name, value in options.items())
        self.run(f'cmake -G Ninja -S "{work / "src" / "llvm"}" -B "{work / "build"}" {defines}')

    @staticmethod
    def _link_graph(build: Path) -> dict[str, list[str]]:
        """Returns LLVM's libraries, each with what it links, from the exported targets."""
        graph, linked = {}, {}
        for exports in ("llvm/LLVMExports", "mlir/MLIRTargets", "lld/LLDTargets"):
            text = (build / "lib" / "cmake" / f"{exports}.cmake").read_text(encoding="utf-8")
            libraries = r"^add_library\((\S+) (?:STATIC|INTERFACE) IMPORTED\)"
            graph |= {target: [] for target in re.findall(libraries, text, re.M)}
            blocks = r"^set_target_properties\((\S+) PROPERTIES\n((?:  .*\n)*)"
            for target, properties in re.findall(blocks, text, re.M):
                for names in re.findall(r'INTERFACE_LINK_LIBRARIES "(.*)"', properties):
                    linked[target] = re.findall(r"\w+", names)
        return {name: [other for other in linked.get(name, []) if other in graph] for name in graph}

    def _closure(self, graph: dict[str, list[str]]) -> list[str]:
        """Returns libraries.txt's libraries and all that they link."""
        listed = Path(self.recipe_folder, "libraries.txt").read_text(encoding="utf-8")
        waiting = [line for line in listed.split("\n") if line and not line.startswith("#")]
        missing = sorted(set(waiting) - graph.keys())
        if missing:
            raise ConanException(f"llvm: libraries.txt names no library of LLVM: {missing}")
        found = set()
        while waiting:
            target = waiting.pop()
            if target not in found:
                found.add(target)
                waiting += graph[target]
        return sorted(found)

    # ---- package -------------------------------------------------------------

    def package(self):
        source, target = Path(self.source_folder), Path(self.package_folder)
        copy(self, "mlir/*", str(source), str(target / "src"))
        copy(self, "LICENSE.TXT", str(source / "llvm"), str(target / "licenses"))
        cmake = target / "lib" / "cmake" / "MLIRPythonSources"
        config = CONFIG_TEMPLATE.replace("@VERSION@", str(self.version))
        save(self, str(cmake / "MLIRPythonSourcesConfig.cmake"), config)
        if self._from_source:
            os.environ["DESTDIR"] = str(target)
            build = self._work_folder / "build"
            self.run(f'cmake --build "{build}" --target install-distribution')

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")  # brings its own CMake files
        self.cpp_info.includedirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.bindirs = []
        inside = Path(self.package_folder, *self._prefix.parts[1:])
        self.cpp_info.builddirs = [str(inside if self._from_source else self._prefix), "."]
