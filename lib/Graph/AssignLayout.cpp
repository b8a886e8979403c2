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
/// The dimensions of a value that hold its channels: one, or one for the groups
/// and one for the channels of a group. They stand side by side.
struct Channels {
  unsigned first, count;
  bool operator==(const Channels &other) const {
    return first == other.first && count == other.count;
  }
};

/// Chooses the values that are images, each with the dimensions that hold its
/// channels, and moves these to the end. A linalg.generic takes its operands in
/// any layout: only the results of its indexing maps change places.
class LayoutAssigner {
public:
  explicit LayoutAssigner(func::FuncOp func) : func(func) {}

  /// Returns the number of values that changed their layout.
  unsigned run();

private:
  void seed(linalg::GenericOp op);
  void propagate(Value value);
  void propagateThrough(linalg::GenericOp op);
  void propagateThroughReshape(Operation *op);
  void assign(Value value, Channels channels);
  void lay(Value value, Channels channels);
  void tie(Value a, Value b);
  void tieSlice(Value slice, Value whole);
  bool isAware(Operation *op) const;
  void rewriteMaps(linalg::GenericOp op);
  void rewriteReshape(Operation *op);
  void rewrite();
  Value convertUse(OpOperand &use, Channels channels);

  func::FuncOp func;
  ParameterOnly parameterOnly;
  llvm::MapVector<Value, Channels> channelsOf;
  SmallVector<Value> worklist;
};
} // namespace

static bool isImage(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() >= 3;
}

void LayoutAssigner::assign(Value value, Channels channels) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 2 || parameterOnly.contains(value))
    return;
  lay(value, channels);
}

/// Of values that have no choice: parameters, too.
void LayoutAssigner::lay(Value value, Channels channels) {
  if (channelsOf.try_emplace(value, channels).second)
    worklist.push_back(value);
}

/// The permutation that moves `channels` to the end.
static SmallVector<int64_t> getPermutation(int64_t rank, Channels channels) {
  SmallVector<int64_t> permutation;
  for (int64_t i = 0; i < rank; ++i)
    if (i < channels.first || i >= channels.first + channels.count)
      permutation.push_back(i);
  for (unsigned i = 0; i < channels.count; ++i)
    permutation.push_back(channels.first + i);
  return permutation;
}

static SmallVector<int64_t> permute(ArrayRef<int64_t> values,
                                    Channels channels) {
  return llvm::map_to_vector(getPermutation(values.size(), channels),
                             [&](int64_t p) { return values[p]; });
}

/// The positions of `loops` among the results of `map`, if they are there, each
/// alone, and side by side.
static std::optional<Channels> findLoops(AffineMap map,
                                         const llvm::SmallBitVector &loops) {
  SmallVector<unsigned> positions;
  for (auto [i, expr] : llvm::enumerate(map.getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(expr);
        dim && loops.test(dim.getPosition()))
      positions.push_back(i);
  if (positions.size() != loops.count() || positions.empty() ||
      positions.back() - positions.front() + 1 != positions.size())
    return std::nullopt;
  return Channels{positions.front(), unsigned(positions.size())};
}

/// Contractions and convolutions decide: the image is the operand that
/// parameters do not determine; its channels are the dimensions that are
/// multiplied with the weight, or that the weight has as well.
void LayoutAssigner::seed(linalg::GenericOp op) {
  if (!isMultiplyAccumulate(op))
    return;
  OpOperand *image = nullptr, *weight = nullptr;
  for (OpOperand *operand : op.getDpsInputOperands())
    (parameterOnly.contains(operand->get()) ? weight : image) = operand;
  if (!image || !weight || !isImage(image->get()) || !hasWindow(op))
    return;
  AffineMap weightMap = op.getMatchingIndexingMap(weight);
  auto findChannels = [&](AffineMap map) {
    llvm::SmallBitVector loops(op.getNumLoops());
    for (AffineExpr expr : map.getResults())
      if (auto dim = dyn_cast<AffineDimExpr>(expr);
          dim && weightMap.isFunctionOfDim(dim.getPosition()))
        loops.set(dim.getPosition());
    return findLoops(map, loops);
  };
  auto in = findChannels(op.getMatchingIndexingMap(image));
  auto out = findChannels(op.getMatchingIndexingMap(op.getDpsInitOperand(0)));
  if (!in || !out)
    return;
  assign(image->get(), *in);
  assign(op.getResult(0), *out);
}

/// If an operand's channels are loops of `op`, every other image that these
/// loops index has its channels there too.
void LayoutAssigner::propagateThrough(linalg::GenericOp op) {
  if (isMultiplyAccumulate(op)) {
    // Result and initial value go together; inputs are chosen by seed().
    for (auto [init, result] : llvm::zip(op.getDpsInits(), op.getResults()))
      tie(init, result);
    return;
  }
  llvm::SmallBitVector loops(op.getNumLoops());
  auto note = [&](Value value, AffineMap map) {
    auto it = channelsOf.find(value);
    if (it == channelsOf.end())
      return;
    llvm::SmallBitVector own(op.getNumLoops());
    for (AffineExpr expr :
         map.getResults().slice(it->second.first, it->second.count)) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim)
        return;
      own.set(dim.getPosition());
    }
    loops = own;
  };
  for (OpOperand &operand : op->getOpOperands())
    note(operand.get(), op.getMatchingIndexingMap(&operand));
  for (OpResult result : op->getResults())
    note(result, op.getIndexingMapMatchingResult(result));
  if (loops.none())
    return;
  auto place = [&](Value value, AffineMap map) {
    if (auto channels = findLoops(map, loops); channels && isImage(value))
      assign(value, *channels);
  };
  for (OpOperand &operand : op->getOpOperands())
    place(operand.get(), op.getMatchingIndexingMap(&operand));
  for (OpResult result : op->getResults())
    place(result, op.getIndexingMapMatchingResult(result));
  for (auto [init, result] : llvm::zip(op.getDpsInits(), op.getResults()))
    tie(init, result);
}

