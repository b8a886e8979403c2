//===- LoopPlan.h - which loops become vectors and registers --------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_LOOPPLAN_H
#define FAIRWAY_LIB_KERNEL_LOOPPLAN_H

#include "fairway/Support/TableSum.h"

namespace fairway {

/// The vector unit that code is generated for.
struct VectorUnit {
  unsigned bits = 256;
  unsigned registers = 16;

  /// The most sums that a block holds in registers, as far as there are any.
  /// Of 512 bits, 16 sums keep two units busy for twice the latency of a
  /// multiply-add; more only lose time (docs/decisions/028).
  int64_t mostSums() const { return bits >= 512 ? 16 : registers; }
  /// Bytes of vectors that may stay in the nearest cache beside other data.
  /// Wide vectors pass by faster than the next cache gives what the rows read:
  /// the pieces of those have to stay, too.
  int64_t panelBytes() const { return (bits >= 512 ? 8 : 16) * 1024; }
};

/// What a kernel's configuration says of its reductions; see Config.td.
struct LoopLimits {
  std::optional<int64_t> rows, vectors, piece, prefetch;
};

/// How one generic becomes loops: a vector loop, a loop unrolled over
/// registers, and the order of the others.
struct LoopPlan {
  /// The loop whose iterations become lanes; none: scalar code.
  std::optional<unsigned> vectorDim;
  /// Whether that loop is a reduction: lanes are combined at the end.
  bool horizontal = false;
  /// Lanes of one vector, a power of two.
  int64_t lanes = 1;
  /// Vectors side by side along the vector loop.
  int64_t vectors = 1;
  /// The parallel loop that is unrolled over registers, and how far.
  std::optional<unsigned> rowDim;
  int64_t rows = 1;
  /// A loop around it that is unrolled too where its rows alone make poor
  /// blocks: up to `lines` of its iterations by as many rows as leave at most
  /// `points`.
  std::optional<unsigned> lineDim;
  int64_t lines = 1, points = 1;
  /// A sum with known factors, if its reductions are unrolled, too.
  std::optional<TableSum> table;
  /// Loops from the outermost inwards; the parallel ones hold `rowDim` and
  /// `vectorDim` too.
  llvm::SmallVector<unsigned> parallel, reductions;
  /// Where all reductions touch more vectors than the nearest cache holds, they
  /// are cut: the first `hoisted` of them, and steps of `chunk` of the next
  /// (0: none), go around the last parallel loops from `chunkLevel` on;
  /// accumulators then wait in the output buffer between chunks.
  unsigned hoisted = 0, chunkLevel = 0;
  int64_t chunk = 0;
  bool isChunked() const { return hoisted > 0 || chunk > 0; }
  /// Elements of a piece, 0 if the reductions are not cut; nothing where they
  /// cannot be.
  std::optional<int64_t> piece;
  /// The operand whose vectors all rows share (weights), if it comes in panels
  /// that lie in memory in the order in which the reductions read them. While
  /// the rows pass by one panel, a later one is fetched into the cache.
  std::optional<unsigned> panelOperand;
  /// The parallel loop over its panels, and cache lines that one visit of all
  /// rows reads of a panel.
  unsigned panelDim = 0;
  /// Whether other operands move with that loop, too (a batch): then a panel's
  /// pieces come one after the other, as in memory.
  bool panelsInBatch = false;
  int64_t panelLines = 0;
  /// How many panels ahead is fetched; 0: nothing is.
  int64_t panelsAhead = 1;
};

/// Blocks of this many lanes squared are still transposed in registers.
inline constexpr int64_t kMaxTransposeLanes = 16;

/// Bytes of a cache line; what is fetched ahead is counted in these.
inline constexpr int64_t kLineBytes = 64;

/// Chooses the plan for `op` (on memrefs) by a small cost model: contiguous
/// accesses are cheap, invariant ones nearly free, strided ones cost a lane
/// each. What `limits` says of reductions goes before the model.
LoopPlan planLoops(mlir::linalg::GenericOp op, const VectorUnit &unit,
                   const LoopLimits &limits = {});

/// The plan that is always right: one element at a time.
LoopPlan planScalarLoops(mlir::linalg::GenericOp op);

/// For each operation of the body: whether its results differ between lanes
/// when loop `dim` is vectorized. Returns false if the body cannot be
/// vectorized (it holds regions or side effects).
bool analyzeVarying(mlir::linalg::GenericOp op, unsigned dim,
                    llvm::DenseSet<mlir::Value> &varying);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_LOOPPLAN_H
