//===- ModelTest.cpp - prepare and run ------------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Affinity.h"
#include "Testing.h"
#include "ThreadPool.h"

#include <atomic>
#include <cstring>
#include <thread>

using namespace fairway::runtime;
using namespace fairway::runtime::testing;

namespace {

/// Memory for the affine model's tensor, `shift` bytes off alignment.
class Shifted {
public:
  explicit Shifted(size_t shift)
      : memory(static_cast<char *>(
                   aligned_alloc(64, affineSize * sizeof(float) + 64)),
               free),
        shift(shift) {}
  float *data() const {
    return reinterpret_cast<float *>(memory.get() + shift);
  }
  void fill(float value) const {
    for (size_t i = 0; i < affineSize; ++i)
      data()[i] = value;
  }

private:
  std::unique_ptr<char, decltype(&free)> memory;
  size_t shift;
};

std::string lastError() { return fairway_last_error(); }

} // namespace

TEST(Model, DescribesItself) {
  ModelPtr model = load(artefactPath("affine"));
  const fairway_artefact_t *a = fairway_model_artefact(model.get());
  EXPECT_STREQ(a->fairway_version, "0.1.0");
  EXPECT_STREQ(fairway_model_input(model.get(), 0)->name, "x");
  EXPECT_EQ(fairway_model_input(model.get(), 1), nullptr);
  EXPECT_STREQ(fairway_model_output(model.get(), 1)->name, "z");
  EXPECT_EQ(fairway_model_find_parameter(model.get(), "layer.b"), 1);
  EXPECT_EQ(fairway_model_find_parameter(model.get(), "layer"), -1);
  EXPECT_EQ(fairway_model_find_input(model.get(), "x"), 0);
  EXPECT_EQ(fairway_model_find_output(model.get(), "x"), -1);
  EXPECT_FALSE(fairway_model_has_weights(model.get()));
  EXPECT_EQ(fairway_dtype_bytes(FAIRWAY_BFLOAT16), 2u);
  EXPECT_STREQ(fairway_dtype_name(FAIRWAY_FLOAT32), "float32");
  EXPECT_EQ(fairway_dtype_name(13), nullptr);
}

TEST(Model, RunsWithEveryThreadCount) {
  ModelPtr model = load(artefactPath("affine"));
  AffineParameters parameters(3, 4);
  parameters.prepare(model.get());
  for (unsigned threads = 0; threads <= 12; ++threads) {
    AffineCall call(float(threads) + 1);
    ASSERT_EQ(call.run(model.get(), threads), FAIRWAY_OK) << lastError();
    call.expect(2 * 3 * (float(threads) + 1) + 4);
  }
}

TEST(Model, RunsOnWeightsInTheFile) {
  ModelPtr model = load(artefactPath("weights"));
  EXPECT_TRUE(fairway_model_has_weights(model.get()));
  EXPECT_TRUE(fairway_model_is_prepared(model.get()));
  AffineCall call(2);
  ASSERT_EQ(call.run(model.get(), 2), FAIRWAY_OK) << lastError();
  call.expect(6 * 2 + 1);
}

TEST(Model, NewParametersReplaceTheOld) {
  ModelPtr model = load(artefactPath("weights"));
  AffineCall call(1);
  ASSERT_EQ(call.run(model.get(), 2), FAIRWAY_OK);
  for (float w : {1.0f, 2.0f}) {
    AffineParameters parameters(w, 10);
    parameters.prepare(model.get());
    ASSERT_EQ(call.run(model.get(), 2), FAIRWAY_OK) << lastError();
    call.expect(2 * w + 10);
  }
}

TEST(Model, NeedsParametersFirst) {
  ModelPtr model = load(artefactPath("affine"));
  AffineCall call(1);
  const void *data;
  EXPECT_FALSE(fairway_model_is_prepared(model.get()));
  EXPECT_EQ(call.run(model.get(), 1), FAIRWAY_NOT_PREPARED);
  EXPECT_EQ(fairway_model_prepare(model.get(), 1), FAIRWAY_NOT_PREPARED);
  EXPECT_EQ(fairway_model_constant(model.get(), 0, &data),
            FAIRWAY_NOT_PREPARED);
  AffineParameters parameters(1, 1);
  parameters.set(model.get());
  EXPECT_EQ(call.run(model.get(), 1), FAIRWAY_NOT_PREPARED);
}

TEST(Model, GivesItsConstants) {
  ModelPtr model = load(artefactPath("affine"));
  AffineParameters parameters(3, 4);
  parameters.prepare(model.get());
  const void *w, *b;
  ASSERT_EQ(fairway_model_constant(model.get(), 0, &w), FAIRWAY_OK);
  ASSERT_EQ(fairway_model_constant(model.get(), 1, &b), FAIRWAY_OK);
  EXPECT_EQ(static_cast<const float *>(w)[affineSize - 1], 6);
  EXPECT_EQ(static_cast<const float *>(b)[affineSize - 1], 4);
  EXPECT_EQ(fairway_model_constant(model.get(), 2, &b),
            FAIRWAY_INVALID_ARGUMENT);
}

