//===- Polynomial.h - numbers that depend on open sizes ----------*- C++
//-*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_POLYNOMIAL_H
#define FAIRWAY_SUPPORT_POLYNOMIAL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace fairway {

/// The exponent of each size.
using Powers = llvm::SmallVector<uint8_t, 2>;

/// A sum of products of sizes with whole coefficients: `2*batch*sequence + 1`.
struct Polynomial {
  struct Term {
    int64_t coefficient = 0;
    Powers powers;
    bool operator==(const Term &other) const {
      return coefficient == other.coefficient && powers == other.powers;
    }
  };
  llvm::SmallVector<Term, 2> terms;

  bool operator==(const Polynomial &other) const {
    return terms == other.terms;
  }

  /// The value for certain sizes; nothing if it does not fit.
  std::optional<int64_t> at(llvm::ArrayRef<int64_t> sizes) const;
};

/// Finds polynomials by their values at three samples of the sizes.
///
/// Tried are sums of one, then of two, then of three terms of degree four and
/// less; what the samples do not determine they confirm, or the coefficients do
/// by being whole: a sum that merely happens to fit would need a quotient of
/// two large numbers without a common factor to be one.
class PolynomialFinder {
public:
  /// `samples[i][k]` is size k in sample i.
  explicit PolynomialFinder(
      llvm::ArrayRef<llvm::SmallVector<int64_t, 2>> samples);

  /// The polynomial that has `values[i]` at sample i; nothing if none is found.
  std::optional<Polynomial> find(llvm::ArrayRef<int64_t> values);

private:
  std::optional<Polynomial> search(llvm::ArrayRef<int64_t> values) const;

  struct Monomial {
    Powers powers;
    llvm::SmallVector<int64_t, 3> values;
  };
  size_t numSizes;
  std::vector<Monomial> monomials; ///< by degree
  std::map<std::vector<int64_t>, std::optional<Polynomial>> known;
};

/// Polynomials with numbers. The first ones are the sizes themselves.
class ExpressionTable {
public:
  explicit ExpressionTable(size_t numSizes);

  unsigned numberOf(const Polynomial &polynomial);
  llvm::ArrayRef<Polynomial> all() const { return polynomials; }

private:
  std::vector<Polynomial> polynomials;
};

} // namespace fairway

#endif // FAIRWAY_SUPPORT_POLYNOMIAL_H
