//===- AttentionGroup.cpp - recognises attention --------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "AttentionGroup.h"
#include "GraphUtils.h"

using namespace mlir;
using namespace fairway;

/// The longest body, with its yield, that each tile may repeat.
static constexpr unsigned kMoveOps = 3;

/// True if the contraction has weights of the model: a layer of its own, which
/// should read them once.
static bool hasParameter(linalg::GenericOp contraction) {
  return llvm::any_of(contraction.getDpsInputs(), [](Value value) {
    while (isReshape(value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    auto arg = dyn_cast<BlockArgument>(value);
    auto func = arg ? dyn_cast<func::FuncOp>(arg.getOwner()->getParentOp())
                    : func::FuncOp();
    return func && getArgKind(func, arg.getArgNumber()) != "input";
  });
}

namespace {
/// Walks from the last op up to the first contraction. Each op's loops are
/// named by the last one's: batch, head and query row. Those that the scores
/// follow are the rows, which tiles are made of.
class AttentionFinder {
public:
  AttentionFinder(linalg::GenericOp root, linalg::GenericOp second,
                  unsigned weights)
      : root(root), second(second), weights(weights) {}
  llvm::SetVector<Operation *> find();

private:
  /// For each loop of an op the loop of the root that it follows, if any.
  using Loops = SmallVector<std::optional<unsigned>>;

  std::optional<Loops> follow(linalg::GenericOp producer) const;
  bool coversRows(const Loops &loops) const;
  void visit(Value value);
  bool isClosed() const;
  void addTranspositions(linalg::GenericOp contraction);

  linalg::GenericOp root, second, first;
  unsigned weights; ///< the second contraction's operand that holds scores
  llvm::SmallDenseSet<unsigned> rows;
  llvm::DenseMap<Operation *, Loops> loopsOf;
  llvm::SetVector<Operation *> members;
};
} // namespace

/// The loops of `producer`, if all its users are members and agree about them.
std::optional<AttentionFinder::Loops>
AttentionFinder::follow(linalg::GenericOp producer) const {
  if (producer.getNumResults() != 1 || hasWindow(producer))
    return std::nullopt;
  AffineMap written =
      producer.getMatchingIndexingMap(producer.getDpsInitOperand(0));
  if (!written.isProjectedPermutation())
    return std::nullopt;
  std::optional<Loops> result;
  for (OpOperand &use : producer->getUses()) {
    auto consumer = dyn_cast<linalg::GenericOp>(use.getOwner());
    auto outer = loopsOf.find(consumer);
    if (!consumer || outer == loopsOf.end() || consumer.isDpsInit(&use))
      return std::nullopt;
    AffineMap read = consumer.getMatchingIndexingMap(&use);
    if (!read.isProjectedPermutation())
      return std::nullopt;
    Loops loops(producer.getNumLoops());
    for (auto [to, from] : llvm::zip(written.getResults(), read.getResults()))
      loops[cast<AffineDimExpr>(to).getPosition()] =
          outer->second[cast<AffineDimExpr>(from).getPosition()];
    if (result && *result != loops)
      return std::nullopt;
    result = loops;
  }
  return result;
}

bool AttentionFinder::coversRows(const Loops &loops) const {
  llvm::SmallDenseSet<unsigned> covered;
  for (std::optional<unsigned> loop : loops)
    if (loop && rows.contains(*loop))
      covered.insert(*loop);
  return covered.size() == rows.size();
}

/// Makes the op behind `value` a member if it works row by row. Anything else,
/// such as a mask that all heads share, is computed elsewhere and read here.
void AttentionFinder::visit(Value value) {
  auto producer = value.getDefiningOp<linalg::GenericOp>();
  if (!producer || members.contains(producer))
    return;
  std::optional<Loops> loops = follow(producer);
  if (!loops || !coversRows(*loops))
    return;
  loopsOf[producer] = *loops;
  members.insert(producer);
}

/// True if nobody else reads what the members compute.
bool AttentionFinder::isClosed() const {
  return llvm::all_of(members, [&](Operation *op) {
    return op == root || llvm::all_of(op->getUsers(), [&](Operation *user) {
             return members.contains(user);
           });
  });
}

/// Operands that are only moved (keys to where vectors want them), perhaps with
/// a bias or a factor, are moved inside of the kernel, where they stay in the
/// cache.
void AttentionFinder::addTranspositions(linalg::GenericOp contraction) {
  for (Value input : contraction.getDpsInputs()) {
    auto move = input.getDefiningOp<linalg::GenericOp>();
    if (move && isElementwise(move) && move->hasOneUse() &&
        move.getBody()->getOperations().size() <= kMoveOps &&
        llvm::all_of(move.getIndexingMapsArray(), [](AffineMap map) {
          return map.isProjectedPermutation();
        }))
      members.insert(move);
  }
}

llvm::SetVector<Operation *> AttentionFinder::find() {
  Loops loops;
  for (unsigned loop = 0, e = root.getNumLoops(); loop < e; ++loop)
    loops.push_back(loop);
  loopsOf[root] = loops;
  members.insert(root);
  visit(second.getResult(0));
  if (!members.contains(second))
    return {};
  AffineMap read =
      second.getMatchingIndexingMap(&second->getOpOperand(weights));
  for (auto [loop, outer] : llvm::enumerate(loopsOf[second]))
    if (outer && read.isFunctionOfDim(loop))
      rows.insert(*outer);

  bool reduces = false;
  for (unsigned i = 0; i < members.size(); ++i) {
    auto op = cast<linalg::GenericOp>(members[i]);
    if (op == second) {
      visit(op->getOperand(weights));
    } else if (isMultiplyAccumulate(op)) {
      if (first || hasParameter(op))
        return {};
      first = op;
    } else {
      reduces |= op.getNumReductionLoops() > 0;
      for (Value input : op.getDpsInputs())
        visit(input);
    }
  }
  if (rows.empty() || !first || !reduces || !isClosed())
    return {};
  addTranspositions(first);
  addTranspositions(second);
  return members;
}

llvm::SetVector<Operation *> fairway::findAttention(linalg::GenericOp root) {
  auto isSecond = [](linalg::GenericOp op) {
    return op && isMultiplyAccumulate(op) && !hasWindow(op) &&
           op.getNumReductionLoops() == 1 && !hasParameter(op);
  };
  SmallVector<linalg::GenericOp> candidates;
  if (isSecond(root))
    candidates.push_back(root);
  else if (isElementwise(root))
    for (Value input : root.getDpsInputs())
      if (auto op = input.getDefiningOp<linalg::GenericOp>(); isSecond(op))
        candidates.push_back(op);
  for (linalg::GenericOp second : candidates)
    for (unsigned weights : {0, 1}) {
      llvm::SetVector<Operation *> members =
          AttentionFinder(root, second, weights).find();
      if (!members.empty())
        return members;
    }
  return {};
}
