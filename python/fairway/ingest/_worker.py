# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The process that lowers torch-mlir's dialects to the waist's dialects.

It runs apart from the user's process because torch-mlir can crash on unusual models.
It imports neither torch nor onnx. It reads requests from standard input and answers on
standard output (see `_wire`), until there are no more or one fails:

    request   {"pipelines": [[title, text], ...], "arguments": [...], "results": [...]}
              and the module as MLIR bytecode or text; "origin": "onnx-mlir" if it wrote it;
              "dump": a folder for the module before and after each pipeline, or null
    progress  {"event": "progress", "stage": title}
    answer    {"event": "done", "arguments": [...], "results": [...]} and the module text
    failure   {"event": "failed", "kind": "parse" | "lower" | "contract", "stage": title,
               "diagnostics": [{"message", "location", "notes"}, ...]}
"""

from __future__ import annotations

import math
import os
import re
import shlex
import sys
from typing import Any

from fairway.ingest._onnx_mlir_module import adopt
from fairway.ingest._torch_mlir import import_torch_mlir, register_torch_dialect
from fairway.ingest._wire import read_message, write_message

DIALECTS = frozenset(
    {"builtin", "func", "arith", "math", "tensor", "linalg", "scf", "cf", "ml_program"}
)
DTYPES = {
    "i1": "bool",
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
}

_TRUTHS = re.compile(r'dense<"0x(?P<data>[0-9A-Fa-f]+)"> : tensor<(?P<shape>(?:\d+x)+)i1>')


class _Failure(Exception):
    def __init__(self, kind: str, stage: str, diagnostics: list[dict[str, Any]]) -> None:
        super().__init__(kind)
        self.kind = kind
        self.stage = stage
        self.diagnostics = diagnostics


def main() -> None:
    """Serves requests."""
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What native code prints must not end up between the messages.
    ir = import_torch_mlir("ir")

    def tell(fields: dict[str, Any]) -> None:
        write_message(answers, fields)

    while (message := read_message(requests)) is not None:
        try:
            header, text = _serve(ir, *message, tell)
        except _Failure as failure:
            tell(
                {
                    "event": "failed",
                    "kind": failure.kind,
                    "stage": failure.stage,
                    "diagnostics": failure.diagnostics,
                }
            )
            return
        write_message(answers, header, text.encode())


def _serve(ir: Any, request: dict[str, Any], body: bytes, tell: Any) -> tuple[dict[str, Any], str]:
    passmanager = import_torch_mlir("passmanager")
    context = ir.Context()
    register_torch_dialect(context)
    diagnostics: list[dict[str, Any]] = []

    def collect(diagnostic: Any) -> bool:
        diagnostics.append(_describe(diagnostic))
        return True

    handler = context.attach_diagnostic_handler(collect)
    foreign = request.get("origin") == "onnx-mlir"
    context.allow_unregistered_dialects = foreign
    with context:
        try:
            module = ir.Module.parse(body)
        except Exception as error:
            raise _failure("parse", "reading the module", diagnostics, error) from error
        if foreign and (found := adopt(ir, module)):
            raise _Failure("contract", "reading what onnx-mlir wrote", found)
        dump = _Dump(request.get("dump"))
        dump.write(module, "read")
        for title, pipeline in request["pipelines"]:
            tell({"event": "progress", "stage": title})
            dump.write_script(title, pipeline)
            try:
                passmanager.PassManager.parse(pipeline).run(module.operation)
            except Exception as error:
                raise _failure("lower", title, diagnostics, error) from error
            dump.write(module, title)
        _check_dialects(ir, module)
        entry = _entry(ir, module)
        header = _annotate(ir, entry, request.get("arguments"), request.get("results"))
    handler.detach()
    return header, _pack_truths(module.operation.get_asm(enable_debug_info=True))


def _pack_truths(text: str) -> str:
    """Writes long constants of truth values as MLIR 22 reads them: eight in a byte.

    Newer ones, such as torch-mlir's, write a byte for each.
    """

    def pack(found: re.Match[str]) -> str:
        values = bytes.fromhex(found["data"])
        if len(values) != math.prod(int(size) for size in found["shape"].split("x")[:-1]):
            return found[0]
        packed = bytearray(-(-len(values) // 8))
        for place, value in enumerate(values):
            packed[place // 8] |= (value & 1) << place % 8
        return f'dense<"0x{packed.hex().upper()}"> : tensor<{found["shape"]}i1>'

    return _TRUTHS.sub(pack, text)


class _Dump:
    """Writes modules to a folder, numbered, and how to go on; to none if there is no folder."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._count = 0
        self._newest = ""

    def write(self, module: Any, title: str) -> None:
        if self._folder is None:
            return
        os.makedirs(self._folder, exist_ok=True)
        name = f"{self._count:02d}-{title.replace(' ', '-')}.mlir"
        self._count += 1
        self._newest = name
        with open(os.path.join(self._folder, name), "w", encoding="utf-8") as file:
            module.operation.print(file=file, enable_debug_info=True, large_elements_limit=16)

    def write_script(self, title: str, pipeline: str) -> None:
        """Writes the script that runs a pipeline alone on the newest module.

        It is there before the pipeline runs, which may end this process.
        """
        if self._folder is None:
            return
        file = os.path.join(self._folder, "reproduce")
        with open(file, "w", encoding="utf-8") as script:
            script.write(
                "#!/bin/sh\n"
                f"# The importer alone, {title}, on what was there before.\n"
                "# PYTHON names an interpreter that has Fairway.\n"
                'cd "$(dirname "$0")" || exit\n'
                f'exec "${{PYTHON:-python}}" -m fairway.ingest._replay {self._newest} '
                f"{shlex.quote(pipeline)}\n"
            )
        os.chmod(file, 0o755)


