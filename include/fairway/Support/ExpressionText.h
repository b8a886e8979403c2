//===- ExpressionText.h - expressions of sizes for people -------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_EXPRESSIONTEXT_H
#define FAIRWAY_SUPPORT_EXPRESSIONTEXT_H

#include "fairway/Runtime/artefact.h"

#include <string>

namespace fairway {

/// An expression in the names of an artefact's sizes, in Python's notation:
/// "batch", "2*batch*sequence - 1", "batch**2"; "0" for a sum of no terms.
inline std::string expressionText(const fairway_artefact_t &artefact,
                                  const fairway_expression &expression) {
  std::string text;
  for (uint64_t t = 0; t < expression.num_terms; ++t) {
    const fairway_term &term = expression.terms[t];
    std::string product;
    for (uint32_t i = 0; i < artefact.num_sizes; ++i)
      if (unsigned power = term.powers[i]) {
        product += (product.empty() ? "" : "*") +
                   std::string(artefact.sizes[i].name) +
                   (power > 1 ? "**" + std::to_string(power) : "");
      }
    // The magnitude as unsigned: the least int64_t has no opposite.
    bool negative = term.coefficient < 0;
    uint64_t magnitude =
        negative ? -uint64_t(term.coefficient) : uint64_t(term.coefficient);
    if (product.empty())
      product = std::to_string(magnitude);
    else if (magnitude != 1)
      product = std::to_string(magnitude) + "*" + product;
    if (text.empty())
      text = (negative ? "-" : "") + product;
    else
      text += (negative ? " - " : " + ") + product;
  }
  return text.empty() ? "0" : text;
}

} // namespace fairway

#endif // FAIRWAY_SUPPORT_EXPRESSIONTEXT_H
