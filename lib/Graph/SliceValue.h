//===- SliceValue.h - a part of a value, computed as that -----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_GRAPH_SLICEVALUE_H
#define FAIRWAY_LIB_GRAPH_SLICEVALUE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace fairway {

/// Some elements of one dimension.
struct Cut {
  unsigned dim;
  int64_t first, count, step;
};

/// The type of a value of type `type` after `cuts`.
mlir::RankedTensorType getSliceType(mlir::RankedTensorType type,
                                    llvm::ArrayRef<Cut> cuts);

/// The part of `value` that `cuts` leave: fills, broadcasts and views are made
/// anew at that size, anything else is read by tensor.extract_slice.
mlir::Value sliceValue(mlir::OpBuilder &builder, mlir::Value value,
                       llvm::ArrayRef<Cut> cuts);

/// A copy of the element-wise `op` for the part of its result that `cuts`
/// leave. `known` stands for `operand`, of which it is that part already.
mlir::Value sliceElementwise(mlir::OpBuilder &builder,
                             mlir::linalg::GenericOp op,
                             llvm::ArrayRef<Cut> cuts,
                             mlir::OpOperand *operand = nullptr,
                             mlir::Value known = {});

/// The elements of `value` that `cuts` leave, as a tensor of `type`, which may
/// lack dimensions of one element.
mlir::Value extractCuts(mlir::OpBuilder &builder, mlir::RankedTensorType type,
                        mlir::Value value, llvm::ArrayRef<Cut> cuts);

/// `dest` with `part` at the elements that `cuts` leave.
mlir::Value insertCuts(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value part, mlir::Value dest,
                       llvm::ArrayRef<Cut> cuts);

} // namespace fairway

#endif // FAIRWAY_LIB_GRAPH_SLICEVALUE_H