TEST(Model, UsesAlignedParametersInPlace) {
  ModelPtr model = load(artefactPath("affine"));
  Shifted w(0), b(0);
  w.fill(1);
  b.fill(2);
  const void *values[] = {w.data(), b.data()}, *data;
  ASSERT_EQ(fairway_model_set_parameters(model.get(), values, 2), FAIRWAY_OK);
  ASSERT_EQ(fairway_model_prepare(model.get(), 1), FAIRWAY_OK);
  ASSERT_EQ(fairway_model_constant(model.get(), 1, &data), FAIRWAY_OK);
  EXPECT_EQ(data, b.data());
}

TEST(Model, CopiesWhatIsNotAligned) {
  ModelPtr model = load(artefactPath("affine"));
  Shifted w(4), b(8), x(12), z(20);
  float y;
  w.fill(3);
  b.fill(5);
  x.fill(7);
  const void *values[] = {w.data(), b.data()}, *inputs[] = {x.data()}, *data;
  void *outputs[] = {&y, z.data()};
  ASSERT_EQ(fairway_model_set_parameters(model.get(), values, 2), FAIRWAY_OK);
  ASSERT_EQ(fairway_model_prepare(model.get(), 2), FAIRWAY_OK);
  for (uint32_t i = 0; i < 2; ++i) {
    ASSERT_EQ(fairway_model_constant(model.get(), i, &data), FAIRWAY_OK);
    EXPECT_EQ(uintptr_t(data) % FAIRWAY_BUFFER_ALIGNMENT, 0u);
  }
  ASSERT_EQ(fairway_model_run(model.get(), inputs, 1, outputs, 2, 2),
            FAIRWAY_OK);
  for (size_t i = 0; i < affineSize; ++i)
    ASSERT_EQ(z.data()[i], 2 * 3 * 7 + 5);
  EXPECT_EQ(y, (2 * 3 * 7 + 5) * float(affineSize));
}

TEST(Model, RejectsWrongArguments) {
  ModelPtr model = load(artefactPath("weights"));
  AffineCall call(1);
  const void *inputs[] = {call.x.data()}, *nothing[] = {nullptr};
  void *outputs[] = {&call.y, call.z.data()};
  auto run = [&](const void *const *in, size_t n, void *const *out, size_t m) {
    return fairway_model_run(model.get(), in, n, out, m, 1);
  };
  EXPECT_EQ(run(inputs, 0, outputs, 2), FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(lastError(), "the model has 1 input, 0 given");
  EXPECT_EQ(run(inputs, 1, outputs, 3), FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(lastError(), "the model has 2 outputs, 3 given");
  EXPECT_EQ(run(nothing, 1, outputs, 2), FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(lastError(), "input 'x' is NULL");
  EXPECT_EQ(run(nullptr, 1, outputs, 2), FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_model_run(nullptr, inputs, 1, outputs, 2, 1),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_model_set_parameters(model.get(), inputs, 1),
            FAIRWAY_INVALID_ARGUMENT);
}

TEST(Model, RejectsOverlappingBuffers) {
  ModelPtr model = load(artefactPath("weights"));
  AffineCall call(1);
  const void *inputs[] = {call.x.data()};
  void *onInput[] = {call.x.data() + 7, call.z.data()};
  EXPECT_EQ(fairway_model_run(model.get(), inputs, 1, onInput, 2, 1),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(lastError(), "output 'y' overlaps input 'x'");
  void *onOutput[] = {call.z.data() + affineSize - 1, call.z.data()};
  EXPECT_EQ(fairway_model_run(model.get(), inputs, 1, onOutput, 2, 1),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(lastError(), "output 'z' overlaps output 'y'");
}

TEST(Model, ProfilesEveryStep) {
  ModelPtr model = load(artefactPath("weights"));
  AffineCall call(1);
  const void *inputs[] = {call.x.data()};
  void *outputs[] = {&call.y, call.z.data()};
  for (unsigned threads : {1u, 3u}) {
    double seconds[4] = {-1, -1, -1, -1};
    ASSERT_EQ(fairway_model_profile(model.get(), inputs, 1, outputs, 2, threads,
                                    seconds, 4),
              FAIRWAY_OK);
    for (double s : seconds)
      EXPECT_GT(s, 0);
    call.expect(7);
  }
  double few[3];
  EXPECT_EQ(
      fairway_model_profile(model.get(), inputs, 1, outputs, 2, 1, few, 3),
      FAIRWAY_INVALID_ARGUMENT);
}

TEST(Model, ManyThreadsCallOneModel) {
  ModelPtr model = load(artefactPath("weights"));
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&, caller] {
      for (int i = 0; i < 100; ++i) {
        float x = float(caller * 100 + i);
        AffineCall call(x);
        if (call.run(model.get(), 1 + i % 4) != FAIRWAY_OK)
          ++wrong;
        for (float z : call.z)
          wrong += z != 6 * x + 1;
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Model, DestroyingNothingIsAllowed) { fairway_model_destroy(nullptr); }

TEST(Run, NeverUsesMoreThreadsThanCpus) {
  // On one CPU, the pool has nothing to do: the call runs alone.
  std::thread([] {
    cpu_set_t cpus = callerCpus(), one;
    int first = 0;
    while (!CPU_ISSET(first, &cpus))
      ++first;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    ModelPtr model = load(artefactPath("weights"));
    unsigned before = ThreadPool::helpers();
    AffineCall call(1);
    ASSERT_EQ(call.run(model.get(), before + 8), FAIRWAY_OK);
    call.expect(6 + 1);
    EXPECT_EQ(ThreadPool::helpers(), before);
  }).join();
}
