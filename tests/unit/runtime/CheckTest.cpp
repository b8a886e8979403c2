//===- CheckTest.cpp - contradictions in an artefact ----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Testing.h"

using namespace fairway::runtime::testing;

namespace {

void fillOnes(void *const *buffers, void *, int64_t worker, int64_t) {
  if (worker == 0)
    for (int i = 0; i < 4; ++i)
      static_cast<float *>(buffers[0])[i] = 1;
}

/// A consistent artefact: prepare makes a constant of ones (from no
/// parameters), run fills its output with ones. Tests break one thing each.
struct Sample {
  int64_t shape[1] = {4};
  fairway_tensor_desc input{"in", FAIRWAY_FLOAT32, 1, shape, 16};
  fairway_tensor_desc output{"out", FAIRWAY_FLOAT32, 1, shape, 16};
  fairway_constant_desc constant{
      {"ones", FAIRWAY_FLOAT32, 1, shape, 16}, -1, 0, 0};
  fairway_buffer_ref buffers[4] = {
      {FAIRWAY_SPACE_OUTPUT, 0, 0, 16, FAIRWAY_BUFFER_WRITTEN, 0, 0, 0},
      {FAIRWAY_SPACE_CONSTANT, 0, 0, 16, 0, 0, 0, 0},
      {FAIRWAY_SPACE_ARENA, 0, 64, 64, FAIRWAY_BUFFER_WRITTEN, 0, 0, 0},
      {FAIRWAY_SPACE_INPUT, 0, 0, 16, 0, 0, 0, 0}};
  fairway_dimension dimensions[1] = {{4, 4}};
  fairway_step step{"fill", fillOnes, buffers,    4, 0, 1,
                    4,      16,       dimensions, 1, 0, nullptr};
  fairway_buffer_ref prepareBuffers[1] = {
      {FAIRWAY_SPACE_OUTPUT, 0, 0, 16, FAIRWAY_BUFFER_WRITTEN, 0, 0, 0}};
  fairway_step prepareStep{"fill", fillOnes, prepareBuffers, 1, 0, 1,
                           4,      16,       nullptr,        0, 0, nullptr};
  alignas(64) unsigned char weights[64] = {};
  fairway_artefact_t artefact{FAIRWAY_ARTEFACT_MAGIC,
                              FAIRWAY_ARTEFACT_ABI,
                              "0.1.0",
                              "triple",
                              "cpu",
                              "",
                              &input,
                              &output,
                              nullptr,
                              &constant,
                              1,
                              1,
                              0,
                              1,
                              1,
                              0,
                              {&step, 1, 128, 0, nullptr, 0},
                              {&prepareStep, 1, 0, 0, nullptr, 0},
                              nullptr,
                              0,
                              nullptr,
                              0,
                              nullptr,
                              nullptr,
                              nullptr,
                              0,
                              0,
                              0};

  void expectCorrupt(const std::string &words) {
    fairway_model *model = nullptr;
    EXPECT_EQ(fairway_model_create(&artefact, &model), FAIRWAY_CORRUPT)
        << fairway_last_error();
    EXPECT_NE(std::string(fairway_last_error()).find(words), std::string::npos)
        << fairway_last_error();
    fairway_model_destroy(model);
  }
};

} // namespace

TEST(Check, AcceptsTheSampleAndPreparesIt) {
  Sample s;
  fairway_model *created = nullptr;
  ASSERT_EQ(fairway_model_create(&s.artefact, &created), FAIRWAY_OK)
      << fairway_last_error();
  ModelPtr model(created);
  EXPECT_TRUE(fairway_model_is_prepared(created)); // it has no parameters
  const void *data = nullptr;
  ASSERT_EQ(fairway_model_constant(created, 0, &data), FAIRWAY_OK);
  EXPECT_EQ(static_cast<const float *>(data)[3], 1);
}

TEST(Check, SizeThatDoesNotMatchTheShape) {
  Sample s;
  s.output.bytes = 20;
  s.expectCorrupt("'out'");
}

TEST(Check, NegativeExtent) {
  Sample s;
  s.shape[0] = -4;
  s.expectCorrupt("impossible");
}

TEST(Check, ShapeThatOverflows) {
  Sample s;
  int64_t huge[] = {int64_t(1) << 40, int64_t(1) << 40};
  s.input.shape = huge;
  s.input.rank = 2;
  s.expectCorrupt("impossible");
}

