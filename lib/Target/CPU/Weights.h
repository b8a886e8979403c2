//===- Weights.h - room for weights at the end of a library ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_TARGET_CPU_WEIGHTS_H
#define FAIRWAY_LIB_TARGET_CPU_WEIGHTS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>

namespace fairway {

/// Makes an object to link with code that is to have weights. It defines
/// `fairway_weights`, alone in a section that `reserveWeights` moves.
llvm::Expected<llvm::SmallVector<char, 0>>
makeWeightsPlaceholder(uint16_t elfMachine);

/// Gives the linked library `path` a segment of `bytes` bytes for weights,
/// read-only, behind everything else in the file and in memory, and lets what
/// points to the placeholder point there. Returns the place in the file at
/// which the segment begins; the file ends at it.
llvm::Expected<uint64_t> reserveWeights(llvm::StringRef path, uint64_t bytes);

} // namespace fairway

#endif // FAIRWAY_LIB_TARGET_CPU_WEIGHTS_H
