//===- BindingTest.cpp - models with open sizes
//-----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include "Testing.h"

#include <atomic>
#include <random>
#include <thread>

using namespace fairway::runtime;
using namespace fairway::runtime::testing;

// Sanitizers end the process where an allocation cannot succeed.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SKIP_UNDER_SANITIZERS()                                                \
  GTEST_SKIP() << "the sanitizer refuses allocations of this size"
#else
#define SKIP_UNDER_SANITIZERS() (void)0
#endif

namespace {

struct DestroyBinding {
  void operator()(fairway_binding *binding) const {
    fairway_binding_destroy(binding);
  }
};
using BindingPtr = std::unique_ptr<fairway_binding, DestroyBinding>;

BindingPtr bindTo(const ModelPtr &model, int64_t batch, int64_t length) {
  int64_t sizes[] = {batch, length};
  fairway_binding *binding = nullptr;
  EXPECT_EQ(fairway_model_bind(model.get(), sizes, 2, &binding), FAIRWAY_OK)
      << fairway_last_error();
  return BindingPtr(binding);
}

/// One call of artefacts/pairs.c on small whole numbers, which float32 adds
/// exactly.
struct PairsCall {
  PairsCall(int64_t batch, int64_t length, unsigned seed)
      : batch(batch), length(length), x(batch * length), w(2 * length + 1),
        y(batch + 1), z(batch * length) {
    std::mt19937 random(seed);
    for (std::vector<float> *values : {&x, &w})
      for (float &value : *values)
        value = float(int(random() % 9) - 4);
  }

  fairway_status run(const fairway_binding *binding, unsigned threads) {
    const void *inputs[] = {x.data(), w.data()};
    void *outputs[] = {y.data(), z.data()};
    return fairway_binding_run(binding, inputs, 2, outputs, 2, threads);
  }

  /// Number of elements that are not what they should be.
  int wrong() const {
    int count = 0;
    float total = 0;
    for (int64_t i = 0; i < batch; ++i) {
      float sum = 0;
      for (int64_t j = 0; j < length; ++j) {
        float expected =
            4 * x[i * length + j] + w[2 * j] + w[2 * j + 1] + w[2 * length];
        count += z[i * length + j] != expected;
        sum += expected;
      }
      count += y[i] != sum;
      total += sum;
    }
    return count + (y[batch] != total);
  }

