//===- Registration.h - C API: dialects and passes ----------------*- C -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_CAPI_REGISTRATION_H
#define FAIRWAY_CAPI_REGISTRATION_H

#include "mlir-c/IR.h"
#include "mlir-c/Support.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Registers every dialect, interface model and translation that the flow uses.
MLIR_CAPI_EXPORTED void fairwayRegisterDialects(MlirDialectRegistry registry);

/// Registers Fairway's passes and pipelines and the upstream passes that are
/// useful beside them. Safe to call more than once and from several threads.
MLIR_CAPI_EXPORTED void fairwayRegisterPasses(void);

#ifdef __cplusplus
}
#endif

#endif // FAIRWAY_CAPI_REGISTRATION_H
