//===- Access.h - how an operand walks along a loop -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_ACCESS_H
#define FAIRWAY_LIB_KERNEL_ACCESS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace fairway {

/// What happens to an operand's address when one loop advances by one.
enum class Walk {
  Invariant,  ///< nothing: load once, broadcast
  Contiguous, ///< next element in memory: vector load
  Strided,    ///< anything else: lane by lane
};

/// Classifies the access of a memref of type `type` through `map` along loop
/// `dim`.
Walk classifyWalk(mlir::AffineMap map, mlir::MemRefType type, unsigned dim);

/// The same for an operand of `op` along one of its loops; scalars do not move.
Walk walkOf(mlir::linalg::GenericOp op, mlir::OpOperand &operand, unsigned dim);

/// Whether the body of `op` uses the value of operand `index` (an operand may
/// be there for its shape only, such as a pooling window).
bool readsOperand(mlir::linalg::GenericOp op, unsigned index);

/// A reduction whose body ends in `yield combine(f(inputs), accumulator)`.
struct Combiner {
  mlir::Operation *op = nullptr;
  /// The value that leaves the accumulator unchanged.
  mlir::TypedAttr neutral;
  mlir::vector::CombiningKind kind;
};

/// Matches the combiner of result `index`; nothing if the body has another
/// form or the operation has no neutral element.
std::optional<Combiner> matchCombiner(mlir::linalg::GenericOp op,
                                      unsigned index);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_ACCESS_H
