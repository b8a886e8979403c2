//===- Registration.cpp - C API: dialects and passes ----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/CAPI/Registration.h"
#include "fairway/Support/Registration.h"
#include "mlir/CAPI/IR.h"

void fairwayRegisterDialects(MlirDialectRegistry registry) {
  fairway::registerDialects(*unwrap(registry));
}

void fairwayRegisterPasses(void) { fairway::registerPasses(); }
