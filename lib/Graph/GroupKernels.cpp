//===- GroupKernels.cpp - which ops form a kernel
//-----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "AttentionGroup.h"
#include "GraphUtils.h"
#include "KernelGroups.h"
#include "fairway/Support/TableSum.h"

using namespace mlir;
using namespace fairway;

/// Fewer rows than this are not worth giving up parallel inner dimensions for.
static constexpr int64_t kMinRows = 16;
/// Work below this many elements never fills the machine anyway.
static constexpr int64_t kSmallElements = 8192;

bool fairway::isCompute(Operation *op) {
  if (isa<tensor::EmptyOp, tensor::ExtractSliceOp, arith::ConstantOp,
          func::ReturnOp>(op) ||
      isReshape(op))
    return false;
  if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    // As an initial value it is repeated where it is needed.
    return llvm::any_of(fill->getUses(), [](OpOperand &use) {
      auto insert = dyn_cast<tensor::InsertSliceOp>(use.getOwner());
      if (insert)
        return use != insert.getDestMutable();
      return !isa<linalg::LinalgOp>(use.getOwner());
    });
  }
  return llvm::any_of(op->getResultTypes(),
                      [](Type type) { return isa<ShapedType>(type); });
}

namespace {
/// A group under construction.
struct Growing {
  SmallVector<Operation *> ops; ///< in reverse program order
  /// For each op the loops that run over the group's rows.
  llvm::DenseMap<Operation *, SmallVector<unsigned>> rows;
  unsigned numRows = 0; ///< leading dimensions that all ops share
  unsigned minRows = 0; ///< a contraction needs this many of them
  bool hasContraction = false;
  bool closed = false;  ///< complete, nothing joins
  int64_t elements = 0; ///< of the largest op's iteration space
};

class Grouper {
public:
  SmallVector<KernelGroup> run(func::FuncOp func);

private:
  void start(Operation *op);
  bool startAttention(Operation *op);
  bool join(Operation *op);
  std::optional<unsigned> sharedRows(linalg::GenericOp producer,
                                     Growing &group) const;

  SmallVector<std::unique_ptr<Growing>> groups;
  llvm::DenseMap<Operation *, Growing *> groupOf;
};
} // namespace

/// The loops that write the leading dimensions of the op's result.
static SmallVector<unsigned> getRowLoops(linalg::GenericOp op) {
  SmallVector<unsigned> loops;
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  SmallVector<utils::IteratorType> types = op.getIteratorTypesArray();
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || types[dim.getPosition()] != utils::IteratorType::parallel)
      break;
    loops.push_back(dim.getPosition());
  }
  return loops;
}

void Grouper::start(Operation *op) {
  auto group = std::make_unique<Growing>();
  group->ops.push_back(op);
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    SmallVector<unsigned> rows = getRowLoops(generic);
    group->numRows = rows.size();
    group->rows[op] = rows;
    group->hasContraction = isMultiplyAccumulate(generic);
    group->minRows = group->hasContraction ? rows.size() : 0;
    group->elements = getNumIterations(generic);
  } else if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
    group->numRows = insert.getSourceType().getRank();
    group->elements = insert.getSourceType().getNumElements();
  }
  groupOf[op] = group.get();
  groups.push_back(std::move(group));
}

/// Attention is one kernel although its parts share no leading dimensions.
bool Grouper::startAttention(Operation *op) {
  auto root = dyn_cast<linalg::GenericOp>(op);
  if (!root)
    return false;
  llvm::SetVector<Operation *> members = findAttention(root);
  if (members.empty())
    return false;
  auto group = std::make_unique<Growing>();
  group->closed = true;
  for (Operation &member : llvm::reverse(*op->getBlock()))
    if (members.contains(&member)) {
      group->ops.push_back(&member);
      groupOf[&member] = group.get();
    }
  groups.push_back(std::move(group));
  return true;
}

