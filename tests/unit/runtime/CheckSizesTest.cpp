//===- CheckSizesTest.cpp - contradictions in what varies
//-------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Testing.h"

#include <algorithm>

using namespace fairway::runtime::testing;

namespace {

/// artefacts/pairs.c with arrays of its own. Tests break one thing each.
struct Pairs {
  Pairs() : source(load(artefactPath("pairs"))) {
    artefact = *fairway_model_artefact(source.get());
    copy(artefact.sizes, artefact.num_sizes, sizes);
    copy(artefact.expressions, artefact.num_expressions, expressions);
    copy(artefact.varying, artefact.num_varying, varying);
    copy(artefact.run.allocations, artefact.run.num_allocations, allocations);
    copy(artefact.run.steps, artefact.run.num_steps, steps);
    copy(steps[0].buffers, steps[0].num_buffers, buffers);
  }

  void expectCorrupt(const std::string &words) {
    fairway_model *model = nullptr;
    EXPECT_EQ(fairway_model_create(&artefact, &model), FAIRWAY_CORRUPT)
        << fairway_last_error();
    EXPECT_NE(std::string(fairway_last_error()).find(words), std::string::npos)
        << fairway_last_error();
    fairway_model_destroy(model);
  }

  template <typename T, typename Count>
  static void copy(const T *&from, Count count, std::vector<T> &to) {
    to.assign(from, from + count);
    from = to.data();
  }

  ModelPtr source;
  fairway_artefact_t artefact;
  std::vector<fairway_size> sizes;
  std::vector<fairway_expression> expressions;
  std::vector<fairway_varying> varying;
  std::vector<fairway_allocation> allocations;
  std::vector<fairway_step> steps;
  std::vector<fairway_buffer_ref>
      buffers; ///< of step 0: x, an allocation, sizes
};

} // namespace

TEST(CheckSizes, AcceptsTheSample) {
  Pairs p;
  fairway_model *model = nullptr;
  ASSERT_EQ(fairway_model_create(&p.artefact, &model), FAIRWAY_OK)
      << fairway_last_error();
  fairway_model_destroy(model);
}

TEST(CheckSizes, TooManySizes) {
  Pairs p;
  p.sizes.resize(FAIRWAY_MAX_SIZES + 1, {"more", 0, 1});
  p.artefact.sizes = p.sizes.data();
  p.artefact.num_sizes = uint32_t(p.sizes.size());
  p.expectCorrupt("too many sizes");
}

TEST(CheckSizes, MissingArrays) {
  for (int missing = 0; missing < 4; ++missing) {
    Pairs p;
    if (missing == 0)
      p.artefact.sizes = nullptr;
    else if (missing == 1)
      p.artefact.expressions = nullptr;
    else if (missing == 2)
      p.artefact.varying = nullptr;
    else
      p.artefact.run.allocations = nullptr;
    p.expectCorrupt(missing == 3 ? "impossible" : "missing");
  }
}

TEST(CheckSizes, SizeWithoutName) {
  Pairs p;
  p.sizes[1].name = nullptr;
  p.expectCorrupt("a size has no name");
}

TEST(CheckSizes, TwoSizesOfOneName) {
  Pairs p;
  p.sizes[1].name = "batch";
  p.expectCorrupt("one name");
}

TEST(CheckSizes, ImpossibleLimits) {
  Pairs reversed;
  reversed.sizes[0].minimum = 33;
  reversed.expectCorrupt("the limits of size 'batch'");
  Pairs negative;
  negative.sizes[1].minimum = -1;
  negative.expectCorrupt("the limits of size 'length'");
}

TEST(CheckSizes, FewerExpressionsThanSizes) {
  Pairs p;
  p.artefact.num_expressions = 1;
  p.buffers[2].bytes = 8;
  for (fairway_step &step : p.steps)
    step.num_buffers = 0;
  p.expectCorrupt("expressions are missing");
}

TEST(CheckSizes, ExpressionWithoutTerms) {
  Pairs p;
  p.expressions[4].terms = nullptr;
  p.expectCorrupt("an expression has no terms");
}

TEST(CheckSizes, ExpressionOfAMissingSize) {
  Pairs p;
  fairway_term term{1, {0, 0, 1}};
  p.expressions[4] = {&term, 1};
  p.expectCorrupt("a size that does not exist");
}

TEST(CheckSizes, FirstExpressionsAreNotTheSizes) {
  for (fairway_term term :
       {fairway_term{2, {1}}, fairway_term{1, {2}}, fairway_term{1, {0, 1}},
        fairway_term{1, {1, 1}}, fairway_term{1, {}}}) {
    Pairs p;
    p.expressions[0] = {&term, 1};
    p.expectCorrupt("not the sizes");
  }
}

