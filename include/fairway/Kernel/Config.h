//===- Config.h - how a kernel is generated, as an attribute --------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_KERNEL_CONFIG_H
#define FAIRWAY_KERNEL_CONFIG_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"

#include <optional>
#include <string>

#include "fairway/Kernel/ConfigDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "fairway/Kernel/ConfigAttributes.h.inc"

namespace fairway {

/// The attribute of a kernel that holds its `KernelConfigAttr`.
inline constexpr llvm::StringLiteral kConfigAttr = "fairway.config";

/// The kernel's configuration; one without fields if it has none.
KernelConfigAttr getConfig(mlir::func::FuncOp kernel);

/// What stands between `<` and `>` in the attribute's text.
std::string printConfig(KernelConfigAttr config);

/// Reads what `printConfig` gives; reports what is wrong with it at `loc`.
mlir::FailureOr<KernelConfigAttr> parseConfig(llvm::StringRef text,
                                              mlir::Location loc);

} // namespace fairway

#endif // FAIRWAY_KERNEL_CONFIG_H
