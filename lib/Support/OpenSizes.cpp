//===- OpenSizes.cpp - numbers that calls decide --------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Support/OpenSizes.h"

using namespace mlir;
using namespace fairway;

FailureOr<OpenSizes> OpenSizes::of(ArrayRef<ModuleOp> samples) {
  // As many as `PolynomialFinder` needs.
  if (samples.size() != 3)
    return ModuleOp(samples.front())
               .emitError("a model of open sizes has three samples, not ")
           << samples.size();
  SmallVector<SmallVector<int64_t, 2>> numbers;
  SmallVector<Size, 2> first;
  for (ModuleOp sample : samples) {
    FailureOr<SmallVector<Size, 2>> sizes = readSizes(sample);
    if (failed(sizes))
      return failure();
    if (first.empty())
      first = *sizes;
    if (sizes->empty() || sizes->size() != first.size())
      return sample.emitError("a sample has other sizes than the first one");
    numbers.emplace_back(
        llvm::map_range(*sizes, [](const Size &size) { return size.sample; }));
  }
  return OpenSizes(std::move(first), PolynomialFinder(numbers));
}

/// Looks at the corners of the range, up to the samples where there is no
/// limit: a size's polynomial only falls where one size is near its end.
bool OpenSizes::canBeNegative(const Polynomial &polynomial) const {
  for (unsigned corner = 0; corner < (1u << first.size()); ++corner) {
    SmallVector<int64_t> at;
    for (auto [k, size] : llvm::enumerate(first))
      at.push_back(
          corner >> k & 1
              ? std::max(size.minimum, std::min(size.maximum, size.sample))
              : size.minimum);
    if (polynomial.at(at).value_or(-1) < 0)
      return true;
  }
  return false;
}

std::optional<Polynomial> OpenSizes::find(ArrayRef<int64_t> values) {
  std::optional<Polynomial> found = finder.find(values);
  // A constant may be: it is no size then, but an offset or a number.
  if (found && !llvm::all_equal(values) && canBeNegative(*found))
    return std::nullopt;
  return found;
}

ArrayAttr fairway::toAttr(ArrayRef<Polynomial> expressions, Builder &builder) {
  SmallVector<Attribute> list;
  for (const Polynomial &expression : expressions) {
    SmallVector<Attribute> terms;
    for (const Polynomial::Term &term : expression.terms) {
      SmallVector<int64_t> numbers{term.coefficient};
      llvm::append_range(numbers, term.powers);
      terms.push_back(builder.getI64ArrayAttr(numbers));
    }
    list.push_back(builder.getArrayAttr(terms));
  }
  return builder.getArrayAttr(list);
}

FailureOr<std::vector<Polynomial>> fairway::readExpressions(ModuleOp module) {
  std::vector<Polynomial> expressions;
  auto malformed = [&] {
    return module.emitError("malformed ") << kExpressionsAttr;
  };
  auto list = module->getAttrOfType<ArrayAttr>(kExpressionsAttr);
  for (Attribute element : list ? list.getValue() : ArrayRef<Attribute>()) {
    auto terms = dyn_cast<ArrayAttr>(element);
    if (!terms)
      return malformed();
    Polynomial polynomial;
    for (Attribute term : terms) {
      auto numbers = dyn_cast<ArrayAttr>(term);
      if (!numbers || numbers.empty() ||
          !llvm::all_of(numbers, llvm::IsaPred<IntegerAttr>))
        return malformed();
      auto values = llvm::map_to_vector(
          numbers, [](Attribute a) { return cast<IntegerAttr>(a).getInt(); });
      polynomial.terms.push_back(
          {values.front(), Powers(llvm::drop_begin(values))});
    }
    expressions.push_back(std::move(polynomial));
  }
  return expressions;
}
