//===- Registration.h - everything Fairway needs in a context
//--------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_REGISTRATION_H
#define FAIRWAY_SUPPORT_REGISTRATION_H

#include "mlir/IR/DialectRegistry.h"

namespace fairway {

/// Registers every dialect, interface model and translation that the flow
/// uses, from the waist down to LLVM IR.
void registerDialects(mlir::DialectRegistry &registry);

/// Registers Fairway's passes and pipelines and the upstream passes that are
/// useful beside them. Safe to call more than once and from several threads.
void registerPasses();

} // namespace fairway

#endif // FAIRWAY_SUPPORT_REGISTRATION_H