TEST(CheckSizes, FieldsThatDoNotExist) {
  for (fairway_varying varying : {
           fairway_varying{FAIRWAY_INPUT_EXTENT, 0, 2, 0},
           fairway_varying{FAIRWAY_INPUT_EXTENT, 0, 1, 1},
           fairway_varying{FAIRWAY_OUTPUT_EXTENT, 0, 2, 0},
           fairway_varying{FAIRWAY_OUTPUT_EXTENT, 0, 0, 1},
           fairway_varying{FAIRWAY_ALLOCATION_BYTES, 0, 3, 0},
           fairway_varying{FAIRWAY_BUFFER_OFFSET, 0, 5, 0},
           fairway_varying{FAIRWAY_BUFFER_OFFSET, 0, 0, 3},
           fairway_varying{FAIRWAY_BUFFER_BYTES, 0, 0, 3},
           fairway_varying{FAIRWAY_STEP_FLOPS, 0, 5, 0},
           fairway_varying{FAIRWAY_STEP_BYTES, 0, 5, 0},
           fairway_varying{FAIRWAY_STEP_EXTENT, 0, 0, 2},
           fairway_varying{FAIRWAY_STEP_EXTENT, 0, 5, 0},
           fairway_varying{99, 0, 0, 0},
       }) {
    Pairs p;
    p.varying[8] = varying;
    p.expectCorrupt("a field that varies does not exist");
  }
}

TEST(CheckSizes, FieldOfAMissingExpression) {
  Pairs p;
  p.varying[8].expression = p.artefact.num_expressions;
  p.expectCorrupt("an expression that does not exist");
}

TEST(CheckSizes, SizeThatNoInputDecides) {
  Pairs p;
  fairway_term product{1, {1, 1}};
  p.expressions[4] = {&product, 1};
  p.varying[0].expression = 4; // batch only in a product
  p.expectCorrupt("no input decides size 'batch'");
}

TEST(CheckSizes, SomethingVariesWithoutSizes) {
  Pairs p;
  p.artefact.num_sizes = 0;
  p.expectCorrupt("no size decides");
}

TEST(CheckSizes, ArenaBesideAllocations) {
  Pairs p;
  p.artefact.run.arena_bytes = 64;
  p.expectCorrupt("allocations are impossible");
}

TEST(CheckSizes, MissingAllocation) {
  Pairs p;
  p.buffers[1].index = 3;
  p.expectCorrupt("an allocation that does not exist");
}

TEST(CheckSizes, BufferBeyondItsAllocation) {
  Pairs p;
  p.buffers[1].offset = 1;
  p.expectCorrupt("outside its allocation");
}

TEST(CheckSizes, AllocationUsedOutsideItsLifetime) {
  Pairs early;
  early.allocations[0].first_meeting = 1;
  early.expectCorrupt("outside its lifetime");
  Pairs late;
  late.allocations[2].last_meeting = 2;
  late.expectCorrupt("outside its lifetime");
}

TEST(CheckSizes, AllocationsInThePreparePlan) {
  Pairs p;
  p.artefact.prepare.allocations = p.allocations.data();
  p.artefact.prepare.num_allocations = 1;
  p.expectCorrupt("prepare plan varies");
}

TEST(CheckSizes, MoreSizesReadThanThereAre) {
  Pairs p;
  p.buffers[2].bytes += 8;
  p.expectCorrupt("reads sizes that do not exist");
}

TEST(CheckSizes, WrittenSizes) {
  Pairs p;
  p.buffers[2].flags = FAIRWAY_BUFFER_WRITTEN;
  p.expectCorrupt("writes sizes");
}

TEST(CheckSizes, SizesInThePreparePlan) {
  Pairs p;
  p.steps[4].buffers = &p.buffers[2];
  p.steps[4].num_buffers = 1;
  p.artefact.prepare = {&p.steps[4], 1, 0, 0, nullptr, 0};
  p.expectCorrupt("step 0 of its prepare plan reads sizes");
}

TEST(CheckSizes, ImpossibleSlices) {
  for (auto [slice, size] : {std::pair<int64_t, uint32_t>(-1, 0), {4, 2}}) {
    Pairs p;
    p.artefact.slice = slice;
    p.artefact.sliced_size = size;
    p.expectCorrupt("its slices are impossible");
  }
}

TEST(CheckSizes, SlicesThatCutMoreThanSamples) {
  // y has batch + 1 elements: its last is a sum over all samples.
  Pairs batch;
  batch.artefact.slice = 4;
  batch.expectCorrupt("more than samples apart");
  // The length is an extent behind the first.
  Pairs length;
  length.artefact.slice = 4;
  length.artefact.sliced_size = 1;
  length.expectCorrupt("more than samples apart");
}

TEST(CheckSizes, AnOutputWithoutSamples) {
  Pairs p;
  p.artefact.slice = 4;
  // Its length does not vary any more.
  auto gone = [](const fairway_varying &varying) {
    return varying.field == FAIRWAY_OUTPUT_EXTENT && varying.index == 0;
  };
  p.varying.erase(std::remove_if(p.varying.begin(), p.varying.end(), gone),
                  p.varying.end());
  p.artefact.varying = p.varying.data();
  p.artefact.num_varying = p.varying.size();
  p.expectCorrupt("an output cannot be cut into slices");
}
