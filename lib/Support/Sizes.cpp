//===- Sizes.cpp - sizes that stay open until a call ----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Support/Sizes.h"

using namespace mlir;
using namespace fairway;

static ArrayAttr findSizes(Operation *op) {
  for (; op; op = op->getParentOp())
    if (auto sizes = op->getAttrOfType<ArrayAttr>(kSizesAttr))
      return sizes;
  return {};
}

FailureOr<SmallVector<Size, 2>> fairway::readSizes(Operation *op) {
  SmallVector<Size, 2> sizes;
  ArrayAttr list = findSizes(op);
  for (Attribute element : list ? list.getValue() : ArrayRef<Attribute>()) {
    auto fields = dyn_cast<DictionaryAttr>(element);
    auto name = fields ? fields.getAs<StringAttr>("name") : nullptr;
    Size size;
    bool complete = name && !name.empty();
    auto read = [&](StringRef key, int64_t &value) {
      auto number = complete ? fields.getAs<IntegerAttr>(key) : nullptr;
      complete &= bool(number);
      if (number)
        value = number.getInt();
    };
    read("min", size.minimum);
    read("max", size.maximum);
    read("hint", size.hint);
    read("sample", size.sample);
    if (!complete || size.minimum < 0 || size.minimum > size.maximum ||
        size.hint < 1 || size.sample <= 64)
      return op->emitError("malformed ") << kSizesAttr << ": " << element;
    size.name = name.str();
    sizes.push_back(std::move(size));
  }
  return sizes;
}

SmallVector<ModuleOp> fairway::getSamples(ModuleOp wrapper) {
  return llvm::to_vector(wrapper.getOps<ModuleOp>());
}

Hints::Hints(Operation *op) {
  if (FailureOr<SmallVector<Size, 2>> read = readSizes(op); succeeded(read))
    sizes = std::move(*read);
}

int64_t Hints::of(int64_t extent) const {
  if (ShapedType::isDynamic(extent))
    return extent;
  for (const Size &size : sizes) {
    // A multiple, such as batch times heads; then one or two more, as with a
    // token that is put in front of a sequence.
    if (extent >= size.sample && extent % size.sample == 0)
      return of(extent / size.sample) * size.hint;
    if (std::abs(extent - size.sample) <= 2 && extent != size.sample)
      return std::max<int64_t>(1, size.hint + extent - size.sample);
  }
  return extent;
}

SmallVector<int64_t> Hints::of(linalg::LinalgOp op) const {
  return llvm::map_to_vector(op.getStaticLoopRanges(),
                             [&](int64_t extent) { return of(extent); });
}

int64_t Hints::openTile(int64_t tile) const {
  constexpr int64_t kLarge = 300, kMost = 256, kMostOfSmall = 64;
  int64_t most = kMost;
  for (const Size &size : sizes)
    if (size.sample < kLarge)
      most = kMostOfSmall;
  return tile == 2 ? 3 : std::min(tile, most);
}
