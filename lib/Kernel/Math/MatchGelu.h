//===- MatchGelu.h - GELU as models spell it ------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_MATH_MATCHGELU_H
#define FAIRWAY_LIB_KERNEL_MATH_MATCHGELU_H

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <optional>

namespace fairway {

/// `x (1 + t) / 2`, t = erf (x / sqrt 2) or its approximation by tanh.
struct Gelu {
  mlir::Value x;
  bool byTanh;
};

/// The GELU that `root` computes with its last multiplication, in whatever
/// order the factors and terms come.
std::optional<Gelu> matchGelu(mlir::arith::MulFOp root);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_MATH_MATCHGELU_H
