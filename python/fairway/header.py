# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C header beside a saved model: its tensors as constants a program can use."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fairway.program import TensorSpec
from fairway.tensors import shape_text

if TYPE_CHECKING:
    from fairway.executable import Executable

__all__ = ["render"]

# dtype -> C type and bytes of an element. Types that C11 lacks are given as bits.
_C_TYPES = {
    "bool": ("uint8_t", 1),
    "int8": ("int8_t", 1),
    "int16": ("int16_t", 2),
    "int32": ("int32_t", 4),
    "int64": ("int64_t", 8),
    "uint8": ("uint8_t", 1),
    "uint16": ("uint16_t", 2),
    "uint32": ("uint32_t", 4),
    "uint64": ("uint64_t", 8),
    "float16": ("uint16_t", 2),
    "bfloat16": ("uint16_t", 2),
    "float32": ("float", 4),
    "float64": ("double", 8),
}
_BITS_ONLY = {"float16": "IEEE half precision", "bfloat16": "bfloat16"}


def render(executable: Executable, stem: str) -> str:
    """Writes the header of a model.

    Args:
        executable: The model.
        stem: The library's name without its ending; it prefixes every C name.
    """
    prefix = _identifier(stem)
    upper = prefix.upper()
    parts = [
        _banner(executable, stem, prefix),
        f"#ifndef FAIRWAY_{upper}_H\n#define FAIRWAY_{upper}_H\n\n#include <stdint.h>\n",
        f"#define {upper}_NUM_INPUTS {len(executable.inputs)}",
        f"#define {upper}_NUM_OUTPUTS {len(executable.outputs)}\n",
        *_sizes(prefix, executable.sizes),
    ]
    for role, specs in (("input", executable.inputs), ("output", executable.outputs)):
        parts += _tensors(prefix, role, specs)
    parts.append(f"#endif /* FAIRWAY_{upper}_H */\n")
    return "\n".join(parts)


def _tensors(prefix: str, role: str, specs: Sequence[TensorSpec]) -> list[str]:
    """One block for each tensor; names that clash in C get their index."""
    names = [_identifier(spec.name) for spec in specs]
    parts: list[str] = []
    for index, (name, spec) in enumerate(zip(names, specs, strict=True)):
        unique = name if names.count(name) == 1 else f"{name}_{index}"
        parts.append(_tensor(f"{prefix}_{role}_{unique}", index, role, spec))
    return parts


def _sizes(prefix: str, sizes: Mapping[str, tuple[int, int | None]]) -> list[str]:
    """The sizes that calls decide; nothing for a model without any."""
    if not sizes:
        return []
    parts = [f"#define {prefix.upper()}_NUM_SIZES {len(sizes)}\n"]
    names = [_identifier(name) for name in sizes]
    for index, (name, (low, high)) in enumerate(sizes.items()):
        unique = names[index] if names.count(names[index]) == 1 else f"{names[index]}_{index}"
        upper = f"{prefix}_size_{unique}".upper()
        limits = f"{low} or more" if high is None else f"{low} to {high}"
        lines = [
            f"/** Size {index}, {_comment(name)}: {limits}. */",
            f"#define {upper}_INDEX {index}",
            f"#define {upper}_NAME {_c_string(name)}",
            f"#define {upper}_MINIMUM {low}",
            *([] if high is None else [f"#define {upper}_MAXIMUM {high}"]),
        ]
        parts.append("\n".join(lines) + "\n")
    return parts


def _tensor(stem: str, index: int, role: str, spec: TensorSpec) -> str:
    c_type, size = _C_TYPES[spec.dtype]
    upper = stem.upper()
    shape = _comment(shape_text(spec.shape))
    fixed = {axis: extent for axis, extent in enumerate(spec.shape) if isinstance(extent, int)}
    lines = [
        f"/** {role.capitalize()} {index}, {_comment(spec.name)}: {spec.dtype}{shape}, row-major"
        + (f"; {_BITS_ONLY[spec.dtype]}, given as bits" if spec.dtype in _BITS_ONLY else "")
        + ". */",
        f"#define {upper}_INDEX {index}",
        f"#define {upper}_NAME {_c_string(spec.name)}",
        f"#define {upper}_DTYPE {_c_string(spec.dtype)}",
        f"#define {upper}_RANK {len(spec.shape)}",
        *(f"#define {upper}_DIM{axis} {extent}" for axis, extent in fixed.items()),
    ]
    if spec.is_static:
        elements = math.prod(fixed.values())
        lines += [
            f"#define {upper}_ELEMENTS {elements}",
            f"#define {upper}_BYTES {elements * size}",
        ]
    lines.append(f"typedef {c_type} {stem}_t;")
    return "\n".join(lines) + "\n"


