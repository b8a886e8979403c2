//===- WindowedSum.cpp - which convolutions are worth transforming --------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "Winograd.h"

using namespace mlir;
using namespace fairway;

/// The reduction in `out + window`, of `length` steps.
static std::optional<unsigned> matchWindow(linalg::GenericOp op,
                                           AffineExpr expr, unsigned out,
                                           int64_t length) {
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add)
    return std::nullopt;
  auto lhs = dyn_cast<AffineDimExpr>(sum.getLHS()),
       rhs = dyn_cast<AffineDimExpr>(sum.getRHS());
  if (!lhs || !rhs)
    return std::nullopt;
  if (rhs.getPosition() == out)
    std::swap(lhs, rhs);
  unsigned window = rhs.getPosition();
  if (lhs.getPosition() != out ||
      op.getIteratorTypesArray()[window] != utils::IteratorType::reduction ||
      op.getStaticLoopRanges()[window] != length)
    return std::nullopt;
  return window;
}

bool WindowedSum::match(linalg::GenericOp candidate,
                        ParameterOnly &parameterOnly) {
  op = candidate;
  if (!isMultiplyAccumulate(op) || op.hasDynamicShape() ||
      op.getNumReductionLoops() != 3)
    return false;
  for (OpOperand *operand : op.getDpsInputOperands())
    (parameterOnly.contains(operand->get()) ? weight : image) = operand;
  if (!image || !weight)
    return false;
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  AffineMap imageMap = op.getMatchingIndexingMap(image);
  AffineMap weightMap = op.getMatchingIndexingMap(weight);
  unsigned rank = out.getNumResults();
  // Half precision would lose too much in the sums of the transforms.
  Type element = getElementTypeOrSelf(op.getResult(0).getType());
  if (!element.isF32() && !element.isF64())
    return false;
  for (OpOperand *operand : {image, weight})
    if (getElementTypeOrSelf(operand->get().getType()) != element)
      return false;
  if (rank < 3 || rank != op.getNumParallelLoops() ||
      imageMap.getNumResults() != rank || !out.isProjectedPermutation() ||
      !weightMap.isProjectedPermutation() || weightMap.getNumResults() != 4)
    return false;
  batches = rank - 3;
  for (unsigned i = 0; i < batches; ++i)
    if (imageMap.getResult(i) != out.getResult(i))
      return false;
  auto channel = dyn_cast<AffineDimExpr>(imageMap.getResults().back());
  auto row = matchWindow(op, imageMap.getResult(batches),
                         out.getDimPosition(batches), kWindow);
  auto column = matchWindow(op, imageMap.getResult(batches + 1),
                            out.getDimPosition(batches + 1), kWindow);
  if (!channel || !row || !column)
    return false;
  auto positionOf = [&](unsigned loop) {
    return weightMap.getResultPosition(getAffineDimExpr(loop, op.getContext()));
  };
  auto weightOut = positionOf(out.getDimPosition(rank - 1)),
       weightChannel = positionOf(channel.getPosition()),
       weightRow = positionOf(*row), weightColumn = positionOf(*column);
  if (!weightOut || !weightChannel || !weightRow || !weightColumn)
    return false;
  outDim = *weightOut;
  channelDim = *weightChannel;
  rowDim = *weightRow;
  columnDim = *weightColumn;
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(op.getResult(0).getType()).getShape();
  height = shape[batches];
  width = shape[batches + 1];
  results = shape[batches + 2];
  channels = cast<RankedTensorType>(image->get().getType()).getShape().back();
  return true;
}

/// Additions, loads and stores of the transforms take about so many cycles for
/// a vector of one block's channels, and of its results.
static constexpr double kTransformCycles = 48;
/// What contractions reach of the peak; a little less where the rows of many
/// small ones are no full register tiles.
static constexpr double kDirectReached = 0.95, kTransformedReached = 0.88;
/// Every block's channels are multiplied with all weights: where there are
/// fewer blocks, there is no time to fetch weights ahead.
static constexpr double kManyBlocks = 32;
/// A transformed convolution has more weights to load and to keep, so that a
/// smaller gain is not worth it.
static constexpr double kLeastGain = 1.1;

WinogradCost::WinogradCost(const WindowedSum &sum,
                           const MachineDescription &machine,
                           unsigned threads) {
  double workers = std::max(1u, threads);
  int64_t bits =
      getElementTypeOrSelf(sum.image->get().getType()).getIntOrFloatBitWidth();
  double lanes = double(machine.vectorBits) / double(bits);
  double peak = machine.peakGflops() * 1e9 * 32 / double(bits) * workers;
  double weights = double(sum.channels * sum.results) * double(bits) / 8;
  double memory = 1e9 * std::min(machine.totalMemoryBandwidth,
                                 machine.memoryBandwidth * workers);
  double pairs = double(sum.channels * sum.results);
  double points = double(sum.height * sum.width);
  double blocks = double(llvm::divideCeil(sum.height, kBlock) *
                         llvm::divideCeil(sum.width, kBlock));
  direct =
      std::max(2 * kWindow * kWindow * points * pairs / (peak * kDirectReached),
               kWindow * kWindow * weights / memory);
  double transforms = blocks * double(sum.channels + sum.results) / lanes *
                      kTransformCycles / (machine.ghz * 1e9 * workers);
  double products = 2 * kPlaces * blocks * pairs / (peak * kTransformedReached);
  double reading = kPlaces * weights / memory;
  transformed =
      transforms +
      (blocks < kManyBlocks ? products + reading : std::max(products, reading));
}

bool WinogradCost::isWorthIt() const {
  return direct > kLeastGain * transformed;
}
