//===- Sizes.cpp - what calls of a model decide ---------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Sizes.h"
#include "Failure.h"
#include "fairway/Support/ExpressionText.h"

#include <algorithm>

using namespace fairway::runtime;

namespace {

/// "the model was compiled for 1 to 32"
std::string limitsText(const fairway_size &size) {
  std::string text =
      "the model was compiled for " + std::to_string(size.minimum);
  if (size.maximum == INT64_MAX)
    return text + " or more";
  return size.minimum == size.maximum
             ? text
             : text + " to " + std::to_string(size.maximum);
}

bool isWithin(const fairway_size &size, int64_t value) {
  return size.minimum <= value && value <= size.maximum;
}

std::string quoted(const std::string &name) { return "'" + name + "'"; }

} // namespace

std::optional<int64_t>
fairway::runtime::evaluate(const fairway_expression &expression,
                           const int64_t *sizes, uint32_t numSizes) {
  int64_t sum = 0;
  for (uint64_t t = 0; t < expression.num_terms; ++t) {
    const fairway_term &term = expression.terms[t];
    // Whatever the other sizes are: their product alone may not fit.
    bool isZero = false;
    for (uint32_t i = 0; i < numSizes; ++i)
      isZero |= term.powers[i] && sizes[i] == 0;
    if (isZero)
      continue;
    int64_t product = term.coefficient;
    for (uint32_t i = 0; i < numSizes; ++i)
      for (unsigned power = 0; power < term.powers[i]; ++power)
        if (__builtin_mul_overflow(product, sizes[i], &product))
          return std::nullopt;
    if (__builtin_add_overflow(sum, product, &sum))
      return std::nullopt;
  }
  return sum;
}

std::optional<Linear>
fairway::runtime::asLinear(const fairway_expression &expression,
                           uint32_t numSizes) {
  Linear result{numSizes, 0, 0};
  for (uint64_t t = 0; t < expression.num_terms; ++t) {
    const fairway_term &term = expression.terms[t];
    unsigned degree = 0;
    uint32_t size = numSizes;
    for (uint32_t i = 0; i < numSizes; ++i)
      if (term.powers[i]) {
        degree += term.powers[i];
        size = i;
      }
    if (degree > 1 ||
        (degree == 1 && result.size != numSizes && result.size != size))
      return std::nullopt;
    if (degree == 1)
      result.size = size;
    int64_t &part = degree ? result.factor : result.constant;
    if (__builtin_add_overflow(part, term.coefficient, &part))
      return std::nullopt;
  }
  return result.factor ? std::optional(result) : std::nullopt;
}

std::string fairway::runtime::sizesText(const fairway_artefact_t &artefact,
                                        const int64_t *sizes) {
  std::string text;
  for (uint32_t i = 0; i < artefact.num_sizes; ++i)
    text += (i ? ", " : "") + std::string(artefact.sizes[i].name) + " = " +
            std::to_string(sizes[i]);
  return text;
}

void fairway::runtime::checkSizes(const fairway_artefact_t &artefact,
                                  const int64_t *sizes, size_t count) {
  uint32_t open = artefact.num_sizes;
  if (count != open)
    fail(FAIRWAY_INVALID_ARGUMENT, "the model has " + std::to_string(open) +
                                       " open size" + (open == 1 ? "" : "s") +
                                       ", " + std::to_string(count) + " given");
  if (count && !sizes)
    fail(FAIRWAY_INVALID_ARGUMENT, "the sizes are NULL");
  for (uint32_t i = 0; i < open; ++i)
    if (const fairway_size &size = artefact.sizes[i]; !isWithin(size, sizes[i]))
      fail(FAIRWAY_INVALID_ARGUMENT, "size " + quoted(size.name) + " is " +
                                         std::to_string(sizes[i]) + ", " +
                                         limitsText(size));
}

SizeFinder::SizeFinder(const fairway_artefact_t &artefact)
    : artefact(artefact) {
  std::vector<size_t> first; // of each input's axes
  for (uint32_t input = 0; input < artefact.num_inputs; ++input) {
    first.push_back(axes.size());
    for (uint32_t axis = 0; axis < artefact.inputs[input].rank; ++axis)
      axes.push_back({input, axis, nullptr, std::nullopt});
  }
  for (uint64_t i = 0; i < artefact.num_varying; ++i) {
    const fairway_varying &varying = artefact.varying[i];
    if (varying.field != FAIRWAY_INPUT_EXTENT)
      continue;
    Axis &axis = axes[first[varying.index] + varying.part];
    axis.expression = &artefact.expressions[varying.expression];
    axis.linear = asLinear(*axis.expression, artefact.num_sizes);
  }
}

