//===- TileMembers.cpp - what a kernel's last op needs --------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileMembers.h"
#include "fairway/Support/Sizes.h"
#include "fairway/Support/TableSum.h"

using namespace mlir;

namespace fairway {

/// Fewer rows than this read a contraction's other operand too often.
static constexpr int64_t kMinBlockRows = 24;
/// A register tile's rows.
static constexpr int64_t kFewestRows = 6;

/// A loop, or one of which several steps read the same (`d0 floordiv 2`).
static std::pair<AffineDimExpr, int64_t> matchSteps(AffineExpr expr) {
  auto division = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!division || division.getKind() != AffineExprKind::FloorDiv)
    return {dyn_cast<AffineDimExpr>(expr), 1};
  auto steps = dyn_cast<AffineConstantExpr>(division.getRHS());
  if (!steps)
    return {nullptr, 1};
  return {dyn_cast<AffineDimExpr>(division.getLHS()), steps.getValue()};
}

static void visitProducers(const Member &consumer, Members &members) {
  linalg::LinalgOp op = consumer.op;
  for (OpOperand &operand : op->getOpOperands()) {
    auto result = dyn_cast<OpResult>(operand.get());
    auto producer = result ? dyn_cast<linalg::LinalgOp>(result.getOwner())
                           : linalg::LinalgOp();
    if (!producer)
      continue;
    AffineMap used = op.getMatchingIndexingMap(&operand);
    AffineMap made = producer.getIndexingMapMatchingResult(result);
    Member member{producer, {}, {}};
    member.rootLoop.resize(producer.getNumLoops());
    member.rootSteps.resize(producer.getNumLoops(), 1);
    for (auto [use, make] : llvm::zip(used.getResults(), made.getResults())) {
      auto from = dyn_cast<AffineDimExpr>(make);
      auto [to, steps] = matchSteps(use);
      if (!from || !to)
        continue;
      member.rootLoop[from.getPosition()] = consumer.rootLoop[to.getPosition()];
      member.rootSteps[from.getPosition()] =
          consumer.rootSteps[to.getPosition()] * steps;
    }
    auto [it, inserted] = members.insert({producer, member});
    if (inserted)
      continue;
    for (unsigned loop = 0, e = member.rootLoop.size(); loop < e; ++loop)
      if (it->second.rootLoop[loop] != member.rootLoop[loop] ||
          it->second.rootSteps[loop] != member.rootSteps[loop])
        it->second.rootLoop[loop] = std::nullopt;
  }
}

Members findMembers(linalg::LinalgOp root) {
  Member member{root, {}, SmallVector<int64_t>(root.getNumLoops(), 1)};
  for (unsigned loop = 0; loop < root.getNumLoops(); ++loop)
    member.rootLoop.push_back(loop);
  Members members;
  members.insert({root, member});
  // `members` grows while it is walked; producers of an op are visited again
  // if another consumer changed what is known of it.
  for (unsigned i = 0; i < members.size(); ++i) {
    Member current = (members.begin() + i)->second;
    visitProducers(current, members);
  }
  return members;
}

