//===- TableSum.h - sums with fixed factors -------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_TABLESUM_H
#define FAIRWAY_SUPPORT_TABLESUM_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace fairway {

/// `out += table * data` in floating point, where the table is a constant: its
/// few factors are known, so that code needs no table, only additions (the
/// transforms of a Winograd convolution). An infinite value times a factor of
/// zero counts as nothing.
struct TableSum {
  unsigned table, data; ///< numbers of the operands
  mlir::DenseElementsAttr factors;

  /// The part of the factors that is not zero.
  double density() const;
};

/// On tensors the table is an `arith.constant`, on memory a global.
std::optional<TableSum> matchTableSum(mlir::Operation *op);

} // namespace fairway

#endif // FAIRWAY_SUPPORT_TABLESUM_H
