//===- Scratch.h - a worker's own memory --------------------------*- C++
//-*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_SCRATCH_H
#define FAIRWAY_LIB_KERNEL_SCRATCH_H

#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <optional>

namespace fairway {

/// Where allocations start: at multiples of this many bytes.
inline constexpr int64_t kScratchAlignment = 64;

/// Most bytes that an allocation can take; nothing if there is no limit.
std::optional<int64_t> boundBytes(mlir::memref::AllocOp alloc);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_SCRATCH_H
