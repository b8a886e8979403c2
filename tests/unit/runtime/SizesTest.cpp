//===- SizesTest.cpp - what the inputs' extents decide
//----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Sizes.h"
#include "Failure.h"
#include "Testing.h"
#include "fairway/Support/ExpressionText.h"

using namespace fairway;
using namespace fairway::runtime;
using namespace fairway::runtime::testing;

namespace {

/// Sizes "a" and "b", and a sum of the given terms.
struct Sample {
  explicit Sample(std::vector<fairway_term> list) : terms(std::move(list)) {
    artefact.sizes = sizes;
    artefact.num_sizes = 2;
  }
  fairway_expression expression() const { return {terms.data(), terms.size()}; }
  std::string text() const { return expressionText(artefact, expression()); }
  std::optional<int64_t> at(int64_t a, int64_t b) const {
    int64_t values[] = {a, b};
    return evaluate(expression(), values, 2);
  }

  std::vector<fairway_term> terms;
  fairway_size sizes[2] = {{"a", 0, INT64_MAX}, {"b", 0, INT64_MAX}};
  fairway_artefact_t artefact{};
};

/// GCC takes `Sample({})` for two things.
Sample sum(std::vector<fairway_term> terms) { return Sample(std::move(terms)); }

/// What `fairway_model_find_sizes` says of the shapes of artefacts/pairs.c.
struct Found {
  Found(std::vector<int64_t> x, std::vector<int64_t> w)
      : model(load(artefactPath("pairs"))) {
    const int64_t *shapes[] = {x.data(), w.data()};
    status = fairway_model_find_sizes(model.get(), shapes, 2, sizes, 2);
    if (status != FAIRWAY_OK)
      message = fairway_last_error();
  }
  ModelPtr model;
  fairway_status status;
  int64_t sizes[2] = {-1, -1};
  std::string message;
};

void expectRefused(const std::vector<int64_t> &x, const std::vector<int64_t> &w,
                   const std::string &message) {
  Found found(x, w);
  EXPECT_EQ(found.status, FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(found.message, message);
  EXPECT_EQ(found.sizes[0], -1) << "a call that fails changes nothing";
}

} // namespace

TEST(Expression, HasAText) {
  EXPECT_EQ(sum({}).text(), "0");
  EXPECT_EQ(sum({{-7, {}}}).text(), "-7");
  EXPECT_EQ(sum({{1, {1}}}).text(), "a");
  EXPECT_EQ(sum({{-1, {0, 1}}}).text(), "-b");
  EXPECT_EQ(sum({{2, {1, 2}}, {-3, {0, 1}}, {1, {}}}).text(),
            "2*a*b**2 - 3*b + 1");
  EXPECT_EQ(sum({{INT64_MIN, {1}}}).text(), "-9223372036854775808*a");
}

TEST(Expression, IsASumOfProducts) {
  EXPECT_EQ(sum({}).at(3, 4), 0);
  EXPECT_EQ(sum({{2, {1, 2}}, {-3, {0, 1}}, {1, {}}}).at(3, 4),
            2 * 3 * 16 - 12 + 1);
}

TEST(Expression, ThatDoesNotFitHasNoValue) {
  int64_t large = int64_t(1) << 40;
  EXPECT_EQ(sum({{1, {1, 1}}}).at(large, large), std::nullopt);
  EXPECT_EQ(sum({{1, {2}}}).at(large, 1), std::nullopt);
  EXPECT_EQ(sum({{1, {1}}, {1, {}}}).at(INT64_MAX, 1), std::nullopt);
  EXPECT_EQ(sum({{1, {1}}, {1, {}}}).at(INT64_MAX - 1, 1), INT64_MAX);
}

TEST(Expression, OfNothingIsNothingHoweverLargeTheRest) {
  int64_t large = int64_t(1) << 40;
  EXPECT_EQ(sum({{8, {2, 1}}}).at(large, 0), 0);
}

TEST(Expression, MayBeLinear) {
  auto linear = [](std::vector<fairway_term> terms) {
    return asLinear(Sample(std::move(terms)).expression(), 2);
  };
  auto plain = linear({{1, {0, 1}}});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->size, 1u);
  EXPECT_EQ(plain->factor, 1);
  EXPECT_EQ(plain->constant, 0);
  auto full = linear({{5, {}}, {2, {1}}, {1, {1}}});
  ASSERT_TRUE(full);
  EXPECT_EQ(full->size, 0u);
  EXPECT_EQ(full->factor, 3);
  EXPECT_EQ(full->constant, 5);
  EXPECT_FALSE(linear({{4, {}}}));               // decides nothing
  EXPECT_FALSE(linear({{1, {1, 1}}}));           // a product
  EXPECT_FALSE(linear({{1, {2}}}));              // a square
  EXPECT_FALSE(linear({{1, {1}}, {1, {0, 1}}})); // a sum of two
  EXPECT_FALSE(linear({{1, {1}}, {-1, {1}}}));   // cancels
}

TEST(FindSizes, TakesThemFromTheExtents) {
  for (int64_t batch : {0, 1, 32})
    for (int64_t length : {0, 1, 1000}) {
      Found found({batch, length}, {2 * length + 1});
      ASSERT_EQ(found.status, FAIRWAY_OK) << found.message;
      EXPECT_EQ(found.sizes[0], batch);
      EXPECT_EQ(found.sizes[1], length);
    }
}

