//===- registration.cpp - Python: dialects and passes ---------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/CAPI/Registration.h"
#include "mlir/Bindings/Python/NanobindAdaptors.h"

NB_MODULE(_fairwayRegistration, module) {
  module.doc() = "Registers what the compiler uses in MLIR's own bindings.";
  module.def(
      "register_dialects",
      [](MlirDialectRegistry registry) { fairwayRegisterDialects(registry); },
      "Adds every dialect that the flow uses to a registry.");
  module.def(
      "register_passes", [] { fairwayRegisterPasses(); },
      "Registers the passes and pipelines, for PassManager.parse().");
}
