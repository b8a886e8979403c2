//===- Pipeline.cpp - the Target stage as one pipeline -------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/Passes.h"

void fairway::registerFairwayTargetPipelines() {}
