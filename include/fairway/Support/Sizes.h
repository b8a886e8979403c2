//===- Sizes.h - sizes that stay open until a call ---------------*- C++
//-*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model of open sizes ("batch", "sequence") is compiled as several samples:
// the same model at fixed sizes, in step through the stages. A number that is
// not the same in all of them is a polynomial of the sizes. Each sample's
// module says in `fairway.sizes` which sizes it has.
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_SIZES_H
#define FAIRWAY_SUPPORT_SIZES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace fairway {

/// The attribute of a module whose sizes stay open: a dictionary for each.
inline constexpr llvm::StringLiteral kSizesAttr = "fairway.sizes";

/// The attribute of such a module that a call runs in slices: `[size,
/// samples]`.
inline constexpr llvm::StringLiteral kSliceAttr = "fairway.slice";

/// A size that a call decides.
struct Size {
  std::string name;
  /// The range, both included.
  int64_t minimum = 0, maximum = 0;
  /// What the cost models take for it.
  int64_t hint = 1;
  /// What it is in this module.
  int64_t sample = 0;
};

/// The sizes of the innermost module around `op` that has some; empty if none
/// has. Malformed ones are an error there.
mlir::FailureOr<llvm::SmallVector<Size, 2>> readSizes(mlir::Operation *op);

/// The modules that are samples of one model, in `wrapper`.
llvm::SmallVector<mlir::ModuleOp> getSamples(mlir::ModuleOp wrapper);

/// Extents of a sample as the cost models see them. They recognise an open size
/// by the sample's number, which is rare enough elsewhere: taking another one
/// for it costs time, never the right result.
class Hints {
public:
  explicit Hints(mlir::Operation *op);

  /// Whether `extent` depends on an open size.
  bool isOpen(int64_t extent) const { return of(extent) != extent; }

  /// `extent` with each open size replaced by its hint.
  int64_t of(int64_t extent) const;

  /// The tile nearest to `tile` that a loop over an open extent may have: it is
  /// smaller than every sample and divides none, or that one's code would know
  /// of no smaller tile at the end. Samples are primes and twice a prime, and
  /// either all of them are large or none is.
  int64_t openTile(int64_t tile) const;

  /// The op's loops.
  llvm::SmallVector<int64_t> of(mlir::linalg::LinalgOp op) const;

private:
  llvm::SmallVector<Size, 2> sizes;
};

} // namespace fairway

#endif // FAIRWAY_SUPPORT_SIZES_H