/// The side of a reshape with more dimensions, the other one, and which of the
/// former each of the latter is made of.
struct Reshape {
  Value expanded, collapsed;
  SmallVector<ReassociationIndices> groups;
};

static std::optional<Reshape> getReshape(Operation *op) {
  std::optional<Reshape> reshape;
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
    reshape = {expand.getResult(), expand.getSrc(),
               expand.getReassociationIndices()};
  else if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op))
    reshape = {collapse.getSrc(), collapse.getResult(),
               collapse.getReassociationIndices()};
  if (!reshape ||
      !cast<RankedTensorType>(reshape->expanded.getType()).hasStaticShape())
    return std::nullopt;
  return reshape;
}

/// The one dimension that a reshape divides into groups of channels.
static std::optional<unsigned> findDivided(const Reshape &reshape) {
  std::optional<unsigned> divided;
  for (auto [dim, group] : llvm::enumerate(reshape.groups)) {
    if (group.size() == 1)
      continue;
    if (divided || group.size() != 2)
      return std::nullopt;
    divided = dim;
  }
  return divided;
}

void LayoutAssigner::propagateThroughReshape(Operation *op) {
  std::optional<Reshape> reshape = getReshape(op);
  if (!reshape)
    return;
  std::optional<unsigned> divided = findDivided(*reshape);
  if (!divided)
    return;
  Channels one{*divided, 1}, two{*divided, 2};
  if (auto it = channelsOf.find(reshape->collapsed);
      it != channelsOf.end() && it->second == one)
    lay(reshape->expanded, two);
  if (auto it = channelsOf.find(reshape->expanded);
      it != channelsOf.end() && it->second == two)
    lay(reshape->collapsed, one);
}

/// `a` and `b` are the same buffer: they share their layout.
void LayoutAssigner::tie(Value a, Value b) {
  if (auto it = channelsOf.find(a); it != channelsOf.end())
    lay(b, Channels(it->second));
  else if (it = channelsOf.find(b); it != channelsOf.end())
    lay(a, Channels(it->second));
}

/// So do a tensor and a part of it, unless that has fewer dimensions.
void LayoutAssigner::tieSlice(Value slice, Value whole) {
  if (cast<RankedTensorType>(slice.getType()).getRank() ==
      cast<RankedTensorType>(whole.getType()).getRank())
    tie(slice, whole);
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
    } else if (auto extract = dyn_cast_or_null<tensor::ExtractSliceOp>(op)) {
      if (!parameterOnly.contains(extract.getSource()))
        tieSlice(extract.getResult(), extract.getSource());
    } else {
      propagateThroughReshape(op);
    }
  };
  visit(value.getDefiningOp());
  for (Operation *user : llvm::make_early_inc_range(value.getUsers()))
    visit(user);
}

