# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The recipe that builds LLVM from source, run by Conan on a stand-in of a few lines.

The real build takes an hour; what the recipe itself decides shows on any archive of that form.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest
from dev import paths

RECIPE = paths.ROOT / "third_party" / "recipes" / "llvm" / "all"
VERSION = "22.1.8"
PREFIX = "usr/lib/llvm-22"

# Like LLVM's: three projects' exports, a choice of components, and their installation.
CMAKE_LISTS = """\
cmake_minimum_required(VERSION 3.20)
project(LLVM C)
foreach(name LLVMSupport LLVMCore LLVMUnused MLIRIR MLIRUnused lldELF)
  add_library(${name} STATIC EXCLUDE_FROM_ALL lib.c)
endforeach()
target_link_libraries(LLVMCore PRIVATE LLVMSupport)
target_link_libraries(MLIRIR PUBLIC LLVMCore)
target_link_libraries(lldELF PUBLIC LLVMSupport)
set(cmake ${CMAKE_BINARY_DIR}/lib/cmake)
export(TARGETS LLVMSupport LLVMCore LLVMUnused FILE ${cmake}/llvm/LLVMExports.cmake)
export(TARGETS MLIRIR MLIRUnused FILE ${cmake}/mlir/MLIRTargets.cmake)
export(TARGETS lldELF FILE ${cmake}/lld/LLDTargets.cmake)
add_custom_target(distribution)
foreach(component IN LISTS LLVM_DISTRIBUTION_COMPONENTS)
  if(TARGET ${component})
    add_dependencies(distribution ${component})
    install(FILES $<TARGET_FILE:${component}> DESTINATION lib)
  endif()
endforeach()
list(JOIN LLVM_DISTRIBUTION_COMPONENTS "\\n" listed)
file(WRITE ${CMAKE_BINARY_DIR}/components.txt "${listed}\\n")
install(FILES ${CMAKE_BINARY_DIR}/components.txt ../lld/lld.txt DESTINATION .)
add_custom_target(install-distribution
  COMMAND ${CMAKE_COMMAND} --install ${CMAKE_BINARY_DIR})
"""
FILES = {
    "llvm/CMakeLists.txt": CMAKE_LISTS,
    "llvm/lib.c": "int nothing;\n",
    "llvm/LICENSE.TXT": "the licence\n",
    "llvm/test/huge.txt": "not unpacked\n",
    "lld/lld.txt": "as released\n",
    "mlir/python/bindings.txt": "as released\n",
    "clang/clang.txt": "not unpacked\n",
}


def _patch_of(name: str) -> str:
    return f"--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n-as released\n+as patched\n"


