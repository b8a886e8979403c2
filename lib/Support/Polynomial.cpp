//===- Polynomial.cpp - numbers that depend on open sizes -----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Support/Polynomial.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <array>
#include <numeric>

using namespace fairway;

/// Products of sizes of a higher degree are none that a tensor's size has.
static constexpr unsigned kMaxDegree = 4;

std::optional<int64_t> Polynomial::at(llvm::ArrayRef<int64_t> sizes) const {
  int64_t sum = 0;
  for (const Term &term : terms) {
    int64_t product = term.coefficient;
    for (auto [size, power] : llvm::zip(sizes, term.powers))
      for (unsigned i = 0; i < power; ++i)
        if (llvm::MulOverflow(product, size, product))
          return std::nullopt;
    if (llvm::AddOverflow(sum, product, sum))
      return std::nullopt;
  }
  return sum;
}

/// Appends all products of the sizes from `next` on, of degree `left` at most.
static void addPowers(Powers &powers, size_t next, unsigned left,
                      std::vector<Powers> &all) {
  if (next == powers.size()) {
    all.push_back(powers);
    return;
  }
  for (unsigned power = 0; power <= left; ++power) {
    powers[next] = power;
    addPowers(powers, next + 1, left - power, all);
  }
  powers[next] = 0;
}

PolynomialFinder::PolynomialFinder(
    llvm::ArrayRef<llvm::SmallVector<int64_t, 2>> samples)
    : numSizes(samples.front().size()) {
  Powers none(numSizes, 0);
  std::vector<Powers> all;
  addPowers(none, 0, kMaxDegree, all);
  llvm::stable_sort(all, [](const Powers &a, const Powers &b) {
    return std::accumulate(a.begin(), a.end(), 0) <
           std::accumulate(b.begin(), b.end(), 0);
  });
  for (Powers &powers : all) {
    Monomial monomial{powers, {}};
    Polynomial product{{{1, powers}}};
    for (llvm::ArrayRef<int64_t> sizes : samples)
      monomial.values.push_back(product.at(sizes).value_or(0));
    if (!llvm::is_contained(monomial.values, 0))
      monomials.push_back(std::move(monomial));
  }
}

std::optional<Polynomial>
PolynomialFinder::find(llvm::ArrayRef<int64_t> values) {
  auto [it, isNew] = known.try_emplace(values.vec());
  if (isNew)
    it->second = search(values);
  return it->second;
}

namespace {
using Wide = __int128;
/// Values of up to three monomials at the three samples.
using Column = std::array<Wide, 3>;
} // namespace

static Wide determinant(const Column &a, const Column &b, const Column &c) {
  return a[0] * (b[1] * c[2] - b[2] * c[1]) -
         b[0] * (a[1] * c[2] - a[2] * c[1]) +
         c[0] * (a[1] * b[2] - a[2] * b[1]);
}

static std::optional<int64_t> divide(Wide dividend, Wide divisor) {
  if (divisor == 0 || dividend % divisor != 0)
    return std::nullopt;
  Wide quotient = dividend / divisor;
  // No size has a coefficient near this; and it keeps the arithmetic exact.
  constexpr Wide limit = Wide(1) << 50;
  if (quotient == 0 || quotient > limit || quotient < -limit)
    return std::nullopt;
  return int64_t(quotient);
}

std::optional<Polynomial>
PolynomialFinder::search(llvm::ArrayRef<int64_t> values) const {
  if (llvm::all_equal(values)) {
    if (values[0] == 0)
      return Polynomial();
    return Polynomial{{{values[0], Powers(numSizes, 0)}}};
  }
  // In the order of simplicity. All numbers stay below 2^63, so that products
  // of two fit; three terms are tried only where products of three do.
  auto column = [](llvm::ArrayRef<int64_t> numbers) {
    return Column{numbers[0], numbers[1], numbers[2]};
  };
  Column wanted = column(values);
  for (const Monomial &m : monomials)
    if (auto factor = divide(wanted[0], m.values[0]))
      if (Wide(*factor) * m.values[1] == wanted[1] &&
          Wide(*factor) * m.values[2] == wanted[2])
        return Polynomial{{{*factor, m.powers}}};
  for (size_t i = 0; i < monomials.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      Column a = column(monomials[i].values), b = column(monomials[j].values);
      Wide det = a[0] * b[1] - a[1] * b[0];
      auto x = divide(wanted[0] * b[1] - wanted[1] * b[0], det);
      auto y = divide(a[0] * wanted[1] - a[1] * wanted[0], det);
      if (x && y && *x * a[2] + *y * b[2] == wanted[2])
        return Polynomial{
            {{*x, monomials[i].powers}, {*y, monomials[j].powers}}};
    }
  constexpr Wide small = Wide(1) << 40;
  for (Wide number : wanted)
    if (number > small || number < -small)
      return std::nullopt;
  for (size_t i = 0; i < monomials.size(); ++i) {
    if (llvm::any_of(monomials[i].values,
                     [&](int64_t value) { return value > small; }))
      continue;
    for (size_t j = 0; j < i; ++j)
      for (size_t k = 0; k < j; ++k) {
        Column a = column(monomials[i].values), b = column(monomials[j].values),
               c = column(monomials[k].values);
        Wide det = determinant(a, b, c);
        auto x = divide(determinant(wanted, b, c), det);
        auto y = divide(determinant(a, wanted, c), det);
        auto z = divide(determinant(a, b, wanted), det);
        if (x && y && z)
          return Polynomial{{{*x, monomials[i].powers},
                             {*y, monomials[j].powers},
                             {*z, monomials[k].powers}}};
      }
  }
  return std::nullopt;
}

ExpressionTable::ExpressionTable(size_t numSizes) {
  for (size_t i = 0; i < numSizes; ++i) {
    Powers powers(numSizes, 0);
    powers[i] = 1;
    polynomials.push_back({{{1, powers}}});
  }
}

unsigned ExpressionTable::numberOf(const Polynomial &polynomial) {
  auto it = llvm::find(polynomials, polynomial);
  if (it == polynomials.end()) {
    polynomials.push_back(polynomial);
    return polynomials.size() - 1;
  }
  return it - polynomials.begin();
}
