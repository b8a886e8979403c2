//===- Sizes.h - what calls of a model decide -------------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_SIZES_H
#define FAIRWAY_LIB_RUNTIME_SIZES_H

#include "fairway/Runtime/artefact.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace fairway::runtime {

/// The value of an expression; nothing if it does not fit into 64 bits.
std::optional<int64_t> evaluate(const fairway_expression &expression,
                                const int64_t *sizes, uint32_t numSizes);

/// An expression `factor * size + constant` of one size; `factor` is not 0.
struct Linear {
  uint32_t size;
  int64_t factor;
  int64_t constant;
};

/// `expression` as a Linear; nothing if it is none.
std::optional<Linear> asLinear(const fairway_expression &expression,
                               uint32_t numSizes);

/// "batch = 4, sequence = 128"
std::string sizesText(const fairway_artefact_t &artefact, const int64_t *sizes);

/// Throws a Failure unless there are as many sizes as the model leaves open and
/// each is within its limits.
void checkSizes(const fairway_artefact_t &artefact, const int64_t *sizes,
                size_t count);

/// How the extents of a model's inputs decide its sizes.
class SizeFinder {
public:
  /// The artefact must be checked and outlive this.
  explicit SizeFinder(const fairway_artefact_t &artefact);

  /// Fills `sizes` in; `shapes` holds the extents of each input. Throws a
  /// Failure naming the input and axis that does not fit.
  void find(const int64_t *const *shapes, size_t numInputs, int64_t *sizes,
            size_t numSizes) const;

private:
  /// An axis of an input.
  struct Axis {
    uint32_t input, axis;
    const fairway_expression *expression; ///< null if the extent is fixed
    std::optional<Linear> linear;
  };
  /// A size that an axis decided.
  struct Solution {
    const Axis *source = nullptr; ///< null while the size is not known
    int64_t value = 0;
  };

  std::string describe(const Axis &axis, int64_t extent) const;
  Solution solve(const Axis &axis, int64_t extent) const;
  void verify(const Axis &axis, int64_t extent,
              const std::vector<Solution> &solutions,
              const int64_t *sizes) const;

  const fairway_artefact_t &artefact;
  std::vector<Axis> axes;
};

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_SIZES_H
