//===- TableSlices.h - tiles read whole tables ----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_TABLESLICES_H
#define FAIRWAY_LIB_KERNEL_TABLESLICES_H

#include "mlir/IR/PatternMatch.h"

namespace fairway {

/// Tiling slices a table that repeats (`d0 mod 2`) at a tile's first element
/// modulo its period. Tiles cut no period, so the table is read as before.
void populateTableSlices(mlir::RewritePatternSet &patterns);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_TABLESLICES_H
