//===- Winograd.h - convolutions with fewer multiplications ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_GRAPH_WINOGRAD_H
#define FAIRWAY_LIB_GRAPH_WINOGRAD_H

#include "fairway/Support/MachineDescription.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace fairway {

class ParameterOnly;

/// F(2x2, 3x3): blocks of results, and of the image that they read.
inline constexpr int64_t kBlock = 2, kWindow = 3, kReach = 4;
/// Places of a transformed block.
inline constexpr int64_t kPlaces = kReach * kReach;

/// A convolution of a channels-last image with a window of 3x3, stride 1:
/// out[..., h, w, o] += image[..., h + kh, w + kw, c] * weight{o, c, kh, kw}.
struct WindowedSum {
  mlir::linalg::GenericOp op;
  mlir::OpOperand *image = nullptr, *weight = nullptr;
  unsigned batches = 0; ///< leading dimensions of image and result
  int64_t height = 0, width = 0, channels = 0, results = 0;
  /// Dimensions of the weight.
  unsigned outDim = 0, channelDim = 0, rowDim = 0, columnDim = 0;

  bool match(mlir::linalg::GenericOp candidate, ParameterOnly &parameterOnly);
};

/// Seconds that `threads` workers take for one sample, directly and transformed
/// (a batch passes through the cache in slices of a few samples).
struct WinogradCost {
  double direct, transformed;
  WinogradCost(const WindowedSum &sum, const MachineDescription &machine,
               unsigned threads);

  bool isWorthIt() const;
};

} // namespace fairway

#endif // FAIRWAY_LIB_GRAPH_WINOGRAD_H
