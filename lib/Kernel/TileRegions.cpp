//===- TileRegions.cpp - what a kernel's tiles touch ----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileRegions.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace fairway;

namespace {

/// Elements that a tile touches, counted from the start of an argument: of the
/// range of `length` that begins at `start` plus, for each loop, its induction
/// variable times a factor.
struct TouchedRange {
  SmallVector<int64_t> factors;
  int64_t start = 0;
  int64_t length = 0;
};

class RegionFinder {
public:
  explicit RegionFinder(scf::ForallOp loop) : loop(loop) {
    auto lower = *getConstantIntValues(loop.getMixedLowerBound());
    auto upper = *getConstantIntValues(loop.getMixedUpperBound());
    steps = *getConstantIntValues(loop.getMixedStep());
    for (auto [lo, hi, step] : llvm::zip(lower, upper, steps))
      counts.push_back(hi > lo ? int64_t(llvm::divideCeil(hi - lo, step)) : 0);
    startsAtZero = llvm::all_of(lower, [](int64_t lo) { return lo == 0; });
  }

  int64_t findSlab(BlockArgument argument);
  SmallVector<TiledDimension> findDimensions(Value buffer);

private:
  bool visit(Value view, const TouchedRange &range);
  std::optional<TouchedRange> narrow(memref::SubViewOp subview,
                                     const TouchedRange &range);
  bool add(OpFoldResult index, int64_t stride, TouchedRange &range);
  std::optional<int64_t> slabOf(const TouchedRange &range) const;

  scf::ForallOp loop;
  SmallVector<int64_t> steps, counts;
  bool startsAtZero;
  SmallVector<TouchedRange> touched;
};

} // namespace

/// The largest value that a size may have; nothing if that is not known.
static std::optional<int64_t> boundSize(OpFoldResult size) {
  if (auto constant = getConstantIntValue(size))
    return *constant;
  FailureOr<int64_t> bound = ValueBoundsConstraintSet::computeConstantBound(
      presburger::BoundType::UB, cast<Value>(size), /*stopCondition=*/nullptr,
      /*closedUB=*/true);
  return succeeded(bound) ? std::optional<int64_t>(*bound) : std::nullopt;
}

/// Adds `stride` times `index` to where `range` begins. False unless `index` is
/// a linear function of the loop's induction variables.
bool RegionFinder::add(OpFoldResult index, int64_t stride,
                       TouchedRange &range) {
  if (auto constant = getConstantIntValue(index)) {
    range.start += *constant * stride;
    return true;
  }
  auto value = cast<Value>(index);
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    if (arg.getOwner() != loop.getBody())
      return false;
    range.factors[arg.getArgNumber()] += stride;
    return true;
  }
  auto apply = value.getDefiningOp<affine::AffineApplyOp>();
  if (!apply)
    return false;
  AffineMap map = apply.getAffineMap();
  SmallVector<int64_t> flat;
  if (failed(getFlattenedAffineExpr(map.getResult(0), map.getNumDims(),
                                    map.getNumSymbols(), &flat)) ||
      flat.size() != map.getNumInputs() + 1)
    return false;
  range.start += flat.back() * stride;
  for (auto [factor, operand] : llvm::zip(flat, apply.getMapOperands()))
    if (factor && !add(operand, factor * stride, range))
      return false;
  return true;
}

std::optional<TouchedRange> RegionFinder::narrow(memref::SubViewOp subview,
                                                 const TouchedRange &range) {
  auto [strides, offset] = subview.getSourceType().getStridesAndOffset();
  TouchedRange result = range;
  result.length = 1;
  for (auto [index, size, step, stride] :
       llvm::zip(subview.getMixedOffsets(), subview.getMixedSizes(),
                 subview.getMixedStrides(), strides)) {
    std::optional<int64_t> extent = boundSize(size);
    std::optional<int64_t> apart = getConstantIntValue(step);
    if (ShapedType::isDynamic(stride) || stride < 0 || !extent || !apart ||
        !add(index, stride, result))
      return std::nullopt;
    result.length += std::max<int64_t>(*extent - 1, 0) * *apart * stride;
  }
  return result;
}

