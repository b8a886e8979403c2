//===- AssignLayout.cpp - images become channels-last
//-------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace fairway {
#define GEN_PASS_DEF_ASSIGNLAYOUT
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

namespace {
/// Chooses the values that are images, each with the dimension that holds its
/// channels, and moves that dimension to the end. A linalg.generic takes its
/// operands in any layout: only the results of its indexing maps change places.
class LayoutAssigner {
public:
  explicit LayoutAssigner(func::FuncOp func) : func(func) {}

  /// Returns the number of values that changed their layout.
  unsigned run();

private:
  void seed(linalg::GenericOp op);
  void propagate(Value value);
  void propagateThrough(linalg::GenericOp op);
  void assign(Value value, unsigned channel);
  void tie(Value a, Value b);
  void rewrite();
  Value convertUse(OpOperand &use, unsigned channel);

  static bool understandsLayout(Operation *op) {
    return isa_and_nonnull<linalg::GenericOp, linalg::FillOp,
                           tensor::InsertSliceOp, tensor::EmptyOp>(op);
  }

  func::FuncOp func;
  ParameterOnly parameterOnly;
  llvm::MapVector<Value, unsigned> channelOf;
  SmallVector<Value> worklist;
};
} // namespace

static bool isImage(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() >= 3;
}

void LayoutAssigner::assign(Value value, unsigned channel) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 2 || parameterOnly.contains(value))
    return;
  if (channelOf.try_emplace(value, channel).second)
    worklist.push_back(value);
}

/// The permutation that moves `channel` to the end.
static SmallVector<int64_t> getPermutation(int64_t rank, unsigned channel) {
  SmallVector<int64_t> permutation;
  for (int64_t i = 0; i < rank; ++i)
    if (i != channel)
      permutation.push_back(i);
  permutation.push_back(channel);
  return permutation;
}

/// Contractions and convolutions decide: the image is the operand that
/// parameters do not determine; its channels are the dimension that is
/// multiplied with the weight.
void LayoutAssigner::seed(linalg::GenericOp op) {
  if (!isMultiplyAccumulate(op))
    return;
  OpOperand *image = nullptr, *weight = nullptr;
  for (OpOperand *operand : op.getDpsInputOperands())
    (parameterOnly.contains(operand->get()) ? weight : image) = operand;
  if (!image || !weight || !isImage(image->get()) || !hasWindow(op))
    return;
  AffineMap imageMap = op.getMatchingIndexingMap(image);
  AffineMap weightMap = op.getMatchingIndexingMap(weight);
  AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  auto channelPosition = [&](AffineMap map, auto predicate) -> int {
    int position = -1;
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr);
          dim && weightMap.isFunctionOfDim(dim.getPosition()) &&
          predicate(dim.getPosition()))
        position = i;
    return position;
  };
  auto any = [](unsigned) { return true; };
  int in = channelPosition(imageMap, any);
  int out = channelPosition(outMap, any);
  if (in < 0 || out < 0)
    return;
  assign(image->get(), in);
  assign(op.getResult(0), out);
}

/// If an operand's channels are one loop of `op`, every other image that this
/// loop indexes has its channels there too.
void LayoutAssigner::propagateThrough(linalg::GenericOp op) {
  if (isMultiplyAccumulate(op)) {
    // Result and initial value go together; inputs are chosen by seed().
    for (auto [init, result] : llvm::zip(op.getDpsInits(), op.getResults()))
      tie(init, result);
    return;
  }
  int loop = -1;
  auto positionOf = [&](AffineMap map) -> int {
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (expr == getAffineDimExpr(loop, op.getContext()))
        return i;
    return -1;
  };
  for (OpOperand &operand : op->getOpOperands()) {
    auto it = channelOf.find(operand.get());
    if (it == channelOf.end())
      continue;
    AffineExpr expr = op.getMatchingIndexingMap(&operand).getResult(it->second);
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      loop = dim.getPosition();
  }
  for (OpResult result : op->getResults()) {
    auto it = channelOf.find(result);
    if (it == channelOf.end())
      continue;
    AffineExpr expr =
        op.getIndexingMapMatchingResult(result).getResult(it->second);
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      loop = dim.getPosition();
  }
  if (loop < 0)
    return;
  for (OpOperand &operand : op->getOpOperands())
    if (int position = positionOf(op.getMatchingIndexingMap(&operand));
        position >= 0 && isImage(operand.get()))
      assign(operand.get(), position);
  for (OpResult result : op->getResults())
    if (int position = positionOf(op.getIndexingMapMatchingResult(result));
        position >= 0 && isImage(result))
      assign(result, position);
  for (auto [init, result] : llvm::zip(op.getDpsInits(), op.getResults()))
    tie(init, result);
}

/// `a` and `b` are the same buffer: they share their layout.
void LayoutAssigner::tie(Value a, Value b) {
  if (auto it = channelOf.find(a); it != channelOf.end())
    assign(b, it->second);
  if (auto it = channelOf.find(b); it != channelOf.end())
    if (channelOf.try_emplace(a, it->second).second)
      worklist.push_back(a);
}

