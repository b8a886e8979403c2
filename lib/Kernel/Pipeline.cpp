//===- Pipeline.cpp - the Kernel stage as one pipeline -------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Kernel/Passes.h"

void fairway::registerFairwayKernelPipelines() {}
