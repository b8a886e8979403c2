//===- TileRoots.h - the ops of a kernel that are tiled
//---------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_TILEROOTS_H
#define FAIRWAY_LIB_KERNEL_TILEROOTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace fairway {

/// An insertion copies: makes that a generic on the slice, which can be tiled.
void exposeCopies(mlir::func::FuncOp func, mlir::RewriterBase &rewriter);

/// Whether `op` fills a part of a destination that others write beside it.
bool isBorder(mlir::linalg::LinalgOp op);

/// Tile sizes for a border: some pieces of its longest dimension. However small
/// it is, it must be a loop of its own, or every worker would fill all of it.
llvm::SmallVector<int64_t> splitBorder(mlir::linalg::LinalgOp fill);

/// The ops that are tiled: the last linalg op, and others that write their own
/// part of a result (pieces of a concatenation).
llvm::SmallVector<mlir::linalg::LinalgOp> findRoots(mlir::func::FuncOp func);

/// The only one of them that is no border; null if there are several or none.
mlir::linalg::LinalgOp findSingleRoot(mlir::func::FuncOp func);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_TILEROOTS_H
