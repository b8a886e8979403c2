//===- Testing.h - what the runtime's tests share ---------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_TESTS_UNIT_RUNTIME_TESTING_H
#define FAIRWAY_TESTS_UNIT_RUNTIME_TESTING_H

#include "fairway/Runtime/runtime.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace fairway::runtime::testing {

/// Path of a model made from artefacts/affine.c.
inline std::string artefactPath(const std::string &name) {
  return ARTEFACTS "/" + name + ".so";
}

struct Destroy {
  void operator()(fairway_model *model) const { fairway_model_destroy(model); }
};
using ModelPtr = std::unique_ptr<fairway_model, Destroy>;

inline ModelPtr load(const std::string &path) {
  fairway_model *model = nullptr;
  EXPECT_EQ(fairway_model_load(path.c_str(), &model), FAIRWAY_OK)
      << fairway_last_error();
  return ModelPtr(model);
}

/// Expects that loading `path` fails with `status` and says `words`.
inline void expectLoadError(const std::string &path, fairway_status status,
                            const std::string &words) {
  fairway_model *model = reinterpret_cast<fairway_model *>(1);
  EXPECT_EQ(fairway_model_load(path.c_str(), &model), status)
      << fairway_last_error();
  EXPECT_EQ(model, nullptr);
  EXPECT_NE(std::string(fairway_last_error()).find(words), std::string::npos)
      << fairway_last_error();
}

/// Elements of each tensor of artefacts/affine.c.
constexpr size_t affineSize = 4096;

/// One call of artefacts/affine.c: y = sum(z), z = scale w x + b.
struct AffineCall {
  explicit AffineCall(float x) : x(affineSize, x), z(affineSize) {}

  fairway_status run(fairway_model *model, unsigned threads) {
    const void *inputs[] = {x.data()};
    void *outputs[] = {&y, z.data()};
    return fairway_model_run(model, inputs, 1, outputs, 2, threads);
  }
  void expect(float value) const {
    for (size_t i = 0; i < affineSize; ++i)
      ASSERT_EQ(z[i], value) << "element " << i;
    EXPECT_EQ(y, value * affineSize);
  }

  std::vector<float> x;
  float y = 0;
  std::vector<float> z;
};

/// Parameters of artefacts/affine.c, all elements equal.
struct AffineParameters {
  AffineParameters(float w, float b) : w(affineSize, w), b(affineSize, b) {}

  void set(fairway_model *model) const {
    const void *values[] = {w.data(), b.data()};
    ASSERT_EQ(fairway_model_set_parameters(model, values, 2), FAIRWAY_OK)
        << fairway_last_error();
  }
  void prepare(fairway_model *model, unsigned threads = 2) const {
    set(model);
    ASSERT_EQ(fairway_model_prepare(model, threads), FAIRWAY_OK)
        << fairway_last_error();
  }

  std::vector<float> w, b;
};

} // namespace fairway::runtime::testing

#endif // FAIRWAY_TESTS_UNIT_RUNTIME_TESTING_H