/// Sums of products of two operands that both move along the sum.
static bool isContraction(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumReductionLoops() == 0 ||
      matchTableSum(op))
    return false;
  for (auto [loop, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if (kind == utils::IteratorType::reduction)
      for (OpOperand *input : op.getDpsInputOperands())
        if (!op.getMatchingIndexingMap(input).isFunctionOfDim(loop))
          return false;
  return true;
}

/// Bytes of the op's result in a tile of the root.
static int64_t getTileBytes(const Member &member, ArrayRef<int64_t> tile) {
  linalg::LinalgOp op = member.op;
  SmallVector<int64_t> sizes = Hints(op).of(op);
  OpOperand *init = op.getDpsInitOperand(0);
  Type element = getElementTypeOrSelf(init->get().getType());
  int64_t bytes = element.isIntOrFloat()
                      ? llvm::divideCeil(element.getIntOrFloatBitWidth(), 8)
                      : 8;
  AffineMap map = op.getMatchingIndexingMap(init);
  for (auto [loop, size] : llvm::enumerate(sizes))
    if (map.isFunctionOfDim(loop))
      bytes *= member.lengthIn(tile, loop, size);
  return bytes;
}

/// The root's parallel loops that all contractions follow, if there are two.
static SmallVector<unsigned> findRowLoops(const Members &members,
                                          linalg::LinalgOp root) {
  SmallVector<unsigned> loops;
  unsigned contractions = llvm::count_if(
      members, [](const auto &m) { return isContraction(m.second.op); });
  if (contractions < 2)
    return loops;
  SmallVector<utils::IteratorType> kinds = root.getIteratorTypesArray();
  for (unsigned loop = 0, e = kinds.size(); loop < e; ++loop)
    if (kinds[loop] == utils::IteratorType::parallel &&
        llvm::all_of(members, [&](const auto &m) {
          return !isContraction(m.second.op) || m.second.follows(loop);
        }))
      loops.push_back(loop);
  return loops;
}

/// Panels of a contraction's result, if a table sum makes what it reads: its
/// values are read again for each panel, and what another table sum makes of a
/// panel finds it in the nearest cache.
static std::optional<RowBlock> choosePanelBlock(const Members &members,
                                                linalg::LinalgOp root,
                                                ArrayRef<int64_t> tile) {
  unsigned contractions = llvm::count_if(
      members, [](const auto &m) { return isContraction(m.second.op); });
  AffineMap out = root.getMatchingIndexingMap(root.getDpsInitOperand(0));
  if (contractions != 1 || out.getNumResults() == 0)
    return std::nullopt;
  for (AffineExpr expr : out.getResults().drop_back()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || tile[dim.getPosition()] < 2)
      continue;
    unsigned loop = dim.getPosition();
    bool shared = false, followed = true;
    for (const auto &[op, member] : members) {
      bool follows = member.follows(loop);
      shared |= !follows && matchTableSum(member.op).has_value();
      followed &= follows || !isContraction(member.op);
    }
    if (shared && followed)
      return RowBlock{loop, 1, {}};
  }
  return std::nullopt;
}

/// The row loop: the one that divides the values between the contractions best.
/// With the bytes of those values for each row.
static std::optional<std::pair<unsigned, int64_t>>
findRowLoop(const Members &members, ArrayRef<unsigned> loops,
            linalg::LinalgOp root, ArrayRef<int64_t> tile) {
  std::optional<std::pair<unsigned, int64_t>> best;
  for (unsigned loop : loops) {
    int64_t bytes = 0;
    for (const auto &[op, member] : members)
      if (op != root && member.follows(loop))
        bytes = std::max(bytes, getTileBytes(member, tile));
    bytes /= tile[loop];
    if (tile[loop] > 1 && bytes > 0 && (!best || bytes < best->second))
      best = {loop, bytes};
  }
  return best;
}

std::optional<unsigned> findRowLoop(const Members &members,
                                    linalg::LinalgOp root) {
  auto row = findRowLoop(members, findRowLoops(members, root), root,
                         Hints(root).of(root));
  return row ? std::optional(row->first) : std::nullopt;
}

std::optional<RowBlock> chooseRowBlock(const Members &members,
                                       linalg::LinalgOp root,
                                       ArrayRef<int64_t> tile,
                                       const MachineDescription &machine) {
  if (std::optional<RowBlock> panels = choosePanelBlock(members, root, tile))
    return panels;
  SmallVector<unsigned> loops = findRowLoops(members, root);
  auto found = findRowLoop(members, loops, root, tile);
  if (!found)
    return std::nullopt;
  auto [row, rowBytes] = *found;
  int64_t rows =
      std::max<int64_t>(kMinBlockRows, machine.l1Bytes / 2 / rowBytes);
  if (rows * rowBytes > machine.l2Bytes / 2)
    rows = std::max<int64_t>(kFewestRows, machine.l2Bytes / 2 / rowBytes);
  llvm::erase(loops, row);
  // How many rows of an open size there are, only the call knows.
  if (Hints(root).isOpen(root.getStaticLoopRanges()[row]))
    return RowBlock{row, rows, loops};
  if (rows >= tile[row])
    return std::nullopt;
  // As even as possible.
  int64_t blocks = llvm::divideCeil(tile[row], rows);
  return RowBlock{row, int64_t(llvm::divideCeil(tile[row], blocks)), loops};
}

} // namespace fairway
