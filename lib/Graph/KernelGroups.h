//===- KernelGroups.h - which ops form a kernel, and outlining it
//-------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_GRAPH_KERNELGROUPS_H
#define FAIRWAY_LIB_GRAPH_KERNELGROUPS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

namespace fairway {

/// Ops that one kernel executes, in program order. Only the last one's results
/// are used outside.
struct KernelGroup {
  llvm::SmallVector<mlir::Operation *> ops;
  mlir::Operation *root() const { return ops.back(); }
};

/// True if `op` does work of its own: it belongs to a kernel. Everything else
/// is a view, a constant, or a scalar that the kernels using it repeat.
bool isCompute(mlir::Operation *op);

/// Cuts `func` into kernels, in an order in which they can run. A producer
/// joins its consumer's kernel if all its uses are there and both can work on
/// the same tile: they share leading parallel dimensions ("rows"), and a
/// contraction's whole result is consumed element by element.
llvm::SmallVector<KernelGroup> groupIntoKernels(mlir::func::FuncOp func);

/// Moves groups into private functions `ins..., outs... -> results`. Equal
/// kernels share one function.
class KernelOutliner {
public:
  explicit KernelOutliner(mlir::ModuleOp module);

  /// Replaces the group's ops in `caller` by a call.
  void outline(mlir::func::FuncOp caller, const KernelGroup &group);
  unsigned numDistinct() const { return kernels.size(); }

private:
  mlir::func::FuncOp findOrInsert(mlir::func::FuncOp kernel,
                                  llvm::StringRef kind);

  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  llvm::StringMap<mlir::func::FuncOp> kernels; ///< by their printed body
  llvm::StringMap<unsigned> numbers;           ///< kernels of each kind
};

} // namespace fairway

#endif // FAIRWAY_LIB_GRAPH_KERNELGROUPS_H
