//===- SampleDims.h - where the samples of a batch lie --------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_GRAPH_SAMPLEDIMS_H
#define FAIRWAY_LIB_GRAPH_SAMPLEDIMS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <optional>

namespace fairway {

/// A dimension of `samples * inner` elements in which sample s has those from
/// s * inner on.
struct SampleDim {
  int64_t dim = 0, inner = 1;
  bool operator==(const SampleDim &other) const {
    return dim == other.dim && inner == other.inner;
  }
  bool operator!=(const SampleDim &other) const { return !(*this == other); }
};

/// An expand_shape or a collapse_shape: dimensions of one side in groups, which
/// are one dimension each of the other side.
struct Reshape {
  mlir::Value source, result;
  llvm::SmallVector<mlir::ReassociationIndices> groups;
  bool collapses;

  mlir::RankedTensorType getExpandedType() const {
    return llvm::cast<mlir::RankedTensorType>(
        (collapses ? source : result).getType());
  }
};

std::optional<Reshape> getReshape(mlir::Operation *op);

/// How a batch is cut: slices of `size` samples each.
struct BatchSlices {
  int64_t samples = 1, size = 1;

  int64_t count() const { return samples / size; }
  /// A slice's type. A dimension that is left with one element is dropped.
  mlir::RankedTensorType getType(mlir::RankedTensorType whole,
                                 SampleDim sample) const;
  bool isDropped(SampleDim sample) const { return size * sample.inner == 1; }
};

/// Follows the samples of a batch through ops, in program order. Only ops that
/// compute each sample from the same sample of their operands can be followed.
class SampleDims {
public:
  explicit SampleDims(BatchSlices slices) : slices(slices) {}

  /// Declares that `value` holds the samples like this.
  llvm::LogicalResult set(mlir::Value value, SampleDim sample);
  std::optional<SampleDim> get(mlir::Value value) const;
  unsigned size() const { return known.size(); }
  /// Finds out about the op's results; failure if the samples meet in it.
  llvm::LogicalResult visit(mlir::Operation *op);

private:
  llvm::LogicalResult visitGeneric(mlir::linalg::GenericOp op);
  llvm::LogicalResult visitSlice(mlir::Value source, mlir::Value target,
                                 mlir::OffsetSizeAndStrideOpInterface op,
                                 mlir::RankedTensorType whole,
                                 const llvm::SmallBitVector &droppedDims);
  /// The samples in a reshape's result, or in its source, from the other.
  std::optional<SampleDim> cross(const Reshape &reshape, SampleDim sample,
                                 bool forward) const;
  /// Declares that `value` holds the samples like this if it does or could:
  /// what is the same for every sample can be made for fewer.
  llvm::LogicalResult require(mlir::Value value, SampleDim sample);
  llvm::LogicalResult spread(mlir::linalg::GenericOp op, unsigned loop,
                             int64_t inner);

  BatchSlices slices;
  llvm::DenseMap<mlir::Value, SampleDim> known;
};

/// The loop of `op` that runs over the samples of its operand `number`.
std::optional<unsigned> getSampleLoop(mlir::linalg::GenericOp op,
                                      unsigned number, SampleDim sample);

/// Copies a kernel for one slice. `dims` knows about its body and arguments.
mlir::func::FuncOp sliceKernel(mlir::func::FuncOp kernel,
                               const SampleDims &dims, BatchSlices slices);

/// Copies one op of a kernel or a view of an entry for one slice; `mapping` has
/// its operands' slices and gets its results'.
void sliceOp(mlir::OpBuilder &builder, mlir::Operation *op,
             const SampleDims &dims, BatchSlices slices,
             mlir::IRMapping &mapping);

} // namespace fairway

#endif // FAIRWAY_LIB_GRAPH_SAMPLEDIMS_H
