//===- SliceBuffers.h - slices of an entry's tensors without copies -------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_SLICEBUFFERS_H
#define FAIRWAY_LIB_KERNEL_SLICEBUFFERS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace fairway {

/// Turns slices that an entry hands to its kernels into parts of a buffer.
///
/// A kernel takes dense buffers without an offset, so that bufferization would
/// copy each slice. Here a dense slice of an argument, or of a tensor that is
/// put together from slices, is the address of its first element:
///
///   %part = memref.subview %all[4, 0] [1, 64] [1, 1]
///   %dense = builtin.unrealized_conversion_cast %part
///            : memref<64xf32, strided<[1], offset: 256>> to memref<64xf32>
///   %slice = bufferization.to_tensor %dense restrict writable
///
/// The planner takes these two ops apart again.
void passSlicesByAddress(mlir::func::FuncOp entry);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_SLICEBUFFERS_H