void LayoutAssigner::propagate(Value value) {
  auto visit = [&](Operation *op) {
    if (auto generic = dyn_cast_or_null<linalg::GenericOp>(op)) {
      propagateThrough(generic);
    } else if (auto fill = dyn_cast_or_null<linalg::FillOp>(op)) {
      tie(fill.getOutputs()[0], fill.getResult(0));
    } else if (auto insert = dyn_cast_or_null<tensor::InsertSliceOp>(op)) {
      if (insert.getSourceType().getRank() != insert.getType().getRank())
        return;
      tie(insert.getDest(), insert.getResult());
      tie(insert.getSource(), insert.getResult());
    }
  };
  visit(value.getDefiningOp());
  for (Operation *user : llvm::make_early_inc_range(value.getUsers()))
    visit(user);
}

/// The value that a user which knows nothing of layouts reads.
Value LayoutAssigner::convertUse(OpOperand &use, unsigned channel) {
  OpBuilder builder(use.getOwner());
  int64_t rank = cast<RankedTensorType>(use.get().getType()).getRank();
  SmallVector<int64_t> inverse(rank);
  for (auto [i, p] : llvm::enumerate(getPermutation(rank, channel)))
    inverse[p] = i;
  return createTranspose(builder, use.getOwner()->getLoc(), use.get(), inverse);
}

void LayoutAssigner::rewrite() {
  // An insertion whose parts disagree in rank keeps its operands' layout.
  auto aware = [&](Operation *op) {
    if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
      return insert.getSourceType().getRank() == insert.getType().getRank();
    return understandsLayout(op);
  };

  // 1. Indexing maps and slice positions, while the old types still stand.
  func.walk([&](Operation *op) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
      for (OpOperand &operand : op->getOpOperands()) {
        auto it = channelOf.find(operand.get());
        if (it == channelOf.end())
          continue;
        AffineMap &map = maps[operand.getOperandNumber()];
        SmallVector<AffineExpr> exprs;
        for (int64_t p : getPermutation(map.getNumResults(), it->second))
          exprs.push_back(map.getResult(p));
        map = AffineMap::get(map.getNumDims(), 0, exprs, op->getContext());
      }
      generic.setIndexingMapsAttr(
          Builder(op->getContext()).getAffineMapArrayAttr(maps));
    } else if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
      auto it = channelOf.find(insert.getResult());
      if (it == channelOf.end() || !aware(op))
        return;
      auto permutation = getPermutation(insert.getType().getRank(), it->second);
      auto permute = [&](ArrayRef<int64_t> values) {
        SmallVector<int64_t> permuted;
        for (int64_t p : permutation)
          permuted.push_back(values[p]);
        return permuted;
      };
      insert.setStaticOffsets(permute(insert.getStaticOffsets()));
      insert.setStaticSizes(permute(insert.getStaticSizes()));
      insert.setStaticStrides(permute(insert.getStaticStrides()));
    }
  });

  // 2. Types, with a transposition wherever the layout starts or ends.
  for (auto [value, channel] : channelOf) {
    auto type = cast<RankedTensorType>(value.getType());
    auto permutation = getPermutation(type.getRank(), channel);
    Operation *def = value.getDefiningOp();
    if (def && aware(def)) {
      SmallVector<int64_t> shape;
      for (int64_t p : permutation)
        shape.push_back(type.getDimSize(p));
      value.setType(type.clone(shape));
      SmallVector<OpOperand *> foreign;
      for (OpOperand &use : value.getUses())
        if (!aware(use.getOwner()))
          foreign.push_back(&use);
      for (OpOperand *use : foreign)
        use->set(convertUse(*use, channel));
      continue;
    }
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : value.getUses())
      if (aware(use.getOwner()))
        uses.push_back(&use);
    if (uses.empty())
      continue;
    OpBuilder builder(func.getContext());
    builder.setInsertionPointAfterValue(value);
    Value permuted =
        createTranspose(builder, value.getLoc(), value, permutation);
    for (OpOperand *use : uses)
      use->set(permuted);
  }
}

unsigned LayoutAssigner::run() {
  func.walk([&](linalg::GenericOp op) { seed(op); });
  while (!worklist.empty())
    propagate(worklist.pop_back_val());
  // Values whose channels are last already need nothing, and neither do
  // values that nobody laid out by design (dense constants stay as they are).
  channelOf.remove_if([](const auto &entry) {
    return entry.second + 1 ==
           cast<RankedTensorType>(entry.first.getType()).getRank();
  });
  rewrite();
  return channelOf.size();
}

namespace {
struct AssignLayoutPass
    : public fairway::impl::AssignLayoutBase<AssignLayoutPass> {
  void runOnOperation() override {
    getOperation().walk(
        [&](func::FuncOp func) { numLaidOut += LayoutAssigner(func).run(); });
  }
};
} // namespace