  int64_t batch, length;
  std::vector<float> x, w, y, z;
};

void expectRuns(const ModelPtr &model, int64_t batch, int64_t length,
                unsigned threads = 2) {
  PairsCall call(batch, length, unsigned(batch * 1000 + length));
  BindingPtr binding = bindTo(model, batch, length);
  ASSERT_EQ(call.run(binding.get(), threads), FAIRWAY_OK)
      << fairway_last_error();
  EXPECT_EQ(call.wrong(), 0) << "batch " << batch << ", length " << length;
}

std::string bindError(const ModelPtr &model, std::vector<int64_t> sizes) {
  fairway_binding *binding = reinterpret_cast<fairway_binding *>(1);
  EXPECT_EQ(
      fairway_model_bind(model.get(), sizes.data(), sizes.size(), &binding),
      FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(binding, nullptr);
  return fairway_last_error();
}

} // namespace

TEST(Binding, RunsAtManySizes) {
  ModelPtr model = load(artefactPath("pairs"));
  for (int64_t batch : {1, 3, 32})
    for (int64_t length : {1, 17, 600})
      for (unsigned threads : {1u, 2u})
        expectRuns(model, batch, length, threads);
}

TEST(Binding, RunsOnNothing) {
  ModelPtr model = load(artefactPath("pairs"));
  for (auto [batch, length] :
       {std::pair(0, 5), std::pair(5, 0), std::pair(0, 0)})
    expectRuns(model, batch, length);
}

TEST(Binding, TakesNullForATensorWithoutElements) {
  ModelPtr model = load(artefactPath("pairs"));
  BindingPtr binding = bindTo(model, 0, 0);
  float w = 1, y = -1;
  const void *inputs[] = {nullptr, &w};
  void *outputs[] = {&y, nullptr};
  ASSERT_EQ(fairway_binding_run(binding.get(), inputs, 2, outputs, 2, 1),
            FAIRWAY_OK)
      << fairway_last_error();
  EXPECT_EQ(y, 0);
}

TEST(Binding, DescribesTheTensors) {
  ModelPtr model = load(artefactPath("pairs"));
  BindingPtr binding = bindTo(model, 4, 9);
  const fairway_artefact_t *at = fairway_binding_artefact(binding.get());
  EXPECT_EQ(at->outputs[0].bytes, 20u);
  EXPECT_EQ(at->outputs[1].bytes, 144u);
  EXPECT_EQ(at->outputs[1].shape[1], 9);
}

TEST(Binding, RefusesSizesOutsideTheLimits) {
  ModelPtr model = load(artefactPath("pairs"));
  EXPECT_EQ(bindError(model, {40, 3}),
            "size 'batch' is 40, the model was compiled for 0 to 32");
  EXPECT_EQ(bindError(model, {4, -1}),
            "size 'length' is -1, the model was compiled for 0 or more");
  EXPECT_EQ(bindError(model, {4}), "the model has 2 open sizes, 1 given");
  EXPECT_EQ(bindError(model, {}), "the model has 2 open sizes, 0 given");
}

TEST(Binding, SaysThatThereIsNoMemory) {
  SKIP_UNDER_SANITIZERS();
  ModelPtr model = load(artefactPath("pairs"));
  // More than any machine has, less than 64 bits can count.
  BindingPtr binding = bindTo(model, 1, int64_t(1) << 55);
  float value = 0;
  const void *inputs[] = {&value, &value};
  void *outputs[] = {reinterpret_cast<void *>(uintptr_t(1) << 62),
                     reinterpret_cast<void *>(uintptr_t(1) << 61)};
  EXPECT_EQ(fairway_binding_run(binding.get(), inputs, 2, outputs, 2, 1),
            FAIRWAY_OUT_OF_MEMORY)
      << fairway_last_error();
  expectRuns(model, 2, 3); // and the model is as before
}

TEST(Binding, IsNeededWhereSizesAreOpen) {
  ModelPtr model = load(artefactPath("pairs"));
  PairsCall call(2, 3, 1);
  const void *inputs[] = {call.x.data(), call.w.data()};
  void *outputs[] = {call.y.data(), call.z.data()};
  double seconds[5];
  EXPECT_EQ(fairway_model_run(model.get(), inputs, 2, outputs, 2, 1),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(std::string(fairway_last_error()),
            "the model leaves 'batch', 'length' open: bind it to sizes and run "
            "the binding (fairway_model_find_sizes, fairway_model_bind)");
  EXPECT_EQ(
      fairway_model_profile(model.get(), inputs, 2, outputs, 2, 1, seconds, 5),
      FAIRWAY_INVALID_ARGUMENT);
}

TEST(Binding, IsAllowedWhereNoSizeIsOpen) {
  ModelPtr model = load(artefactPath("weights"));
  fairway_binding *made = nullptr;
  ASSERT_EQ(fairway_model_bind(model.get(), nullptr, 0, &made), FAIRWAY_OK);
  BindingPtr binding(made);
  AffineCall call(3);
  const void *inputs[] = {call.x.data()};
  void *outputs[] = {&call.y, call.z.data()};
  ASSERT_EQ(fairway_binding_run(made, inputs, 1, outputs, 2, 2), FAIRWAY_OK);
  call.expect(6 * 3 + 1);
  EXPECT_EQ(bindError(model, {1}), "the model has 0 open sizes, 1 given");
}

TEST(Binding, UsesTheParametersThatTheModelHasNow) {
  ModelPtr model = load(artefactPath("affine"));
  fairway_binding *made = nullptr;
  ASSERT_EQ(fairway_model_bind(model.get(), nullptr, 0, &made), FAIRWAY_OK);
  BindingPtr binding(made);
  AffineCall call(2);
  const void *inputs[] = {call.x.data()};
  void *outputs[] = {&call.y, call.z.data()};
  EXPECT_EQ(fairway_binding_run(made, inputs, 1, outputs, 2, 1),
            FAIRWAY_NOT_PREPARED);
  for (float w : {1.0f, 5.0f}) {
    AffineParameters parameters(w, 3);
    parameters.prepare(model.get());
    ASSERT_EQ(fairway_binding_run(made, inputs, 1, outputs, 2, 1), FAIRWAY_OK);
    call.expect(2 * w * 2 + 3);
  }
}

TEST(Binding, ProfilesEveryStep) {
  ModelPtr model = load(artefactPath("pairs"));
  BindingPtr binding = bindTo(model, 4, 50);
  PairsCall call(4, 50, 3);
  const void *inputs[] = {call.x.data(), call.w.data()};
  void *outputs[] = {call.y.data(), call.z.data()};
  double seconds[5] = {-1, -1, -1, -1, -1};
  ASSERT_EQ(fairway_binding_profile(binding.get(), inputs, 2, outputs, 2, 2,
                                    seconds, 5),
            FAIRWAY_OK);
  for (double s : seconds)
    EXPECT_GT(s, 0);
  EXPECT_EQ(call.wrong(), 0);
  EXPECT_EQ(fairway_binding_profile(binding.get(), inputs, 2, outputs, 2, 2,
                                    seconds, 4),
            FAIRWAY_INVALID_ARGUMENT);
}

TEST(Binding, SameSizesAreComputedOnce) {
  ModelPtr model = load(artefactPath("pairs"));
  BindingPtr first = bindTo(model, 3, 4), other = bindTo(model, 4, 4);
  BindingPtr second = bindTo(model, 3, 4);
  EXPECT_EQ(fairway_binding_artefact(first.get()),
            fairway_binding_artefact(second.get()));
  EXPECT_NE(fairway_binding_artefact(first.get()),
            fairway_binding_artefact(other.get()));
}

TEST(Binding, OutlivesTheModelsMemoryOfItsSizes) {
  ModelPtr model = load(artefactPath("pairs"));
  BindingPtr old = bindTo(model, 3, 4), used = bindTo(model, 5, 4);
  const fairway_artefact_t *forgotten = fairway_binding_artefact(old.get());
  for (size_t i = 0; i < 2 * Model::maxInstances; ++i) {
    expectRuns(model, 1, int64_t(i) + 10);
    bindTo(model, 5, 4); // it stays one of the recent ones
  }
  EXPECT_EQ(fairway_binding_artefact(bindTo(model, 5, 4).get()),
            fairway_binding_artefact(used.get()));
  EXPECT_NE(fairway_binding_artefact(bindTo(model, 3, 4).get()), forgotten);
  PairsCall call(3, 4, 5);
  ASSERT_EQ(call.run(old.get(), 2), FAIRWAY_OK) << fairway_last_error();
  EXPECT_EQ(call.wrong(), 0);
}

TEST(Binding, ManyThreadsBindManySizes) {
  ModelPtr model = load(artefactPath("pairs"));
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (unsigned caller = 0; caller < 8; ++caller)
    callers.emplace_back([&, caller] {
      std::mt19937 random(caller);
      for (int i = 0; i < 60; ++i) {
        // More sizes than the model keeps, some of them in several threads.
        PairsCall call(random() % 4, random() % 40, random());
        int64_t x[] = {call.batch, call.length}, w[] = {2 * call.length + 1};
        const int64_t *shapes[] = {x, w};
        int64_t sizes[2];
        fairway_binding *made = nullptr;
        if (fairway_model_find_sizes(model.get(), shapes, 2, sizes, 2) ||
            fairway_model_bind(model.get(), sizes, 2, &made)) {
          ++wrong;
          continue;
        }
        BindingPtr binding(made);
        if (call.run(made, 1 + i % 3) != FAIRWAY_OK)
          ++wrong;
        wrong += call.wrong();
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Binding, DestroyingNothingIsAllowed) { fairway_binding_destroy(nullptr); }

TEST(Binding, ChecksItsArguments) {
  ModelPtr model = load(artefactPath("pairs"));
  int64_t sizes[] = {1, 1};
  fairway_binding *binding = nullptr;
  EXPECT_EQ(fairway_model_bind(nullptr, sizes, 2, &binding),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_model_bind(model.get(), sizes, 2, nullptr),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_model_bind(model.get(), nullptr, 2, &binding),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_binding_run(nullptr, nullptr, 0, nullptr, 0, 1),
            FAIRWAY_INVALID_ARGUMENT);
}
