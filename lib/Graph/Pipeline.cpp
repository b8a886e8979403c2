//===- Pipeline.cpp - the Graph stage as one pipeline -------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Graph/Passes.h"

void fairway::registerFairwayGraphPipelines() {}