def _failure(
    kind: str, stage: str, diagnostics: list[dict[str, Any]], error: Exception
) -> _Failure:
    found = list(diagnostics)
    for diagnostic in getattr(error, "error_diagnostics", ()):
        found.append(_describe(diagnostic))
    if not found:
        found.append({"message": str(error), "location": "", "notes": []})
    return _Failure(kind, stage, found)


def _describe(diagnostic: Any) -> dict[str, Any]:
    return {
        "message": diagnostic.message,
        "location": str(diagnostic.location),
        "notes": [note.message[:2000] for note in diagnostic.notes],
    }


def _check_dialects(ir: Any, module: Any) -> None:
    """Refuses operations that may not cross the waist; names each once."""
    found: dict[str, dict[str, Any]] = {}

    def visit(operation: Any) -> Any:
        name = operation.name
        if name.partition(".")[0] not in DIALECTS and name not in found:
            found[name] = {
                "message": f"operation '{name}' is left over",
                "location": str(operation.location),
                "notes": [],
            }
        return ir.WalkResult.ADVANCE

    module.operation.walk(visit)
    if found:
        raise _Failure("contract", "checking the result", list(found.values()))


def _entry(ir: Any, module: Any) -> Any:
    """Finds `@main`; one function under any other name is renamed."""
    functions = [op for op in module.body.operations if op.operation.name == "func.func"]
    names = [ir.StringAttr(f.attributes["sym_name"]).value for f in functions]
    if "main" in names:
        return functions[names.index("main")]
    if len(functions) != 1:
        raise _contract(f"there is no function @main, only {names}")
    functions[0].attributes["sym_name"] = ir.StringAttr.get("main")
    return functions[0]


def _annotate(
    ir: Any,
    entry: Any,
    arguments: list[dict[str, Any]] | None,
    results: list[dict[str, Any]] | None,
) -> dict[str, Any]:
    """Puts names, kinds and dtypes on `@main` and reports the signature that results.

    Without `arguments` or `results`, attributes that are there count and others get
    defaults: every argument is an input.
    """
    entry.attributes["sym_visibility"] = ir.StringAttr.get("public")
    function = ir.FunctionType(ir.TypeAttr(entry.attributes["function_type"]).value)
    answer: dict[str, Any] = {"event": "done"}
    for label, key, given, types in (
        ("arguments", "arg_attrs", arguments, list(function.inputs)),
        ("results", "res_attrs", results, list(function.results)),
    ):
        for index, kind in enumerate(types):
            if not isinstance(kind, ir.RankedTensorType):
                raise _contract(f"{label[:-1]} {index} of @main is no ranked tensor but {kind}")
        present = [ir.DictAttr(a) for a in entry.attributes[key]] if key in entry.attributes else []
        if given is None:
            given = [
                _default_spec(ir, label, index, kind, present[index] if present else None)
                for index, kind in enumerate(types)
            ]
        elif len(given) != len(types):
            raise _contract(f"@main has {len(types)} {label}, the framework has {len(given)}")
        specs = [_refine(spec, kind) for spec, kind in zip(given, types)]
        entry.attributes[key] = ir.ArrayAttr.get([_attributes(ir, spec) for spec in specs])
        answer[label] = specs
    return answer


def _contract(message: str) -> _Failure:
    diagnostic: dict[str, Any] = {"message": message, "location": "", "notes": []}
    return _Failure("contract", "checking the result", [diagnostic])


def _default_spec(ir: Any, label: str, index: int, kind: Any, attributes: Any) -> dict[str, Any]:
    """Reads a tensor's attributes; makes up what is not there."""

    def text(key: str, default: str) -> str:
        key = f"fairway.{key}"
        return ir.StringAttr(attributes[key]).value if attributes and key in attributes else default

    element = str(kind.element_type)
    if element not in DTYPES:
        raise _contract(f"{label[:-1]} {index} of @main has the element type {element}")
    role = text("kind", "input") if label == "arguments" else "output"
    name = text("name", f"{'arg' if label == 'arguments' else 'output'}{index}")
    return {
        "name": name,
        "dtype": text("dtype", DTYPES[element]),
        "shape": ["?"] * kind.rank,
        "kind": role,
    }


def _refine(spec: dict[str, Any], kind: Any) -> dict[str, Any]:
    """Takes the sizes from the type; those that it leaves open are `?`."""
    sizes = ["?" if kind.is_dynamic_dim(axis) else size for axis, size in enumerate(kind.shape)]
    return {**spec, "shape": sizes}


def _attributes(ir: Any, spec: dict[str, Any]) -> Any:
    fields = {f"fairway.{key}": ir.StringAttr.get(str(spec[key])) for key in ("name", "dtype")}
    if spec["kind"] != "output":
        fields["fairway.kind"] = ir.StringAttr.get(spec["kind"])
    return ir.DictAttr.get(fields)


if __name__ == "__main__":
    main()
