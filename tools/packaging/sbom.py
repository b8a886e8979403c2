# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the wheel's bill of materials (CycloneDX, PEP 770): what it contains of third parties.

    python sbom.py OUTPUT llvm=22.1.8 nanobind=2.15.0 ...

CMake calls it with the versions that it found. The same versions give the same bytes: the time is
the commit's, the serial number follows from the content.
"""

from __future__ import annotations

import os
import sys
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import yaml
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from source_version import ROOT, epoch, version

NAMESPACE = uuid.UUID("6c1d9d0e-5a1c-5e39-9e0c-3f1b7f0a4a67")  # of our serial numbers
OUR_LICENCE = "Apache-2.0 WITH LLVM-exception"
RECIPES = ROOT / "third_party" / "recipes"


@dataclass(frozen=True)
class Part:
    """A third party's part of the wheel.

    Attributes:
        name: Its name here; its licence is third_party/licenses/<licence_file>.txt.
        licence: An SPDX expression.
        files: Where it is in the wheel, as patterns.
        kind: The type of its package URL.
        licence_file: The name of the licence's text.
        optional: Whether it is there only if CMake names its version.
        package: The name by which the world knows it, if that is another one.
    """

    name: str
    licence: str
    files: str
    kind: str = "generic"
    licence_file: str = ""
    optional: bool = False
    package: str = ""


COMPILER = "fairway/mlir/_mlir_libs/*.so"
IMPORTERS = "fairway/_vendor/torch_mlir/**"
BINDINGS = f"{COMPILER} fairway/_runtime*.so"
PARTS = (
    # LLVM's licence text holds those of what it embeds: regex, ConvertUTF, xxHash, BLAKE3.
    Part("llvm", OUR_LICENCE, f"{COMPILER} fairway/mlir/**/*.py"),
    # Debian's LLVM compresses debug information; one from source leaves that out.
    Part("zstd", "BSD-3-Clause", "fairway/mlir/_mlir_libs/libFairwayCAPI.so", optional=True),
    Part("nanobind", "BSD-3-Clause", BINDINGS, "pypi"),
    Part("robin-map", "MIT", BINDINGS),
    Part(
        "libstdc++",
        "GPL-3.0-or-later WITH GCC-exception-3.1",
        "fairway/lib/libfairway_runtime.so fairway/_runtime*.so "
        "fairway/mlir/_mlir_libs/libFairwayCAPI.so",
        licence_file="gcc-runtime",
    ),
    Part("torch-mlir", f"{OUR_LICENCE} OR BSD-3-Clause", IMPORTERS, "pypi"),
    # torch-mlir's library has an LLVM of its own inside, of another revision.
    Part(
        "torch-mlir-llvm",
        OUR_LICENCE,
        IMPORTERS,
        licence_file="llvm",
        optional=True,
        package="llvm",
    ),
    Part("stablehlo", "Apache-2.0", IMPORTERS),
    Part("onnx-mlir", "Apache-2.0", "fairway/_vendor/onnx_mlir/bin/*", optional=True),
)


def bill(versions: dict[str, str]) -> str:
    """Returns the bill as JSON.

    Args:
        versions: The version of each part whose version is known, by name.

    Raises:
        ValueError: If a version is given of what is no part.
    """
    unknown = versions.keys() - {part.name for part in PARTS}
    if unknown:
        raise ValueError(f"no part of the wheel: {', '.join(sorted(unknown))}")
    ours = version()
    product = Component(
        name="fairway",
        version=ours,
        type=ComponentType.LIBRARY,
        bom_ref="fairway",
        purl=PackageURL("pypi", name="fairway", version=ours),
        licenses=[LicenseExpression(OUR_LICENCE)],
    )
    bom = Bom()
    bom.metadata.component = product
    bom.metadata.timestamp = datetime.fromtimestamp(
        int(os.environ.get("SOURCE_DATE_EPOCH") or epoch(ours)), timezone.utc
    )
    parts = [part for part in PARTS if part.name in versions or not part.optional]
    components = [_component(part, versions.get(part.name)) for part in parts]
    bom.components.update(components)
    bom.register_dependency(product, components)
    names = " ".join(f"{part.name}={versions.get(part.name)}" for part in PARTS)
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    bom.serial_number = uuid.uuid5(NAMESPACE, f"{ours} {python} {names}")
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(part: Part, found: str | None) -> Component:
    text = f"third_party/licenses/{part.licence_file or part.name}.txt"
    if not (ROOT / text).is_file():
        raise ValueError(f"{text} is missing: the licence of {part.name}")
    hashes = [] if part.name != "torch-mlir" else _torch_mlir_hashes(found)
    return Component(
        name=part.package or part.name,
        version=found,
        type=ComponentType.LIBRARY,
        bom_ref=part.name,
        purl=PackageURL(part.kind, name=part.package or part.name, version=found),
        licenses=[LicenseExpression(part.licence)],
        hashes=hashes,
        properties=[
            Property(name="fairway:files", value=part.files),
            Property(name="fairway:licence-file", value=f"licenses/{text}"),
        ],
    )


def _torch_mlir_hashes(found: str | None) -> list[HashType]:
    """Returns the sum of the published wheel that the recipe takes for this Python."""
    data = yaml.safe_load((RECIPES / "torch-mlir/all/conandata.yml").read_text("utf-8"))
    minor = sys.version_info[1]
    tag = "cp312-abi3" if minor >= 12 else f"cp3{minor}"
    digest = data["wheels"].get(found, {}).get(tag)
    return [HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else []


def main(arguments: list[str]) -> None:
    """Writes the bill to the file that is named first."""
    output, *pairs = arguments
    versions = dict(pair.split("=", 1) for pair in pairs)
    Path(output).write_text(bill(versions), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
