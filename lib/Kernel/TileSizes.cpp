//===- TileSizes.cpp - how large a kernel's tiles are ---------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileSizes.h"
#include "RowBlocks.h"
#include "TileContraction.h"
#include "TileCost.h"
#include "TileMembers.h"
#include "fairway/Support/Sizes.h"
#include "fairway/Support/TableSum.h"

#include <vector>

using namespace mlir;

namespace fairway {
namespace {

/// An image's row is not cut below this many pixels.
constexpr int64_t kLongRow = 256;

/// What a core reaches of its peak in the loops that are written here; those
/// of element-wise ops count twice, as they also wait for memory.
constexpr double kReachable = 0.65;
/// Finding out a tile's place and starting its loops, in nanoseconds.
constexpr double kTileOverhead = 150;
/// An artefact may run with more threads than it was made for: a tiling that
/// still divides among this many may cost a little more where it was meant to
/// run.
constexpr int64_t kScalableThreads = 16;
constexpr double kScalingWeight = 0.02;
/// What a tile costs more when the part of the result that it computes is not
/// one range of memory (docs/decisions/017-where-workers-meet.md).
constexpr double kScattered = 1.02;
/// What a tile that is computed in blocks of rows costs more if it holds
/// several batches of them, which share nothing but the cache.
constexpr double kBatched = 1.1;

/// Less work than this, in nanoseconds, is not worth handing out.
constexpr double kWorthATile = 4000;

class Model {
public:
  Model(linalg::LinalgOp root, const MachineDescription &machine,
        unsigned threads);
  SmallVector<int64_t> choose();
  using Visitor = llvm::function_ref<void(double price, ArrayRef<int64_t>)>;
  void visit(Visitor visit);
  bool mayDivide(unsigned loop);
  int64_t getUnit(unsigned loop) const;

private:
  void findTilable();
  double priceRows(ArrayRef<int64_t> tile) const;
  double priceRereads(ArrayRef<int64_t> tile) const;
  double price(ArrayRef<int64_t> tile) const;
  double priceOfTile(ArrayRef<int64_t> tile) const;
  double panelsOf(unsigned member, unsigned operand,
                  ArrayRef<int64_t> tile) const;
  bool isScattered(ArrayRef<int64_t> tile) const;
  void search(unsigned next, SmallVectorImpl<int64_t> &tile, Visitor visit);
  SmallVector<int64_t> withoutWholeLoops(ArrayRef<int64_t> tile) const;
  int64_t openTile(unsigned loop, SmallVector<int64_t> tile) const;

