# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stands in for onnx-mlir's two programs, which no package index has.

It takes their arguments and writes files of their names and forms, for static float32 models of
MatMul, Add and Relu. Other operations stay in ONNX's dialect, as with the real ones. Copied
under each program's name; the name decides what it does. A node named `crash`, `hang` or
`refuse` makes it do that.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

NODE = re.compile(
    r'%(?P<out>\w+) = "onnx\.(?P<op>\w+)"\((?P<ins>[^)]*)\) '
    r'\{onnx_node_name = "(?P<name>[^"]*)"\} : \((?P<from>.*)\) -> (?P<to>.*)'
)
MODULE = """"builtin.module"() ({{
  "func.func"() <{{function_type = ({kinds}) -> ({results}), sym_name = "main_graph"}}> ({{
  ^bb0({arguments}):
{body}
    "{returns}"({values}) : ({results}) -> ()
  }}) : () -> ()
  "onnx.EntryPoint"() {{func = @main_graph}} : () -> ()
}}) {{"onnx-mlir.symbol-postfix" = "model"}} : () -> ()
"""


def emit_onnx_ir(arguments: list[str]) -> None:
    """`onnx-mlir --EmitONNXIR MODEL -o BASE` writes BASE.onnx.mlir."""
    import onnx

    flag, model, o, base = arguments
    assert (flag, o) == ("--EmitONNXIR", "-o"), arguments
    proto = onnx.shape_inference.infer_shapes(onnx.load(model))
    graph = proto.graph
    assert not graph.initializer, "weights must have been moved out"
    values = (*graph.input, *graph.value_info, *graph.output)
    kinds = {value.name: _kind(value) for value in values}
    names = {name: f"v{index}" for index, name in enumerate(kinds)}

    def listed(which: Any) -> str:
        return ", ".join(kinds[name] for name in which)

    lines = []
    for node in graph.node:
        _misbehave(node.name)
        inputs = ", ".join(f"%{names[name]}" for name in node.input)
        lines.append(
            f'    %{names[node.output[0]]} = "onnx.{node.op_type}"({inputs}) '
            f'{{onnx_node_name = "{node.name}"}} : ({listed(node.input)}) -> '
            f"{listed(node.output)}"
        )
    inputs, outputs = ([value.name for value in part] for part in (graph.input, graph.output))
    text = MODULE.format(
        kinds=listed(inputs),
        results=listed(outputs),
        arguments=", ".join(f"%{names[name]}: {kinds[name]}" for name in inputs),
        body="\n".join(lines),
        returns="onnx.Return",
        values=", ".join(f"%{names[name]}" for name in outputs),
    )
    Path(base + ".onnx.mlir").write_text(text, "utf-8")


def convert_to_tosa(arguments: list[str]) -> None:
    """`onnx-mlir-opt PASSES FILE -o FILE`."""
    *passes, given, o, written = arguments
    assert passes == ["--standard-func-return", "--convert-onnx-to-tosa", "--mlir-print-op-generic"]
    assert o == "-o"
    lines = []
    for line in Path(given).read_text("utf-8").splitlines():
        match = NODE.fullmatch(line.strip())
        lines += _tosa(match) if match else [line.replace("onnx.Return", "func.return")]
    Path(written).write_text("\n".join(lines), "utf-8")


def _tosa(match: re.Match[str]) -> list[str]:
    out, to = match["out"], match["to"]
    names = match["ins"].split(", ")
    kinds = match["from"].split(", ")
    lines: list[str] = []

    def reshaped(name: str, kind: str, sizes: list[int], result: str) -> str:
        shape, number = "x".join(map(str, sizes)), len(lines)
        new = f"%{result}" if result else f"%{out}_{number}"
        made = f"tensor<{shape}xf32>"
        lines.append(
            f'%{out}_s{number} = "tosa.const_shape"() <{{values = dense<{sizes}> : '
            f"tensor<{len(sizes)}xindex>}}> : () -> !tosa.shape<{len(sizes)}>"
        )
        lines.append(
            f'{new} = "tosa.reshape"({name}, %{out}_s{number}) : '
            f"({kind}, !tosa.shape<{len(sizes)}>) -> {made}"
        )
        return new

    sizes = [_sizes(kind) for kind in kinds]
    if match["op"] == "MatMul" and len(sizes[0]) == len(sizes[1]) == 2:
        left, right = (reshaped(n, k, [1, *s], "") for n, k, s in zip(names, kinds, sizes))
        three = [f"tensor<1x{s[0]}x{s[1]}xf32>" for s in sizes]
        result = f"tensor<1x{sizes[0][0]}x{sizes[1][1]}xf32>"
        zero = '"tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>'
        lines.append(f"%{out}_z = {zero}")
        lines.append(
            f'%{out}_m = "tosa.matmul"({left}, {right}, %{out}_z, %{out}_z) : '
            f"({three[0]}, {three[1]}, tensor<1xf32>, tensor<1xf32>) -> {result}"
        )
        reshaped(f"%{out}_m", result, [sizes[0][0], sizes[1][1]], out)
    elif match["op"] == "Add":
        rank = max(len(s) for s in sizes)
        for index, (name, kind, size) in enumerate(zip(names, kinds, sizes)):
            if len(size) < rank:
                full = [1] * (rank - len(size)) + size
                names[index] = reshaped(name, kind, full, "")
                kinds[index] = f"tensor<{'x'.join(map(str, full))}xf32>"
        lines.append(f'%{out} = "tosa.add"({", ".join(names)}) : ({", ".join(kinds)}) -> {to}')
    elif match["op"] == "Relu":
        bounds = "max_val = 3.40282347E+38 : f32, min_val = 0.0 : f32"
        lines.append(f'%{out} = "tosa.clamp"({names[0]}) <{{{bounds}}}> : ({kinds[0]}) -> {to}')
    else:
        lines.append(match[0])
    return lines


def _sizes(kind: str) -> list[int]:
    return [int(size) for size in re.findall(r"(\d+)x", kind)]


def _kind(value: Any) -> str:
    sizes = [str(dim.dim_value or "?") for dim in value.type.tensor_type.shape.dim]
    return f"tensor<{'x'.join([*sizes, 'f32'])}>"


def _misbehave(node: str) -> None:
    if node.startswith("crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if node.startswith("hang"):
        time.sleep(60)
    if node.startswith("refuse"):
        text = "failed to legalize operation 'onnx.Relu' that was explicitly marked illegal"
        sys.exit(f'loc("{node}"): error: {text}')


if __name__ == "__main__":
    program = emit_onnx_ir if Path(sys.argv[0]).name == "onnx-mlir" else convert_to_tosa
    program(sys.argv[1:])