TEST(FindSizes, NamesTheSizeThatIsOutsideItsLimits) {
  expectRefused({40, 3}, {7},
                "input 'x' has 40 as axis 0 ('batch'); the model was compiled "
                "for 0 to 32");
}

TEST(FindSizes, NamesTheInputsThatDisagree) {
  expectRefused(
      {2, 3}, {9},
      "input 'w' has 9 as axis 0 ('2*length + 1'), but length is 3 by "
      "axis 1 of input 'x'");
}

TEST(FindSizes, RefusesNegativeExtents) {
  expectRefused(
      {-2, 3}, {7},
      "input 'x' has -2 as axis 0 ('batch'), which must be 0 or more");
}

TEST(FindSizes, SolvesWhatIsLinear) {
  // Without the axis that is the length itself.
  ModelPtr model = load(artefactPath("pairs"));
  fairway_artefact_t artefact = *fairway_model_artefact(model.get());
  std::vector<fairway_varying> varying(artefact.varying,
                                       artefact.varying + artefact.num_varying);
  varying.erase(varying.begin() + 1);
  artefact.varying = varying.data();
  artefact.num_varying = varying.size();
  SizeFinder finder(artefact);
  auto find = [&](int64_t length, int64_t pairs) {
    int64_t x[] = {2, length}, w[] = {pairs}, sizes[2];
    const int64_t *shapes[] = {x, w};
    finder.find(shapes, 2, sizes, 2);
    return sizes[1];
  };
  EXPECT_EQ(find(3, 21), 10);
  EXPECT_EQ(find(3, 1), 0);
  auto message = [&](int64_t length, int64_t pairs) -> std::string {
    try {
      find(length, pairs);
      return "";
    } catch (const Failure &failure) {
      return failure.message;
    }
  };
  EXPECT_EQ(message(3, 8), "input 'w' has 8 as axis 0 ('2*length + 1'), which "
                           "no whole length gives");
  EXPECT_EQ(message(4, 21), "input 'x' has 4 as axis 1, the model needs 3");
  fairway_size limits[] = {{"batch", 0, 32}, {"length", 2, 5}};
  artefact.sizes = limits;
  EXPECT_EQ(message(3, 13), "input 'w' has 13 as axis 0 ('2*length + 1'), so "
                            "length is 6; the model was compiled for 2 to 5");
}

TEST(FindSizes, BelievesAnAxisThatIsTheSizeItself) {
  // Whatever the order of the inputs is.
  ModelPtr model = load(artefactPath("pairs"));
  fairway_artefact_t artefact = *fairway_model_artefact(model.get());
  fairway_tensor_desc inputs[] = {artefact.inputs[1], artefact.inputs[0]};
  artefact.inputs = inputs;
  std::vector<fairway_varying> varying(artefact.varying,
                                       artefact.varying + artefact.num_varying);
  for (fairway_varying &field : varying)
    if (field.field == FAIRWAY_INPUT_EXTENT)
      field.index = 1 - field.index;
  artefact.varying = varying.data();
  int64_t w[] = {9}, x[] = {2, 3}, sizes[2];
  const int64_t *shapes[] = {w, x};
  std::string message;
  try {
    SizeFinder(artefact).find(shapes, 2, sizes, 2);
  } catch (const Failure &failure) {
    message = failure.message;
  }
  EXPECT_EQ(message, "input 'w' has 9 as axis 0 ('2*length + 1'), but length "
                     "is 3 by axis 1 of input 'x'");
}

TEST(FindSizes, ChecksItsArguments) {
  ModelPtr model = load(artefactPath("pairs"));
  int64_t x[] = {2, 3}, w[] = {7}, sizes[2];
  const int64_t *shapes[] = {x, w}, *missing[] = {x, nullptr};
  EXPECT_EQ(fairway_model_find_sizes(model.get(), shapes, 1, sizes, 2),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_model_find_sizes(model.get(), shapes, 2, sizes, 1),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_model_find_sizes(model.get(), nullptr, 2, sizes, 2),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_model_find_sizes(model.get(), shapes, 2, nullptr, 2),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_model_find_sizes(model.get(), missing, 2, sizes, 2),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_model_find_sizes(nullptr, shapes, 2, sizes, 2),
            FAIRWAY_INVALID_ARGUMENT);
}

TEST(FindSizes, OfAModelWithoutAnyChecksTheShapes) {
  ModelPtr model = load(artefactPath("weights"));
  int64_t right[] = {64, 64}, wrong[] = {64, 63};
  const int64_t *shapes[] = {right};
  EXPECT_EQ(fairway_model_find_sizes(model.get(), shapes, 1, nullptr, 0),
            FAIRWAY_OK);
  shapes[0] = wrong;
  EXPECT_EQ(fairway_model_find_sizes(model.get(), shapes, 1, nullptr, 0),
            FAIRWAY_INVALID_ARGUMENT);
  EXPECT_STREQ(fairway_last_error(),
               "input 'x' has 63 as axis 1, the model needs 64");
}
