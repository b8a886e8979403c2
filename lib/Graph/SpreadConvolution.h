//===- SpreadConvolution.h - a convolution between inserted zeros ---------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_GRAPH_SPREADCONVOLUTION_H
#define FAIRWAY_LIB_GRAPH_SPREADCONVOLUTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <optional>

namespace fairway {

/// Which elements of a dimension of the result read the same of the window, and
/// what they read.
struct Part {
  int64_t first, count; ///< of the result, each as far apart as the source's
  int64_t tap, taps, tapStep; ///< of the window
  int64_t start;    ///< where in the source the first one's first tap is
  int64_t dilation; ///< between taps, in the source
};

/// A dimension of the image between whose elements zeros were inserted.
struct Spread {
  unsigned imageDim, sourceDim, outLoop, outDim, weightDim;
  int64_t stride, offset, size; ///< of the source's elements in the image
  llvm::SmallVector<Part> parts;
  int64_t low = 0, high = 0; ///< zeros that the parts read around the source
};

/// A convolution of an image with zeros between its elements:
/// image = [expand](insert source into zeros).
struct SpreadConvolution {
  mlir::linalg::GenericOp op;
  mlir::OpOperand *image = nullptr, *weight = nullptr;
  mlir::tensor::ExpandShapeOp expand;
  mlir::tensor::InsertSliceOp insert;
  llvm::SmallVector<Spread> spreads;
  /// What takes the result, one after the other, without another user.
  llvm::SmallVector<mlir::Operation *> consumers;

  bool match(mlir::linalg::GenericOp candidate);
  void rewrite(mlir::RewriterBase &rewriter);

private:
  bool matchImage(mlir::OpOperand &operand);
  bool matchSpread(unsigned imageDim, unsigned sourceDim);
  void findParts(Spread &spread, int64_t outSize, int64_t window,
                 int64_t dilation);
  void findConsumers();
  mlir::Value createSource(mlir::RewriterBase &rewriter);
  mlir::Value createPart(mlir::RewriterBase &rewriter, mlir::Value source,
                         llvm::ArrayRef<const Part *> parts);
  mlir::Value applyConsumers(mlir::RewriterBase &rewriter, mlir::Value value,
                             llvm::ArrayRef<const Part *> parts);
};

/// The dimensions of the result of `use`'s op that `dims` of the operand
/// become, if the op only gives elements another shape or another value.
std::optional<llvm::SmallVector<unsigned>>
followUse(mlir::OpOperand &use, llvm::ArrayRef<unsigned> dims);

/// The dimensions of the convolution's result that spreads belong to.
llvm::SmallVector<unsigned> getOutDims(llvm::ArrayRef<Spread> spreads);

} // namespace fairway

#endif // FAIRWAY_LIB_GRAPH_SPREADCONVOLUTION_H
