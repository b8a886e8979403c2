# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the wheel installs: symbols, search paths, licences, and peace with other LLVMs."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

import fairway

PACKAGE = Path(fairway.__file__).parent
AGGREGATE = PACKAGE / "mlir" / "_mlir_libs" / "libFairwayCAPI.so"
OURS = [path for path in PACKAGE.rglob("*.so") if "_vendor" not in path.parts]
NEEDS_BINUTILS = pytest.mark.skipif(not shutil.which("nm"), reason="needs binutils")


def _read(*command: str | Path) -> str:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=True
    ).stdout


def test_is_the_installed_wheel_and_not_the_source_tree() -> None:
    assert "site-packages" in PACKAGE.parts


@NEEDS_BINUTILS
def test_aggregate_exports_only_the_c_api() -> None:
    names = re.findall(r" [A-Z] (\S+)$", _read("nm", "-D", "--defined-only", AGGREGATE), re.M)
    assert len(names) > 1000
    assert [name for name in names if not name.startswith(("mlir", "fairway"))] == []


@NEEDS_BINUTILS
def test_aggregate_needs_no_other_llvm() -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", _read("readelf", "-d", AGGREGATE))
    allowed = r"(libc|libm|libz|libdl|libpthread|librt|ld-linux-x86-64)\.so\.\d+"
    assert [name for name in needed if not re.fullmatch(allowed, name)] == []


@NEEDS_BINUTILS
@pytest.mark.parametrize("library", OURS, ids=lambda path: path.name)
def test_libraries_look_for_others_only_beside_themselves(library: Path) -> None:
    entries = re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", _read("readelf", "-d", library))
    folders = [folder for entry in entries for folder in entry.split(":") if folder]
    assert [folder for folder in folders if not folder.startswith("$ORIGIN")] == []


def _bill() -> dict[str, Any]:
    (file,) = [path for path in distribution("fairway").files or [] if path.match("sboms/*.json")]
    return json.loads(file.locate().read_text("utf-8"))


def test_lists_what_it_contains_of_others() -> None:
    bill = _bill()
    assert (bill["bomFormat"], bill["metadata"]["component"]["version"]) == (
        "CycloneDX",
        distribution("fairway").version,
    )
    parts = {part["bom-ref"]: part for part in bill["components"]}
    assert parts["llvm"]["version"].startswith("22.1.")
    assert parts["torch-mlir"]["hashes"]
    assert re.fullmatch(r"[\d.]+git\+[0-9a-f]{40}", parts["torch-mlir-llvm"]["version"])
    assert [name for name, part in parts.items() if not part.get("licenses")] == []
    for name, part in parts.items():
        for pattern in _property(part, "fairway:files").split():
            assert list(PACKAGE.parent.glob(pattern)), f"{name}: nothing is at {pattern}"


def _property(part: dict[str, Any], name: str) -> str:
    return next(entry["value"] for entry in part["properties"] if entry["name"] == name)


def test_brings_the_licences_of_what_it_contains() -> None:
    licences = distribution("fairway").metadata.get_all("License-File") or []
    folder = next(PACKAGE.parent.glob("fairway-*.dist-info"))
    for part in _bill()["components"]:
        path = _property(part, "fairway:licence-file")
        assert path.removeprefix("licenses/") in licences
        assert len((folder / path).read_text("utf-8")) > 1000, path


def test_version_carries_the_commit() -> None:
    version = distribution("fairway").version
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d{14}\+g[0-9a-f]{10}(\.dirty)?)?", version)


@NEEDS_BINUTILS
@pytest.mark.parametrize("library", OURS, ids=lambda path: path.name)
def test_libraries_work_with_glibc_2_34(library: Path) -> None:
    """What lib/Compat is for; auditwheel chooses the wheel's tag by the same."""
    versions = re.findall(r"Name: (GLIBC|GLIBCXX)_([\d.]+)", _read("readelf", "-V", library))
    newest = {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 29)}
    late = {
        f"{kind}_{number}"
        for kind, number in versions
        if tuple(map(int, number.split("."))) > newest[kind]
    }
    assert late == set()


@pytest.mark.parametrize("library", OURS, ids=lambda path: path.name)
def test_libraries_tell_nothing_of_where_they_were_built(library: Path) -> None:
    content = library.read_bytes()
    for place in ("/.cache/", "/home/", f"{Path.home()}/", "site-packages", "/build/"):
        assert place.encode() not in content, place


def test_leaves_out_what_importing_a_model_never_needs() -> None:
    assert not list((PACKAGE / "_vendor").rglob("torch-mlir-opt"))
    assert not list(PACKAGE.rglob("*.cpp"))


ORDERS = list(
    itertools.permutations(["import torch", "import torch_mlir.ir", "import fairway.mlir.ir"])
)


@pytest.mark.parametrize("order", ORDERS, ids=" then ".join)
def test_coexists_with_torch_and_torch_mlir(order: tuple[str, ...]) -> None:
    """Both MLIRs parse and print in one process, whichever was loaded first."""
    pytest.importorskip("torch")
    script = "\n".join(
        [
            "import sys",
            f"sys.path.append({str(PACKAGE / '_vendor')!r})",
            *order,
            "text = 'func.func @f(%a: f32) -> f32 { return %a : f32 }'",
            "for mlir in (fairway.mlir.ir, torch_mlir.ir):",
            "    with mlir.Context():",
            "        module = mlir.Module.parse(text)",
            "        assert module.operation.verify() and 'func.func' in str(module)",
            "print(float(torch.ones(3).sum()))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "3.0"


def test_import_is_light() -> None:
    """Neither a framework nor the compiler is loaded, and 0.15 s of processor time are enough."""
    script = """
import sys, time
start = time.process_time()
import fairway
seconds = time.process_time() - start
heavy = [name for name in ("torch", "onnx", "torch_mlir", "fairway.mlir") if name in sys.modules]
print(seconds, *heavy)
"""
    runs = [_read(sys.executable, "-c", script).split() for _ in range(3)]
    assert [run[1:] for run in runs] == [[]] * 3
    assert min(float(run[0]) for run in runs) < 0.15