/// "input 'x' has 40 as axis 1 ('sequence')"
std::string SizeFinder::describe(const Axis &axis, int64_t extent) const {
  std::string text = "input " + quoted(artefact.inputs[axis.input].name) +
                     " has " + std::to_string(extent) + " as axis " +
                     std::to_string(axis.axis);
  if (axis.expression)
    text += " (" + quoted(expressionText(artefact, *axis.expression)) + ")";
  return text;
}

/// The size for which a linear axis has this extent.
SizeFinder::Solution SizeFinder::solve(const Axis &axis, int64_t extent) const {
  const Linear &linear = *axis.linear;
  const fairway_size &size = artefact.sizes[linear.size];
  int64_t multiple;
  if (__builtin_sub_overflow(extent, linear.constant, &multiple) ||
      multiple % linear.factor != 0)
    fail(FAIRWAY_INVALID_ARGUMENT,
         describe(axis, extent) + ", which no whole " + size.name + " gives");
  int64_t value = multiple / linear.factor;
  if (!isWithin(size, value))
    fail(FAIRWAY_INVALID_ARGUMENT,
         describe(axis, extent) +
             (value == extent ? ""
                              : ", so " + std::string(size.name) + " is " +
                                    std::to_string(value)) +
             "; " + limitsText(size));
  return {&axis, value};
}

/// Throws a Failure unless the axis has the extent that the sizes ask for.
void SizeFinder::verify(const Axis &axis, int64_t extent,
                        const std::vector<Solution> &solutions,
                        const int64_t *sizes) const {
  if (!axis.expression) {
    int64_t needed = artefact.inputs[axis.input].shape[axis.axis];
    if (extent != needed)
      fail(FAIRWAY_INVALID_ARGUMENT, describe(axis, extent) +
                                         ", the model needs " +
                                         std::to_string(needed));
    return;
  }
  std::optional<int64_t> needed =
      evaluate(*axis.expression, sizes, artefact.num_sizes);
  if (needed == extent)
    return;
  std::string text = describe(axis, extent);
  if (axis.linear) {
    const Solution &other = solutions[axis.linear->size];
    text += ", but " + std::string(artefact.sizes[axis.linear->size].name) +
            " is " + std::to_string(other.value) + " by axis " +
            std::to_string(other.source->axis) + " of input " +
            quoted(artefact.inputs[other.source->input].name);
  } else {
    text += ", but " + sizesText(artefact, sizes) +
            (needed ? " make it " + std::to_string(*needed)
                    : " make it larger than 64 bits can say");
  }
  fail(FAIRWAY_INVALID_ARGUMENT, text);
}

void SizeFinder::find(const int64_t *const *shapes, size_t numInputs,
                      int64_t *sizes, size_t numSizes) const {
  if (numInputs != artefact.num_inputs || numSizes != artefact.num_sizes)
    fail(FAIRWAY_INVALID_ARGUMENT,
         "the model has " + std::to_string(artefact.num_inputs) +
             " inputs and " + std::to_string(artefact.num_sizes) +
             " open sizes, " + std::to_string(numInputs) + " and " +
             std::to_string(numSizes) + " given");
  if ((numInputs && !shapes) || (numSizes && !sizes))
    fail(FAIRWAY_INVALID_ARGUMENT, "the shapes or sizes are NULL");
  for (const Axis &axis : axes) {
    if (!shapes[axis.input])
      fail(FAIRWAY_INVALID_ARGUMENT,
           "the shape of input " + quoted(artefact.inputs[axis.input].name) +
               " is NULL");
    if (int64_t extent = shapes[axis.input][axis.axis]; extent < 0)
      fail(FAIRWAY_INVALID_ARGUMENT,
           describe(axis, extent) + ", which must be 0 or more");
  }

  // An axis that is a size itself is the better witness in messages.
  std::vector<Solution> solutions(numSizes);
  auto isSize = [](const Axis &axis) {
    return axis.linear->factor == 1 && axis.linear->constant == 0;
  };
  for (bool plain : {true, false})
    for (const Axis &axis : axes)
      if (axis.linear && !solutions[axis.linear->size].source &&
          (!plain || isSize(axis)))
        solutions[axis.linear->size] =
            solve(axis, shapes[axis.input][axis.axis]);
  std::vector<int64_t> found;
  for (const Solution &solution : solutions)
    found.push_back(solution.value);
  for (const Axis &axis : axes)
    verify(axis, shapes[axis.input][axis.axis], solutions, found.data());
  std::copy(found.begin(), found.end(), sizes);
}
