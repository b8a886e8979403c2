//===- NestBuilder.h - the state behind emitNest --------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_NESTBUILDER_H
#define FAIRWAY_LIB_KERNEL_NESTBUILDER_H

#include "NestEmitter.h"

namespace fairway {

using Values = llvm::SmallVector<mlir::Value>;
using LoopBody =
    llvm::function_ref<Values(mlir::OpFoldResult iv, mlir::ValueRange)>;
using SegmentBody = llvm::function_ref<Values(mlir::OpFoldResult iv,
                                              int64_t step, mlir::ValueRange)>;

/// Emits one nest. NestEmitter.cpp holds the loops around the tiles,
/// NestTiles.cpp what happens in one tile, NestTables.cpp sums with known
/// factors.
class NestBuilder {
public:
  NestBuilder(mlir::OpBuilder &b, const Fusion &fusion, const LoopPlan &plan)
      : b(b), loc(fusion.main->getLoc()), fusion(fusion), main(fusion.main),
        plan(plan), outs(main.getNumDpsInits()) {}

  void run();

private:
  /// The block of outputs that one visit of the parallel loops computes.
  struct Tile {
    int64_t lines = 1, rows = 1, vectors = 1, lanes = 1;
    int64_t points() const { return lines * rows; }
  };

  Values loop(mlir::OpFoldResult lower, mlir::OpFoldResult upper, int64_t step,
              mlir::ValueRange carried, LoopBody body);
  /// A part of a loop's range that is covered in equal static steps. Without
  /// an end it takes as many steps as fit.
  struct Segment {
    int64_t step;
    std::optional<int64_t> end = std::nullopt;
  };
  Values segments(mlir::OpFoldResult size, llvm::ArrayRef<Segment> parts,
                  mlir::ValueRange carried, SegmentBody body);
  llvm::SmallVector<Segment> vectorSegments(mlir::OpFoldResult size);
  static llvm::SmallVector<Segment> evenSegments(int64_t size, int64_t most);
  llvm::SmallVector<Segment> rowSegments(mlir::OpFoldResult size);

  void emitParallel(unsigned level, unsigned end,
                    llvm::function_ref<void()> then);
  void emitChunks(unsigned level, llvm::function_ref<void()> then);
  void emitTile();
  std::pair<mlir::OpFoldResult, mlir::OpFoldResult> laterPanel();
  void prefetchPanel();
  void prefetchOpenShare(int64_t total, mlir::AffineExpr position,
                         llvm::ArrayRef<mlir::OpFoldResult> operands);
  void prefetchShare(int64_t total, mlir::AffineExpr position,
                     llvm::ArrayRef<mlir::OpFoldResult> operands);
  void prefetchSums();
  void prefetchEpilogue();
  void emitVertical();
  void emitHorizontal();
  void keepRolled(mlir::ValueRange sums);
  Values reduceVertical(unsigned level, mlir::ValueRange accs);
  Values reduceTable(mlir::ValueRange accs);
  Values reduceHorizontal(unsigned level, mlir::ValueRange accs);
  Values emitMainPoint(BodyEmitter &body, BodyEmitter::Point point,
                       mlir::ValueRange accs);
  Values loadMain();
  Values initialValues();
  void storeMain(llvm::ArrayRef<mlir::Value> accs);
  llvm::SmallVector<Values> byPoint(llvm::ArrayRef<mlir::Value> accs);
  void finish(llvm::ArrayRef<mlir::Value> accs);
  void emitEpilogue(llvm::ArrayRef<Values> results);

  Site mainSite() {
    return {ivs, plan.lineDim, plan.rowDim, plan.vectorDim, tile.rows};
  }
  Site attachedSite(const Attached &attached);
  /// The tile's points in the order in which accumulators are held.
  template <typename Fn> void forEachPoint(Fn fn) {
    for (int64_t line = 0; line < tile.lines; ++line)
      for (int64_t row = 0; row < tile.rows; ++row)
        for (int64_t v = 0; v < tile.vectors; ++v)
          fn(BodyEmitter::Point{row, v * tile.lanes, tile.lanes, line});
  }

  mlir::OpBuilder &b;
  mlir::Location loc;
  const Fusion &fusion;
  mlir::linalg::GenericOp main;
  const LoopPlan &plan;
  unsigned outs;
  llvm::SmallVector<mlir::OpFoldResult> sizes, ivs;
  /// The part of each reduction that one visit covers.
  llvm::SmallVector<mlir::OpFoldResult> lowers, uppers;
  Tile tile;
};

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_NESTBUILDER_H