TEST(Check, UnknownElementType) {
  Sample s;
  s.input.dtype = 99;
  s.expectCorrupt("element type");
}

TEST(Check, TensorWithoutName) {
  Sample s;
  s.input.name = nullptr;
  s.expectCorrupt("name");
}

TEST(Check, ConstantWithoutSource) {
  Sample s;
  s.constant.prepared = 1;
  s.expectCorrupt("no source");
}

TEST(Check, ConstantOfAMissingParameter) {
  Sample s;
  s.constant.parameter = 0;
  s.expectCorrupt("parameter");
}

TEST(Check, PreparedWeightWithoutConstant) {
  Sample s;
  s.artefact.num_prepared = 2;
  s.expectCorrupt("prepared weight");
}

TEST(Check, ConstantOutsideTheWeights) {
  Sample s;
  s.artefact.weights = s.weights;
  s.artefact.weights_bytes = 64;
  s.constant.offset = 64;
  s.expectCorrupt("outside the weights");
}

TEST(Check, MisalignedWeights) {
  Sample s;
  s.artefact.weights = s.weights + 8;
  s.artefact.weights_bytes = 56;
  s.expectCorrupt("not aligned");
}

TEST(Check, StepWithoutKernel) {
  Sample s;
  s.step.kernel = nullptr;
  s.expectCorrupt("step 0 of its run plan has no kernel");
}

TEST(Check, BufferOutsideTheArena) {
  Sample s;
  s.buffers[2].offset = 192;
  s.expectCorrupt("arena");
}

TEST(Check, BufferThatEndsOutsideTheArena) {
  Sample s;
  s.buffers[2].bytes = 65;
  s.expectCorrupt("arena");
}

TEST(Check, BufferUsedBeforeItsLifetime) {
  Sample s;
  s.buffers[2].first_step = s.buffers[2].last_step = 1;
  s.expectCorrupt("lifetime");
}

TEST(Check, LifetimeBeyondThePlan) {
  Sample s;
  s.buffers[2].last_step = 1;
  s.expectCorrupt("lifetime");
}

TEST(Check, BufferBeyondItsTensor) {
  for (auto [buffer, what] :
       {std::pair(0, "beyond an output"), std::pair(1, "beyond a constant"),
        std::pair(3, "beyond an input")}) {
    Sample s;
    s.buffers[buffer].offset = 4;
    s.expectCorrupt(what);
  }
}

TEST(Check, OffsetThatOverflows) {
  Sample s;
  s.buffers[0].offset = ~uint64_t(0);
  s.expectCorrupt("beyond an output");
}

TEST(Check, PrepareBufferBeyondItsConstant) {
  Sample s;
  s.prepareBuffers[0].bytes = 17;
  s.expectCorrupt("beyond an output");
}

TEST(Check, WriteToWhatIsOnlyRead) {
  for (auto [buffer, what] :
       {std::pair(1, "writes a constant"), std::pair(3, "writes an input")}) {
    Sample s;
    s.buffers[buffer].flags = FAIRWAY_BUFFER_WRITTEN;
    s.expectCorrupt(what);
  }
}

TEST(Check, StepWithoutDimensions) {
  Sample s;
  s.step.dimensions = nullptr;
  s.expectCorrupt("dimensions");
}

TEST(Check, EmptyTile) {
  Sample s;
  s.dimensions[0].tile = 0;
  s.expectCorrupt("tiles of nothing");
}

TEST(Check, BufferOfAMissingInput) {
  Sample s;
  s.buffers[3].index = 1;
  s.expectCorrupt("input");
}

TEST(Check, BufferOfAMissingOutput) {
  Sample s;
  s.buffers[0].index = 1;
  s.expectCorrupt("output");
}

TEST(Check, ConstantInThePreparePlan) {
  Sample s;
  s.prepareBuffers[0].space = FAIRWAY_SPACE_CONSTANT;
  s.expectCorrupt("prepare plan");
}

TEST(Check, UnknownSpace) {
  Sample s;
  s.buffers[0].space = 7;
  s.expectCorrupt("unknown space");
}

TEST(Check, MissingVersion) {
  Sample s;
  s.artefact.triple = nullptr;
  s.expectCorrupt("version");
}