@dataclass
class Sandbox:
    """A copy of the recipe with a stand-in for LLVM, and a home of Conan's own."""

    folder: Path

    @property
    def recipe(self) -> Path:
        return self.folder / "recipe"

    def write_sources(self, upstream: str, sha256: str | None = None) -> None:
        """Writes the recipe's data: where its archive is, and what it must hash to."""
        archive = self.folder / "llvm.orig.tar.xz"
        sha256 = sha256 or hashlib.sha256(archive.read_bytes()).hexdigest()
        (self.recipe / "conandata.yml").write_text(
            textwrap.dedent(f"""\
                sources:
                  "{VERSION}":
                    upstream:
                      url: "{upstream}"
                      sha256: "{sha256}"
                    distribution:
                      path: "{archive.name}"
                      sha256: "{sha256}"
                patches:
                  "{VERSION}":
                    - patch_file: "patches/bindings.patch"
                    - patch_file: "patches/lld.patch"
                """)
        )

    def conan(self, *arguments: str) -> tuple[int, str]:
        """Returns Conan's exit status and all that it said."""
        environment = {
            **os.environ,
            "CONAN_HOME": str(self.folder / "home"),
            "PATH": f"{self.folder / 'bin'}:{paths.tool('conan').parent}:{os.environ['PATH']}",
        }
        run = subprocess.run(
            [paths.tool("conan"), *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return run.returncode, run.stdout

    def create(self, *options: str) -> tuple[int, str]:
        return self.conan(
            *("create", str(self.recipe), "--version", VERSION, "-s", "build_type=Release"),
            *("-o", "llvm/*:provider=source", "-c", f"user.llvm:work_folder={self.work}"),
            *options,
        )

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def package(self) -> Path:
        """Returns the folder of the one package that was made."""
        found = [path for path in self.folder.glob(f"home/p/b/*/p/{PREFIX}") if path.is_dir()]
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    if not paths.tool("conan").exists():
        pytest.skip("needs the tools of ./dev")
    for name, text in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with tarfile.open(tmp_path / "llvm.orig.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "tree", arcname=f"llvm-{VERSION}")
    shutil.copytree(RECIPE, tmp_path / "recipe")
    (tmp_path / "recipe" / "libraries.txt").write_text("# roots\n\nMLIRIR\nlldELF\n")
    patches = tmp_path / "recipe" / "patches"
    (patches / "bindings.patch").write_text(_patch_of("mlir/python/bindings.txt"))
    (patches / "lld.patch").write_text(_patch_of("lld/lld.txt"))
    # apt's configured mirror is a folder here.
    (tmp_path / "bin").mkdir()
    apt = tmp_path / "bin" / "apt-get"
    apt.write_text(f"#!/bin/sh\necho file:{tmp_path}\n")
    apt.chmod(0o755)
    box = Sandbox(tmp_path)
    box.write_sources(upstream=f"file://{tmp_path}/llvm.orig.tar.xz")
    status, said = box.conan("profile", "detect")
    assert status == 0, said
    return box


def test_builds_what_the_listed_libraries_link_and_nothing_else(sandbox: Sandbox):
    status, said = sandbox.create()
    assert status == 0, said
    package = sandbox.package()
    built = {path.name for path in (package / "lib").iterdir()}
    assert built == {f"lib{name}.a" for name in ("LLVMCore", "LLVMSupport", "MLIRIR", "lldELF")}
    components = (package / "components.txt").read_text().split()
    assert {"llvm-tblgen", "mlir-tblgen", "mlir-headers", "MLIRIR"} <= set(components)
    assert not {"LLVMUnused", "MLIRUnused"} & set(components)
    # Both patches; neither the tests nor other projects.
    assert (package / "lld.txt").read_text() == "as patched\n"
    bindings = package.parents[2] / "src" / "mlir" / "python" / "bindings.txt"
    assert bindings.read_text() == "as patched\n"
    unpacked = {
        str(path.relative_to(sandbox.work / "src")) for path in _files(sandbox.work / "src")
    }
    assert unpacked == set(FILES) - {"llvm/test/huge.txt", "clang/clang.txt"}


def test_builds_every_library_when_others_build_on_it(sandbox: Sandbox):
    status, said = sandbox.create("-o", "llvm/*:libraries=all")
    assert status == 0, said
    components = set((sandbox.package() / "components.txt").read_text().split())
    assert {"LLVMUnused", "MLIRUnused", "MLIRIR", "llvm-tblgen"} <= components


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_takes_the_distributions_copy_where_upstream_cannot_be_reached(sandbox: Sandbox):
    sandbox.write_sources(upstream="http://127.0.0.1:9/llvm.tar.xz")
    status, said = sandbox.create()
    assert status == 0, said
    assert "upstream's archive cannot be had" in said
    assert "taking the distribution's copy" in said


def test_refuses_an_archive_that_is_not_the_pinned_one(sandbox: Sandbox):
    sandbox.write_sources(f"file://{sandbox.folder}/llvm.orig.tar.xz", sha256="0" * 64)
    status, said = sandbox.create()
    assert status != 0
    assert "sha256 hash failed" in said
    assert not sandbox.work.exists() or not (sandbox.work / "src").exists()


def test_goes_on_where_it_was_interrupted(sandbox: Sandbox):
    lists = sandbox.work / "src" / "llvm" / "CMakeLists.txt"
    status, said = sandbox.create()
    assert status == 0, said
    objects = {path: path.stat().st_mtime_ns for path in sandbox.work.glob("build/**/*.o")}
    assert objects
    unpacked = lists.stat().st_ino
    status, said = sandbox.create()
    assert status == 0, said
    assert lists.stat().st_ino == unpacked, "the sources were unpacked a second time"
    assert {path: path.stat().st_mtime_ns for path in objects} == objects


def test_names_a_library_that_llvm_does_not_have(sandbox: Sandbox):
    (sandbox.recipe / "libraries.txt").write_text("MLIRIR\nMLIRNeverHeardOf\n")
    status, said = sandbox.create()
    assert status != 0
    assert "libraries.txt names no library of LLVM: ['MLIRNeverHeardOf']" in said


def test_checks_the_options_before_it_starts(sandbox: Sandbox):
    status, said = sandbox.create("-s", "llvm/*:build_type=Debug")
    assert status != 0
    assert "provider=source builds Release only" in said
    status, said = sandbox.create("-o", "llvm/*:provider=elsewhere")
    assert status != 0
    assert re.search(r"'elsewhere' is not a valid 'options.provider' value", said)
