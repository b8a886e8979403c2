//===- OpenSizes.h - numbers that calls decide --------------------*- C++
//-*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_OPENSIZES_H
#define FAIRWAY_SUPPORT_OPENSIZES_H

#include "fairway/Support/Polynomial.h"
#include "fairway/Support/Sizes.h"

#include "mlir/IR/Builders.h"

namespace fairway {

/// On a module: the expressions, `[[coefficient, powers...], ...]` each.
inline constexpr llvm::StringLiteral kExpressionsAttr = "fairway.expressions";
/// On a module: the expressions of which the largest is the scratch memory.
inline constexpr llvm::StringLiteral kScratchAttr = "fairway.scratch";
/// On a kernel's first argument: the values of all expressions, as `i64`.
inline constexpr llvm::StringLiteral kSizesArgument = "fairway.sizes";

/// What the samples say of the numbers in them.
class OpenSizes {
public:
  /// Reads the samples' `fairway.sizes`, which must differ in nothing but the
  /// samples' numbers.
  static mlir::FailureOr<OpenSizes> of(llvm::ArrayRef<mlir::ModuleOp> samples);

  /// The polynomial with these values at the samples; nothing if there is none,
  /// or if it is negative for sizes within their ranges.
  std::optional<Polynomial> find(llvm::ArrayRef<int64_t> values);

  llvm::ArrayRef<Size> sizes() const { return first; }

private:
  OpenSizes(llvm::SmallVector<Size, 2> first, PolynomialFinder finder)
      : first(std::move(first)), finder(std::move(finder)) {}

  bool canBeNegative(const Polynomial &polynomial) const;

  llvm::SmallVector<Size, 2> first; ///< as the first sample has them
  PolynomialFinder finder;
};

/// `fairway.expressions`, written and read.
mlir::ArrayAttr toAttr(llvm::ArrayRef<Polynomial> expressions,
                       mlir::Builder &builder);
mlir::FailureOr<std::vector<Polynomial>> readExpressions(mlir::ModuleOp module);

} // namespace fairway

#endif // FAIRWAY_SUPPORT_OPENSIZES_H