/// Whether `op` takes its operands in the layouts that were chosen.
bool LayoutAssigner::isAware(Operation *op) const {
  // A slice of another rank keeps its operands' layout.
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return insert.getSourceType().getRank() == insert.getType().getRank();
  if (auto extract = dyn_cast<tensor::ExtractSliceOp>(op)) {
    auto source = channelsOf.find(extract.getSource());
    auto result = channelsOf.find(extract.getResult());
    return source != channelsOf.end() && result != channelsOf.end() &&
           source->second == result->second;
  }
  if (std::optional<Reshape> reshape = getReshape(op)) {
    auto expanded = channelsOf.find(reshape->expanded);
    auto collapsed = channelsOf.find(reshape->collapsed);
    std::optional<unsigned> divided = findDivided(*reshape);
    return divided && expanded != channelsOf.end() &&
           collapsed != channelsOf.end() &&
           expanded->second == Channels{*divided, 2} &&
           collapsed->second == Channels{*divided, 1};
  }
  return isa<linalg::GenericOp, linalg::FillOp, tensor::EmptyOp>(op);
}

/// The value that a user which knows nothing of layouts reads.
Value LayoutAssigner::convertUse(OpOperand &use, Channels channels) {
  OpBuilder builder(use.getOwner());
  int64_t rank = cast<RankedTensorType>(use.get().getType()).getRank();
  SmallVector<int64_t> inverse(rank);
  for (auto [i, p] : llvm::enumerate(getPermutation(rank, channels)))
    inverse[p] = i;
  return createTranspose(builder, use.getOwner()->getLoc(), use.get(), inverse);
}

void LayoutAssigner::rewriteMaps(linalg::GenericOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (OpOperand &operand : op->getOpOperands()) {
    auto it = channelsOf.find(operand.get());
    if (it == channelsOf.end())
      continue;
    AffineMap &map = maps[operand.getOperandNumber()];
    SmallVector<AffineExpr> exprs;
    for (int64_t p : getPermutation(map.getNumResults(), it->second))
      exprs.push_back(map.getResult(p));
    map = AffineMap::get(map.getNumDims(), 0, exprs, op->getContext());
  }
  op.setIndexingMapsAttr(Builder(op->getContext()).getAffineMapArrayAttr(maps));
}

template <typename SliceOp>
static void permuteSlice(SliceOp slice, Channels channels) {
  slice.setStaticOffsets(permute(slice.getStaticOffsets(), channels));
  slice.setStaticSizes(permute(slice.getStaticSizes(), channels));
  slice.setStaticStrides(permute(slice.getStaticStrides(), channels));
}

/// Its groups in the order of the dimensions that they become; types follow.
void LayoutAssigner::rewriteReshape(Operation *op) {
  std::optional<Reshape> reshape = getReshape(op);
  SmallVector<ReassociationIndices> groups;
  for (unsigned i = 0; i < reshape->groups.size(); ++i)
    groups.push_back({int64_t(i)});
  groups.back().push_back(groups.size());
  Builder builder(op->getContext());
  op->setAttr("reassociation",
              getReassociationIndicesAttribute(builder, groups));
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    expand.setStaticOutputShape(
        permute(expand.getStaticOutputShape(),
                channelsOf.find(reshape->expanded)->second));
}

void LayoutAssigner::rewrite() {
  // 1. Maps, positions and groups, while the old types still stand.
  llvm::DenseSet<Operation *> aware;
  func.walk([&](Operation *op) {
    if (!isAware(op))
      return;
    aware.insert(op);
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      rewriteMaps(generic);
    } else if (isReshape(op)) {
      rewriteReshape(op);
    } else if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
      auto it = channelsOf.find(insert.getResult());
      if (it != channelsOf.end())
        permuteSlice(insert, it->second);
    } else if (auto extract = dyn_cast<tensor::ExtractSliceOp>(op)) {
      permuteSlice(extract, channelsOf.find(extract.getResult())->second);
    }
  });

  // 2. Types, with a transposition wherever the layout starts or ends.
  for (auto [value, channels] : channelsOf) {
    auto type = cast<RankedTensorType>(value.getType());
    Operation *def = value.getDefiningOp();
    if (def && aware.contains(def)) {
      value.setType(type.clone(permute(type.getShape(), channels)));
      SmallVector<OpOperand *> foreign;
      for (OpOperand &use : value.getUses())
        if (!aware.contains(use.getOwner()))
          foreign.push_back(&use);
      for (OpOperand *use : foreign)
        use->set(convertUse(*use, channels));
      continue;
    }
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : value.getUses())
      if (aware.contains(use.getOwner()))
        uses.push_back(&use);
    if (uses.empty())
      continue;
    OpBuilder builder(func.getContext());
    builder.setInsertionPointAfterValue(value);
    Value permuted = createTranspose(builder, value.getLoc(), value,
                                     getPermutation(type.getRank(), channels));
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
  channelsOf.remove_if([](const auto &entry) {
    return entry.second.first + entry.second.count ==
           cast<RankedTensorType>(entry.first.getType()).getRank();
  });
  rewrite();
  return channelsOf.size();
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
