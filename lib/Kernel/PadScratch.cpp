//===- PadScratch.cpp - rows of scratch meet in no cache set --------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopPlan.h"
#include "fairway/Kernel/Passes.h"
#include "fairway/Support/TableSum.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"

#include <numeric>

namespace fairway {
#define GEN_PASS_DEF_PADSCRATCH
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// Rows a multiple of this many bytes apart share so few sets of the nearest
/// cache that a panel of a contraction has no place in it.
static constexpr int64_t kRowBytes = 512;

/// Bytes of the innermost dimension; 0 unless there are other dimensions.
static int64_t getRowBytes(RankedTensorType type) {
  if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat() ||
      type.getRank() < 2 || type.getNumElements() == type.getShape().back())
    return 0;
  return type.getShape().back() *
         int64_t(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
}

/// Places of a transformed block are read or written together: lines that far
/// apart should not share a set of the nearest cache.
static constexpr int64_t kSetLines = 64;

/// What a value's dimensions are lengthened by.
using Padding = SmallVector<int64_t, 6>;

/// The empty tensor that `value` is computed in.
static tensor::EmptyOp findOrigin(Value value) {
  while (auto op = value.getDefiningOp<linalg::LinalgOp>())
    value = op.getDpsInits()[cast<OpResult>(value).getResultNumber()];
  return value.getDefiningOp<tensor::EmptyOp>();
}

/// The dimension of `operand` along which a table sum's points, or terms, lie.
static std::optional<unsigned>
findPlaces(linalg::LinalgOp op, const TableSum &sum, OpOperand &operand) {
  AffineMap table = op.getIndexingMapsArray()[sum.table];
  for (auto [number, expr] :
       llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(expr);
        dim && table.isFunctionOfDim(dim.getPosition()))
      return number;
  return std::nullopt;
}

/// Lengthens the dimension behind `places`, and the innermost by lines, such
/// that as many places as possible lie in different sets.
static void spreadPlaces(RankedTensorType type, unsigned places,
                         int64_t lineElements, Padding &padding) {
  unsigned next = places + 1, last = type.getRank() - 1;
  if (next >= last)
    return;
  Padding best = padding;
  int64_t fewest = kSetLines + 1;
  for (int64_t lines = 0; lines <= 1; ++lines)
    for (int64_t longer = 0; longer <= 3; ++longer) {
      Padding tried = padding;
      tried[last] += lines * lineElements;
      tried[next] += longer;
      int64_t elements = 1;
      for (unsigned dim = next; dim <= last; ++dim)
        elements *= type.getDimSize(dim) + tried[dim];
      int64_t shared = std::gcd(elements / lineElements, kSetLines);
      // A longer row costs cache, a longer plane nothing.
      if (shared < fewest && (lines == 0 || 2 * shared <= fewest)) {
        fewest = shared;
        best = tried;
      }
    }
  padding = best;
}

namespace {
struct PadScratch : public fairway::impl::PadScratchBase<PadScratch> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr("fairway.kernel"))
      return;
    llvm::MapVector<tensor::EmptyOp, Padding> values;
    getOperation()->walk([&](tensor::EmptyOp empty) {
      int64_t bytes = getRowBytes(empty.getType());
      if (bytes == 0 || !isInit(empty))
        return;
      Padding padding(empty.getType().getRank(), 0);
      if (bytes % kRowBytes == 0)
        padding.back() = getLineElements(empty.getType());
      values.insert({empty, padding});
    });
    getOperation()->walk([&](linalg::LinalgOp op) {
      std::optional<TableSum> sum = matchTableSum(op);
      if (!sum)
        return;
      for (unsigned number : {sum->data, unsigned(op.getNumDpsInputs())}) {
        OpOperand &operand = op->getOpOperand(number);
        auto places = findPlaces(op, *sum, operand);
        auto value = values.find(findOrigin(operand.get()));
        if (places && value != values.end())
          spreadPlaces(value->first.getType(), *places,
                       getLineElements(value->first.getType()), value->second);
      }
    });
    for (const auto &[empty, padding] : values)
      if (llvm::any_of(padding, [](int64_t more) { return more > 0; })) {
        pad(empty, padding);
        ++padded;
      }
  }

  static bool isInit(tensor::EmptyOp empty) {
    return llvm::all_of(empty->getUsers(), llvm::IsaPred<linalg::LinalgOp>);
  }

  static int64_t getLineElements(RankedTensorType type) {
    return kLineBytes * 8 / type.getElementTypeBitWidth();
  }

  static void pad(tensor::EmptyOp empty, ArrayRef<int64_t> padding) {
    OpBuilder b(empty);
    RankedTensorType type = empty.getType();
    SmallVector<int64_t> shape;
    for (auto [size, more] : llvm::zip(type.getShape(), padding))
      shape.push_back(size + more);
    Value longer = tensor::EmptyOp::create(b, empty.getLoc(), shape,
                                           type.getElementType());
    SmallVector<OpFoldResult> zeros(type.getRank(), b.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(type.getRank(), b.getIndexAttr(1));
    Value rows = tensor::ExtractSliceOp::create(
        b, empty.getLoc(), type, longer, zeros,
        getAsIndexOpFoldResult(b.getContext(), type.getShape()), ones);
    empty.replaceAllUsesWith(rows);
    empty.erase();
  }
};
} // namespace
