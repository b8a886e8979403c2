//===- Variants.h - what tuning may try with each kernel ------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All of this looks at kernels as the Graph stage leaves them.
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_KERNEL_VARIANTS_H
#define FAIRWAY_KERNEL_VARIANTS_H

#include "fairway/Support/MachineDescription.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

#include <string>
#include <vector>

namespace fairway {

/// Tells a kernel from all others, in any model: a sum over its text without
/// its name, places in the user's model and configuration. Hexadecimal.
std::string getKernelId(mlir::func::FuncOp kernel);

/// Gives kernels of `module` the configurations that `lines` hold, one a line:
/// a kernel's id, a space, and what `printConfig` gives. Lines for kernels of
/// other models are fine; one that cannot be read is reported, one that does
/// not fit its kernel by the passes that follow.
mlir::LogicalResult applyConfigs(mlir::ModuleOp module, llvm::StringRef lines);

/// Tilings of a kernel's root (`KernelConfigAttr`'s `tile`) that differ well
/// from one another: the cost model's choice, then what it thinks best of the
/// rest, at most `count` in all. None for a kernel whose tiles are not one
/// list. May change `kernel`.
std::vector<llvm::SmallVector<int64_t>>
rankTiles(mlir::func::FuncOp kernel, const MachineDescription &machine,
          unsigned threads, unsigned count);

} // namespace fairway

#endif // FAIRWAY_KERNEL_VARIANTS_H