/// Collects what is touched through `view`, which begins where `range` does.
bool RegionFinder::visit(Value view, const TouchedRange &range) {
  for (Operation *user : view.getUsers()) {
    if (auto subview = dyn_cast<memref::SubViewOp>(user)) {
      std::optional<TouchedRange> narrower = narrow(subview, range);
      if (!narrower || !visit(subview, *narrower))
        return false;
    } else if (isa<memref::ExpandShapeOp, memref::CollapseShapeOp,
                   memref::CastOp>(user)) {
      if (!visit(user->getResult(0), range))
        return false;
    } else if (isa<ViewLikeOpInterface>(user) ||
               (!loop->isAncestor(user) && !isMemoryEffectFree(user))) {
      return false;
    } else {
      touched.push_back(range);
    }
  }
  return true;
}

/// The bytes by which `range` moves from one tile to the next, if that is the
/// same everywhere and at least its length; in elements.
std::optional<int64_t> RegionFinder::slabOf(const TouchedRange &range) const {
  int64_t tiles = 1;
  std::optional<int64_t> slab;
  for (unsigned i = counts.size(); i-- > 0;) {
    if (counts[i] > 1) {
      int64_t moves = range.factors[i] * steps[i];
      if (moves % tiles || (slab && moves / tiles != *slab))
        return std::nullopt;
      slab = moves / tiles;
    }
    tiles *= counts[i];
  }
  if (!slab || range.start < 0 || range.start + range.length > *slab)
    return std::nullopt;
  return slab;
}

int64_t RegionFinder::findSlab(BlockArgument argument) {
  auto type = dyn_cast<MemRefType>(argument.getType());
  if (!type || !type.hasStaticShape() || !type.getLayout().isIdentity() ||
      !type.getElementType().isIntOrFloat() || !startsAtZero)
    return 0;
  touched.clear();
  TouchedRange whole;
  whole.factors.assign(counts.size(), 0);
  whole.length = type.getNumElements();
  if (!visit(argument, whole) || touched.empty())
    return 0;
  std::optional<int64_t> slab = slabOf(touched.front());
  for (const TouchedRange &range : touched)
    if (slabOf(range) != slab)
      return 0;
  return slab.value_or(0) *
         int64_t(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
}

/// The shape of what the loop's induction variables cut `buffer` into.
SmallVector<TiledDimension> RegionFinder::findDimensions(Value buffer) {
  for (Operation *user : buffer.getUsers()) {
    if (isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp>(
            user)) {
      auto found = findDimensions(user->getResult(0));
      if (!found.empty())
        return found;
      continue;
    }
    auto subview = dyn_cast<memref::SubViewOp>(user);
    if (!subview || !subview.getSourceType().hasStaticShape())
      continue;
    if (!loop->isAncestor(subview)) {
      auto found = findDimensions(subview);
      if (!found.empty())
        return found;
      continue;
    }
    SmallVector<TiledDimension> dimensions;
    for (auto [extent, size] : llvm::zip(subview.getSourceType().getShape(),
                                         subview.getMixedSizes())) {
      std::optional<int64_t> tile = boundSize(size);
      dimensions.push_back(
          {extent,
           std::max<int64_t>(1, std::min(extent, tile.value_or(extent)))});
    }
    return dimensions;
  }
  return {};
}

TileRegions fairway::findTileRegions(func::FuncOp kernel, scf::ForallOp loop) {
  RegionFinder finder(loop);
  TileRegions regions;
  for (BlockArgument argument : kernel.getArguments())
    regions.slabs.push_back(finder.findSlab(argument));
  auto outs = kernel->getAttrOfType<IntegerAttr>("fairway.num_outs");
  if (!outs)
    return regions;
  // Destinations are the last memrefs but one: the last is scratch memory.
  SmallVector<BlockArgument> buffers;
  for (BlockArgument argument : kernel.getArguments())
    if (isa<MemRefType>(argument.getType()))
      buffers.push_back(argument);
  int64_t first = int64_t(buffers.size()) - 1 - outs.getInt();
  if (first >= 0 && outs.getInt() > 0)
    regions.dimensions = finder.findDimensions(buffers[first]);
  return regions;
}