  linalg::LinalgOp root;
  const MachineDescription &machine;
  int64_t threads;
  SmallVector<int64_t> sizes; ///< hints where they are open
  SmallVector<bool> open;
  Members members;
  std::vector<TileCost> costs;                ///< of the members
  std::optional<TileContraction> contraction; ///< the kernel's, if it has one
  SmallVector<unsigned> tilable;
};

} // namespace

Model::Model(linalg::LinalgOp root, const MachineDescription &machine,
             unsigned threads)
    : root(root), machine(machine), threads(std::max(1u, threads)),
      sizes(Hints(root).of(root)), members(findMembers(root)) {
  for (auto [size, extent] : llvm::zip(sizes, root.getStaticLoopRanges()))
    open.push_back(size != extent);
  for (auto [number, entry] : llvm::enumerate(members)) {
    if (!contraction)
      contraction = matchContraction(entry.second, number);
    costs.emplace_back(entry.second, machine);
  }
  findTilable();
}

/// A loop of the root may be tiled if no producer with a reduction (or whose
/// value leaves the kernel) would be computed again in several tiles.
bool Model::mayDivide(unsigned loop) {
  if (root.getIteratorTypesArray()[loop] != utils::IteratorType::parallel)
    return false;
  for (auto &[op, member] : members) {
    bool follows = llvm::is_contained(member.rootLoop, loop);
    bool returned = llvm::any_of(op->getUsers(), [](Operation *user) {
      return isa<func::ReturnOp>(user);
    });
    // A few additions for each element may be done again.
    bool costly =
        member.op.getNumReductionLoops() > 0 && !matchTableSum(member.op);
    if (!follows && (costly || returned))
      return false;
  }
  return true;
}

/// How many steps of a loop some member takes as one.
int64_t Model::getUnit(unsigned loop) const {
  int64_t unit = 1;
  for (const auto &[op, member] : members)
    for (auto [from, steps] : llvm::zip(member.rootLoop, member.rootSteps))
      if (from == loop)
        unit = std::max(unit, steps);
  return unit;
}

/// Whether tiles of `size` cut no unit, and are all the same where there are
/// any.
static bool isWhole(int64_t size, int64_t loop, int64_t unit) {
  return unit == 1 || (size % unit == 0 && loop % size == 0);
}

void Model::findTilable() {
  AffineMap out = root.getMatchingIndexingMap(root.getDpsInitOperand(0));
  std::optional<unsigned> innermost;
  if (out.getNumResults() > 0)
    if (auto dim = dyn_cast<AffineDimExpr>(out.getResults().back()))
      innermost = dim.getPosition();
  for (unsigned loop = 0; loop < sizes.size(); ++loop) {
    if ((sizes[loop] < 2 && !open[loop]) || !mayDivide(loop))
      continue;
    // Vectors lie along the innermost dimension: leave it whole unless long.
    if (loop == innermost && (sizes[loop] < 4096 || open[loop]))
      continue;
    // Parts of several steps each: sizes that call for fewer have none.
    if (open[loop] && getUnit(loop) > 1)
      continue;
    // Registers hold pieces of an image's row: tiles take whole rows.
    if (contraction && contraction->rows.size() > 1 &&
        costs[contraction->member].member.rootLoop[contraction->rows.back()] ==
            loop &&
        sizes[loop] < kLongRow && !open[loop])
      continue;
    tilable.push_back(loop);
  }
  if (tilable.size() > 4)
    tilable.resize(4);
}

/// How much longer a tile's points take than the multiply-add units need.
double Model::priceRows(ArrayRef<int64_t> tile) const {
  const TileCost &cost = costs[contraction->member];
  ArrayRef<unsigned> loops = contraction->rows;
  auto length = [&](unsigned loop) {
    return cost.member.lengthIn(tile, loop, cost.sizes[loop]);
  };
  int64_t rows = length(loops.back());
  int64_t lines = loops.size() > 1 ? length(loops.drop_back().back()) : 1;
  // Each row holds two accumulators; the weights and a broadcast need registers
  // as well.
  int64_t most = std::max<int64_t>(1, (machine.vectorRegisters - 4) / 2);
  int64_t high = chooseTileLines(lines, rows, most);
  return double(costOfPoints(lines, rows, most, high)) / double(lines * rows);
}

/// How many panels of a tile an operand comes in, of which the cache need hold
/// one at a time: those of the contraction's weights pass by.
double Model::panelsOf(unsigned member, unsigned operand,
                       ArrayRef<int64_t> tile) const {
  if (!contraction || member != contraction->member ||
      operand != contraction->weights)
    return 1;
  int64_t panels = 1;
  for (unsigned loop : contraction->panels)
    panels *= tile[loop];
  return double(panels);
}

/// Bytes of the image that come from beyond the core's cache again for every
/// panel of weights after the first.
double Model::priceRereads(ArrayRef<int64_t> tile) const {
  const TileCost &cost = costs[contraction->member];
  double bytes = cost.bytes(contraction->image, cost.loopsIn(tile));
  if (bytes * cost.access[contraction->image].kept <=
      double(machine.l2Bytes) / 2)
    return 0;
  double panels = panelsOf(contraction->member, contraction->weights, tile);
  // What the tile itself made is there as little for the first panel.
  bool made = cost.access[contraction->image].shared;
  return (panels - (made ? 0 : 1)) * bytes;
}

/// Nanoseconds that one worker needs for one tile, roughly.
double Model::priceOfTile(ArrayRef<int64_t> tile) const {
  double operations = 0, traffic = 0, inside = 0;
  // What must be in the cache at once is what a block of rows needs.
  SmallVector<int64_t> block(tile);
  bool batched = false;
  if (auto rows = chooseRowBlock(members, root, tile, machine)) {
    block[rows->loop] = std::min(rows->rows, tile[rows->loop]);
    batched = llvm::any_of(rows->batches,
                           [&](unsigned loop) { return tile[loop] > 1; });
  }
  for (auto [number, cost] : llvm::enumerate(costs)) {
    SmallVector<int64_t, 8> loops = cost.loopsIn(tile);
    double points = 1;
    for (int64_t size : loops)
      points *= double(size);
    operations += points * cost.operations;
    SmallVector<int64_t, 8> inBlock = cost.loopsIn(block);
    for (auto [index, access] : llvm::enumerate(cost.access)) {
      double bytes = cost.bytes(index, loops);
      if (!access.shared)
        inside += cost.bytes(index, inBlock) * access.kept /
                  panelsOf(number, index, tile);
      if (!access.internal)
        traffic += bytes;
    }
  }
  // Of what the contraction reads for each place of a transformed block, it
  // takes one place after the other.
  if (contraction && contraction->places > 1)
    inside -=
        costs[contraction->member].bytes(
            contraction->image, costs[contraction->member].loopsIn(block)) *
        (1 - 1 / double(contraction->places));
  double compute = operations / (kReachable * machine.peakGflops());
  if (contraction) {
    compute *= priceRows(tile);
    traffic += priceRereads(tile);
  }
  double cache = double(machine.l2Bytes);
  if (inside > cache)
    compute *= 1.0 + 0.3 * std::min(4.0, inside / cache - 1.0);
  if (batched)
    compute *= kBatched;
  return compute + traffic / machine.memoryBandwidth + kTileOverhead;
}

/// Nanoseconds that the whole kernel takes, roughly.
double Model::price(ArrayRef<int64_t> tile) const {
  int64_t tiles = 1;
  bool even = true;
  for (unsigned loop : tilable) {
    tiles *= llvm::divideCeil(sizes[loop], tile[loop]);
    even &= sizes[loop] % tile[loop] == 0;
  }
  double each = priceOfTile(tile);
  if (!even)
    each *= 1.1;
  auto rounds = [&](int64_t workers) {
    return double(llvm::divideCeil(tiles, workers));
  };
  double scaled = rounds(kScalableThreads) * kScalableThreads / threads;
  return each * (rounds(threads) + kScalingWeight * scaled);
}

/// Whether the result's elements of one tile are more than one range of memory.
bool Model::isScattered(ArrayRef<int64_t> tile) const {
  linalg::LinalgOp op = root;
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  bool began = false; // a dimension of which the tile covers more than one
  for (AffineExpr expr : out.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return true;
    unsigned loop = dim.getPosition();
    if (began && tile[loop] < sizes[loop])
      return true;
    began |= tile[loop] > 1;
  }
  return false;
}

void Model::search(unsigned next, SmallVectorImpl<int64_t> &tile,
                   Visitor visit) {
  if (next == tilable.size())
    return visit(price(tile) * (isScattered(tile) ? kScattered : 1.0), tile);
  unsigned loop = tilable[next];
  int64_t last = 0;
  for (int64_t parts : {1, 2, 3, 4, 6, 7, 8, 12, 14, 16, 24, 28, 32, 48, 64}) {
    int64_t size = llvm::divideCeil(sizes[loop], parts);
    if (parts > sizes[loop] || size == last)
      continue;
    if (parts > 1 && !isWhole(size, sizes[loop], getUnit(loop)))
      continue;
    if (sizes[loop] >= 4096 && parts > 1)
      size = llvm::alignTo(size, 64);
    last = size;
    tile[loop] = size;
    search(next + 1, tile, visit);
  }
  tile[loop] = sizes[loop];
}

/// The tile of an open loop, of which the hint's best tile takes `size`. If
/// that is all of the hint, it serves other sizes, too: rows of a contraction
/// are as many as the cache holds, what is cheap is as much as is worth handing
/// out. Everything else of a contraction, such as the samples of a batch, is
/// one.
int64_t Model::openTile(unsigned loop, SmallVector<int64_t> tile) const {
  Hints hints(root);
  int64_t size = tile[loop];
  if (size < sizes[loop])
    return hints.openTile(size);
  tile[loop] = 1;
  auto grow = [&](llvm::function_ref<bool(double)> fits) {
    while (hints.openTile(2 * size) >= 2 * size && fits(2.0 * double(size)))
      size *= 2;
    return hints.openTile(size);
  };
  if (!contraction) {
    double each = priceOfTile(tile) - kTileOverhead;
    return grow([&](double rows) { return rows * each < 2 * kWorthATile; });
  }
  const TileCost &cost = costs[contraction->member];
  if (cost.member.rootLoop[contraction->rows.back()] != loop)
    return 1;
  double row = cost.bytes(contraction->image, cost.loopsIn(tile)) *
               cost.access[contraction->image].kept;
  return grow(
      [&](double rows) { return rows * row <= double(machine.l2Bytes) / 2; });
}

/// What tiling takes: 0 for loops that stay whole, empty if all do.
SmallVector<int64_t> Model::withoutWholeLoops(ArrayRef<int64_t> tile) const {
  SmallVector<int64_t> result(sizes.size(), 0);
  bool any = false;
  // Between two contractions, blocks of rows divide what is left whole; they
  // want one of everything else.
  std::optional<unsigned> rows = llvm::is_contained(open, true)
                                     ? findRowLoop(members, root)
                                     : std::nullopt;
  for (unsigned loop : tilable) {
    if (open[loop] ? rows == loop : tile[loop] == sizes[loop])
      continue;
    result[loop] = tile[loop];
    if (open[loop])
      result[loop] = rows ? 1 : openTile(loop, SmallVector<int64_t>(tile));
    any = true;
  }
  return any ? result : SmallVector<int64_t>{};
}

SmallVector<int64_t> Model::choose() {
  if (tilable.empty())
    return {};
  SmallVector<int64_t> tile(sizes), best;
  // Too little work to hand out, but for sizes beyond the hint.
  if (priceOfTile(tile) < kWorthATile)
    return withoutWholeLoops(tile);
  double bestPrice = 0;
  search(0, tile, [&](double price, ArrayRef<int64_t> tried) {
    if (best.empty() || price < bestPrice * 0.999) {
      bestPrice = price;
      best.assign(tried.begin(), tried.end());
    }
  });
  return withoutWholeLoops(best);
}

/// Visits every tiling in the form that tiling takes.
void Model::visit(Visitor visit) {
  SmallVector<int64_t> tile(sizes);
  search(0, tile, [&](double price, ArrayRef<int64_t> tried) {
    visit(price, withoutWholeLoops(tried));
  });
}

static bool hasDynamicLoops(linalg::LinalgOp root) {
  return llvm::any_of(root.getStaticLoopRanges(), ShapedType::isDynamic);
}

SmallVector<int64_t> chooseTileSizes(linalg::LinalgOp root,
                                     const MachineDescription &machine,
                                     unsigned threads) {
  if (hasDynamicLoops(root))
    return {};
  return Model(root, machine, threads).choose();
}

void visitTileSizes(linalg::LinalgOp root, const MachineDescription &machine,
                    unsigned threads,
                    llvm::function_ref<void(double, ArrayRef<int64_t>)> visit) {
  if (!hasDynamicLoops(root))
    Model(root, machine, threads).visit(visit);
}

bool canDivide(linalg::LinalgOp root, unsigned loop, int64_t size) {
  if (hasDynamicLoops(root))
    return false;
  Model model(root, MachineDescription(), /*threads=*/1);
  return model.mayDivide(loop) &&
         isWhole(size, root.getStaticLoopRanges()[loop], model.getUnit(loop));
}

} // namespace fairway