def _banner(executable: Executable, stem: str, prefix: str) -> str:
    """The comment on top: what this is and how a program uses it."""
    args = {
        role: _identifier(specs[0].name) if specs else "x"
        for role, specs in (("input", executable.inputs), ("output", executable.outputs))
    }
    usage = _BEGIN + (_CALL_AT_SIZES if executable.sizes else _CALL) + _END
    return usage.format(
        stem=_comment(stem),
        prefix=prefix,
        upper=prefix.upper(),
        version=executable.version,
        target=_comment(executable.target),
        input=f"{prefix}_input_{args['input']}",
        input_upper=f"{prefix}_input_{args['input']}".upper(),
        output=f"{prefix}_output_{args['output']}",
        output_upper=f"{prefix}_output_{args['output']}".upper(),
        sizes=", ".join(str(max(low, 1)) for low, _ in executable.sizes.values()),
        names=_comment(", ".join(executable.sizes)),
    )


def _identifier(name: str) -> str:
    """A C identifier that resembles the name."""
    plain = re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_").lower() or "tensor"
    return f"m_{plain}" if plain[0].isdigit() else plain


def _c_string(text: str) -> str:
    """A C string literal; bytes outside printable ASCII are octal escapes."""

    def escape(byte: int) -> str:
        char = chr(byte)
        if char in '"\\?':
            return "\\" + char
        return char if 32 <= byte < 127 else f"\\{byte:03o}"

    return '"' + "".join(escape(byte) for byte in text.encode()) + '"'


def _comment(text: str) -> str:
    """Text that cannot end a C comment."""
    printable = "".join(char if char.isprintable() else "?" for char in text)
    return printable.replace("*/", "* /").replace("/*", "/ *")


_BEGIN = """\
/* {stem}: a model compiled by Fairway {version} for
 * {target}.
 *
 * A program that runs it needs this header, Fairway's runtime and the library
 * beside this file, nothing else:
 *
 *   #include "{stem}.h"
 *   #include "fairway/Runtime/runtime.h"
 *   #include <stdio.h>
 *   #include <stdlib.h>
 *
 *   int main(void) {{
 *     fairway_model *model;
 *     if (fairway_model_load("./{stem}.so", &model) != FAIRWAY_OK)
 *       return puts(fairway_last_error()), 1;
"""

_CALL = """\
 *     {input}_t *in = aligned_alloc(64, ({input_upper}_BYTES + 63) / 64 * 64);
 *     {output}_t *out = aligned_alloc(64, ({output_upper}_BYTES + 63) / 64 * 64);
 *     ... fill `in`, row-major ...
 *     const void *inputs[{upper}_NUM_INPUTS] = {{in}};
 *     void *outputs[{upper}_NUM_OUTPUTS] = {{out}};
 *     if (fairway_model_run(model, inputs, {upper}_NUM_INPUTS, outputs,
 *                           {upper}_NUM_OUTPUTS, 0) != FAIRWAY_OK)
 *       return puts(fairway_last_error()), 1;
"""

_CALL_AT_SIZES = """\
 *     int64_t sizes[{upper}_NUM_SIZES] = {{{sizes}}}; // {names}
 *     fairway_binding *at;
 *     if (fairway_model_bind(model, sizes, {upper}_NUM_SIZES, &at) != FAIRWAY_OK)
 *       return puts(fairway_last_error()), 1;
 *     const fairway_artefact_t *shapes = fairway_binding_artefact(at);
 *     {input}_t *in =
 *         aligned_alloc(64, (shapes->inputs[{input_upper}_INDEX].bytes + 63) / 64 * 64);
 *     {output}_t *out =
 *         aligned_alloc(64, (shapes->outputs[{output_upper}_INDEX].bytes + 63) / 64 * 64);
 *     ... fill `in`, row-major ...
 *     const void *inputs[{upper}_NUM_INPUTS] = {{in}};
 *     void *outputs[{upper}_NUM_OUTPUTS] = {{out}};
 *     if (fairway_binding_run(at, inputs, {upper}_NUM_INPUTS, outputs,
 *                             {upper}_NUM_OUTPUTS, 0) != FAIRWAY_OK)
 *       return puts(fairway_last_error()), 1;
 *     fairway_binding_destroy(at);
"""

_END = """\
 *     fairway_model_destroy(model);
 *   }}
 *
 *   cc -I"$(fairway doctor --include-dir)" main.c -L"$(fairway doctor --lib-dir)" \\
 *     -lfairway_runtime -Wl,-rpath,"$(fairway doctor --lib-dir)" -o main
 *
 * Inputs and outputs are dense, row-major and used in place when they start at
 * a multiple of 64 bytes. Several threads may run one model at once.
 */"""
