//===- Lockstep.h - the samples of a model side by side ----------*- C++
//-*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_LOCKSTEP_H
#define FAIRWAY_SUPPORT_LOCKSTEP_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace fairway {

/// The same operation in each sample.
using Counterparts = llvm::ArrayRef<mlir::Operation *>;

/// Visits `roots` and all that is in them, in step, operands before their
/// users. Types and attributes are the visitor's business; a difference in
/// anything else (another operation, operand or number of them) is an error at
/// the first sample's operation.
mlir::LogicalResult walkInStep(Counterparts roots,
                               llvm::function_ref<void(Counterparts)> visit);

/// Whether types of results and of blocks' arguments, and attributes, are the
/// same in all samples, here and in the regions.
bool areEqual(Counterparts ops);

} // namespace fairway

#endif // FAIRWAY_SUPPORT_LOCKSTEP_H