/// How many leading dimensions of the producer's result are the group's rows
/// in every use; none if some use cannot be fused at all.
std::optional<unsigned> Grouper::sharedRows(linalg::GenericOp producer,
                                            Growing &group) const {
  unsigned shared = group.numRows;
  for (OpOperand &use : producer->getUses()) {
    // Written into a slice: every dimension of the result is one of the slice.
    if (auto insert = dyn_cast<tensor::InsertSliceOp>(use.getOwner());
        insert && use == insert.getSourceMutable())
      continue;
    auto consumer = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (!consumer || use.getOperandNumber() >= consumer->getNumOperands())
      return std::nullopt;
    bool isInit = consumer.isDpsInit(&use);
    if (!isInit && (isMultiplyAccumulate(consumer) || hasWindow(consumer)))
      return std::nullopt;
    AffineMap map = consumer.getMatchingIndexingMap(&use);
    const SmallVector<unsigned> &rows = group.rows.find(consumer)->second;
    unsigned prefix = 0;
    while (prefix < shared && prefix < map.getNumResults() &&
           prefix < rows.size() &&
           map.getResult(prefix) ==
               getAffineDimExpr(rows[prefix], map.getContext()))
      ++prefix;
    shared = prefix;
  }
  return shared;
}

/// A convolution between its transforms is one kernel: the contraction behind
/// the one of the result, and the transformed image behind that.
static bool feedsTransform(linalg::GenericOp producer) {
  if (!producer->hasOneUse() || !isMultiplyAccumulate(producer))
    return false;
  auto user = dyn_cast<linalg::GenericOp>(*producer->user_begin());
  return user && isMultiplyAccumulate(user) &&
         (matchTableSum(user) || matchTableSum(producer));
}

bool Grouper::join(Operation *op) {
  auto producer = dyn_cast<linalg::GenericOp>(op);
  if (!producer || producer.getNumResults() != 1 || producer->use_empty())
    return false;
  Growing *group = nullptr;
  for (Operation *user : producer->getUsers()) {
    // Uses inside another op's body are reads at computed places.
    auto it = groupOf.find(user);
    if (it == groupOf.end() || (group && it->second != group))
      return false;
    group = it->second;
  }
  if (group->closed ||
      !isa<linalg::GenericOp, tensor::InsertSliceOp>(group->ops.front()))
    return false;
  if (feedsTransform(producer)) {
    group->ops.push_back(op);
    groupOf[op] = group;
    return true;
  }
  std::optional<unsigned> shared = sharedRows(producer, *group);
  if (!shared)
    return false;
  SmallVector<unsigned> rows = getRowLoops(producer);
  unsigned numRows = std::min<unsigned>(*shared, rows.size());
  bool contraction = isMultiplyAccumulate(producer);
  unsigned rank =
      cast<RankedTensorType>(producer.getResult(0).getType()).getRank();
  if (contraction &&
      (group->hasContraction || numRows != rank || numRows != group->numRows))
    return false;
  if (hasWindow(producer) && numRows != rank)
    return false;
  unsigned minRows = contraction ? numRows : group->minRows;
  if (numRows < minRows)
    return false;
  int64_t elements = std::max(group->elements, getNumIterations(producer));
  int64_t rowCount = 1;
  SmallVector<int64_t> ranges = producer.getStaticLoopRanges();
  for (unsigned i = 0; i < numRows; ++i)
    rowCount *= ranges[rows[i]];
  if (numRows < group->numRows && rowCount < kMinRows &&
      elements > kSmallElements)
    return false;
  group->ops.push_back(op);
  group->rows[op] = rows;
  group->numRows = numRows;
  group->minRows = minRows;
  group->hasContraction |= contraction;
  group->elements = elements;
  groupOf[op] = group;
  return true;
}

SmallVector<KernelGroup> Grouper::run(func::FuncOp func) {
  for (Operation &op : llvm::reverse(func.getBody().front()))
    if (isCompute(&op) && !groupOf.count(&op) && !join(&op) &&
        !startAttention(&op))
      start(&op);
  // Roots in program order: a group runs where its root stood.
  SmallVector<KernelGroup> result;
  for (auto &group : llvm::reverse(groups)) {
    KernelGroup kernel;
    kernel.ops.assign(group->ops.rbegin(), group->ops.rend());
    result.push_back(std::move(kernel));
  }
  return result;
}

SmallVector<KernelGroup> fairway::groupIntoKernels(func::FuncOp func) {
  return Grouper().run(func);
}
