//===- GraphUtils.h - questions that several graph passes ask
//-----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_GRAPH_GRAPHUTILS_H
#define FAIRWAY_LIB_GRAPH_GRAPHUTILS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace fairway {

/// True if every loop of `op` is parallel, it has one result and that result
/// is written in loop order (identity map): the op maps elements to elements.
bool isElementwise(mlir::linalg::GenericOp op);

/// True if the op only moves elements: its body is nothing but the yield.
bool isCopy(mlir::linalg::GenericOp op);

/// True if the body of `op` is `acc + a * b` (floating point or integer,
/// possibly after widening `a` and `b`) with `acc` the output's element: a
/// matrix product or a convolution of any shape.
bool isMultiplyAccumulate(mlir::linalg::GenericOp op);

/// True if some operand of `op` is read through a sum of loop indices (a
/// sliding window: convolution or pooling).
bool hasWindow(mlir::linalg::GenericOp op);

/// True if the op only gives its operand's elements another shape: a view.
bool isReshape(mlir::Operation *op);

/// Tells which values depend on nothing but parameters, buffers and constants,
/// so that they can be computed once, when the model is loaded. Answers are
/// remembered: use one object for one unchanged function.
class ParameterOnly {
public:
  bool contains(mlir::Value value);

private:
  llvm::DenseMap<mlir::Value, bool> known;
};

/// What `op` reads: its operands and what its regions use from outside.
llvm::SmallVector<mlir::Value> getAllOperands(mlir::Operation *op);

/// A panel of one to three vectors of `lanes` that divides `size`, the one that
/// serves registers best first; 0 if none does.
int64_t choosePanel(int64_t size, int64_t lanes);

/// The number of points in the op's statically shaped iteration space.
int64_t getNumIterations(mlir::linalg::LinalgOp op);

/// Size in bytes of a statically shaped tensor.
int64_t getSizeInBytes(mlir::RankedTensorType type);

/// The function's argument kind: "input", "parameter", "buffer", "state" or
/// "prepared"; an argument without the attribute is an input.
llvm::StringRef getArgKind(mlir::func::FuncOp func, unsigned index);

/// Creates `transpose(value, permutation)` as a linalg.generic: dimension i of
/// the result is dimension `permutation[i]` of `value`.
mlir::Value createTranspose(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value value,
                            llvm::ArrayRef<int64_t> permutation);

/// Names of the attributes that the stages hand to each other.
inline constexpr llvm::StringLiteral kNameAttr = "fairway.name";
inline constexpr llvm::StringLiteral kKindAttr = "fairway.kind";
/// On an operation that is not the same for all sizes that stay open.
inline constexpr llvm::StringLiteral kVaryingAttr = "fairway.varying";
inline constexpr llvm::StringLiteral kDtypeAttr = "fairway.dtype";
inline constexpr llvm::StringLiteral kKernelAttr = "fairway.kernel";
inline constexpr llvm::StringLiteral kNumOutsAttr = "fairway.num_outs";

} // namespace fairway

#endif // FAIRWAY_LIB_GRAPH_GRAPHUTILS_H
