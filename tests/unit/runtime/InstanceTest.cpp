//===- InstanceTest.cpp - descriptions with nothing left open
//---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Instance.h"
#include "Failure.h"
#include "Testing.h"

#include <algorithm>

using namespace fairway::runtime;
using namespace fairway::runtime::testing;

namespace {

/// artefacts/pairs.c with arrays that a test may change.
struct Pairs {
  Pairs() : model(load(artefactPath("pairs"))) {
    artefact = *fairway_model_artefact(model.get());
    expressions.assign(artefact.expressions,
                       artefact.expressions + artefact.num_expressions);
    artefact.expressions = expressions.data();
    varying.assign(artefact.varying, artefact.varying + artefact.num_varying);
    artefact.varying = varying.data();
  }
  /// The Failure of an instance at these sizes.
  Failure refuse(int64_t batch, int64_t length) const {
    try {
      Instance instance(artefact, {batch, length}, "pairs");
    } catch (const Failure &failure) {
      return failure;
    }
    return {FAIRWAY_OK, ""};
  }

  ModelPtr model;
  fairway_artefact_t artefact;
  std::vector<fairway_expression> expressions;
  std::vector<fairway_varying> varying;
};

/// Numbers of its expressions.
enum { rowsOfY = 3, bytesOfX = 6 };

} // namespace

TEST(Instance, HasTheShapesOfItsSizes) {
  Pairs pairs;
  Instance instance(pairs.artefact, {5, 40}, "pairs");
  const fairway_artefact_t &a = instance.artefact();
  EXPECT_EQ(a.inputs[0].shape[0], 5);
  EXPECT_EQ(a.inputs[0].shape[1], 40);
  EXPECT_EQ(a.inputs[0].bytes, 4u * 5 * 40);
  EXPECT_EQ(a.inputs[1].shape[0], 81);
  EXPECT_EQ(a.outputs[0].shape[0], 6);
  EXPECT_EQ(a.outputs[0].bytes, 24u);
  EXPECT_EQ(a.num_varying, 0u);
  EXPECT_EQ(a.run.num_allocations, 0u);
  // The artefact keeps its own.
  EXPECT_EQ(pairs.artefact.inputs[0].shape[0], 2);
}

TEST(Instance, HasThePlanOfItsSizes) {
  Pairs pairs;
  Instance instance(pairs.artefact, {5, 40}, "pairs");
  const fairway_plan &run = instance.artefact().run;
  EXPECT_EQ(run.steps[3].buffers[1].offset, 8u * 40);
  EXPECT_EQ(run.steps[3].buffers[1].bytes, 4u);
  EXPECT_EQ(run.steps[0].dimensions[0].extent, 5u);
  EXPECT_EQ(run.steps[0].dimensions[0].tile, 1u);
  EXPECT_EQ(run.steps[0].dimensions[1].extent, 40u);
  EXPECT_EQ(run.steps[0].dimensions[1].tile, 40u) << "it is not divided";
  EXPECT_EQ(run.steps[0].bytes, 8u * 5 * 40);
  EXPECT_EQ(run.steps[1].flops, 4u * 5 * 40);
  EXPECT_EQ(run.steps[2].flops, 6u) << "it does not vary";
  const int64_t *values = instance.values();
  EXPECT_EQ(values[0], 5);
  EXPECT_EQ(values[2], 81);
  EXPECT_EQ(values[6], 4 * 5 * 40);
}

TEST(Instance, TakesTheLargestScratchMemory) {
  Pairs pairs; // the larger one of 4 length and batch
  auto scratch = [&](int64_t batch, int64_t length) {
    return Instance(pairs.artefact, {batch, length}, "pairs")
        .artefact()
        .run.scratch_bytes;
  };
  EXPECT_EQ(scratch(5, 40), 160u);
  EXPECT_EQ(scratch(20, 2), 20u);
  EXPECT_EQ(scratch(0, 0), 0u);
}

TEST(Instance, LaysItsAllocationsOut) {
  Pairs pairs;
  for (int64_t batch : {1, 7, 32})
    for (int64_t length : {1, 30, 1000}) {
      Instance instance(pairs.artefact, {batch, length}, "pairs");
      const fairway_plan &run = instance.artefact().run;
      uint64_t x = (4 * batch * length + 63) / 64 * 64;
      uint64_t b = (8 * batch * length + 63) / 64 * 64;
      EXPECT_EQ(run.arena_bytes, x + b) << "the first and the last share";
      EXPECT_EQ(run.steps[0].buffers[1].offset, run.steps[1].buffers[0].offset);
      EXPECT_EQ(run.steps[1].buffers[2].offset, run.steps[2].buffers[0].offset);
      EXPECT_EQ(run.steps[0].buffers[1].offset, run.steps[2].buffers[1].offset);
      EXPECT_NE(run.steps[0].buffers[1].offset, run.steps[1].buffers[2].offset);
    }
}

TEST(Instance, OfNothingNeedsNoArena) {
  Pairs pairs;
  EXPECT_EQ(Instance(pairs.artefact, {0, 8}, "p").artefact().run.arena_bytes,
            0u);
  EXPECT_EQ(Instance(pairs.artefact, {8, 0}, "p").artefact().run.arena_bytes,
            0u);
}

TEST(Instance, RefusesSizesThatOverflow) {
  Pairs pairs;
  Failure failure = pairs.refuse(32, int64_t(1) << 60);
  EXPECT_EQ(failure.status, FAIRWAY_INVALID_ARGUMENT);
  EXPECT_NE(failure.message.find("with batch = 32, length = " +
                                 std::to_string(int64_t(1) << 60)),
            std::string::npos)
      << failure.message;
}

TEST(Instance, RefusesAnArenaLargerThanAddresses) {
  // Each allocation fits into 64 bits, all together do not.
  Pairs pairs;
  Failure failure = pairs.refuse(1, int64_t(1) << 59);
  EXPECT_EQ(failure.status, FAIRWAY_OUT_OF_MEMORY);
  EXPECT_NE(failure.message.find("batch = 1"), std::string::npos);
}

TEST(Instance, RefusesNegativeExtents) {
  Pairs pairs;
  fairway_term terms[] = {{1, {1}}, {-4, {}}};
  pairs.expressions[rowsOfY] = {terms, 2};
  Failure failure = pairs.refuse(3, 1);
  EXPECT_EQ(failure.status, FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(failure.message, "the model cannot run with batch = 3, length = 1: "
                             "axis 0 of output 'y' would be -1 (batch - 4)");
}

TEST(Instance, ChecksItsPlan) {
  // The example is consistent, but with other sizes the first step reads more
  // than x has.
  Pairs pairs;
  fairway_term terms[] = {{8, {1, 1}}, {-24, {}}};
  pairs.expressions[bytesOfX] = {terms, 2};
  EXPECT_EQ(pairs.refuse(2, 3).status, FAIRWAY_OK);
  Failure failure = pairs.refuse(2, 4);
  EXPECT_EQ(failure.status, FAIRWAY_CORRUPT);
  EXPECT_EQ(failure.message, "'pairs' is damaged: step 0 of its run plan reads "
                             "beyond an input");
}

TEST(Instance, OfAModelWithoutOpenSizesIsTheModel) {
  ModelPtr model = load(artefactPath("weights"));
  const fairway_artefact_t &artefact = *fairway_model_artefact(model.get());
  Instance instance(artefact);
  EXPECT_EQ(instance.artefact().run.steps, artefact.run.steps);
  EXPECT_EQ(instance.schedule().steps.size(), artefact.run.num_steps);
  EXPECT_TRUE(instance.sizes().empty());
}
