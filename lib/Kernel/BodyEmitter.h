//===- BodyEmitter.h - a generic's body as vector code --------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_BODYEMITTER_H
#define FAIRWAY_LIB_KERNEL_BODYEMITTER_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace fairway {

/// Where in the iteration space code is emitted: the loops' values, and which
/// loops are unrolled over lines and rows and which one lies across lanes.
struct Site {
  llvm::SmallVector<mlir::OpFoldResult> ivs;
  std::optional<unsigned> lineDim, rowDim, vectorDim;
  /// How many rows there are.
  int64_t rows = 1;
};

/// Emits the body of one generic at the builder's insertion point. Loads and
/// broadcasts are shared between all points that one emitter serves, so an
/// emitter must not outlive the block it emits into.
class BodyEmitter {
public:
  BodyEmitter(mlir::OpBuilder &builder, mlir::linalg::GenericOp op, Site site)
      : b(builder), op(op), site(std::move(site)) {}

  /// One vector of points: `row`, `column` and `line` are added to the row,
  /// vector and line loops' values, `lanes` points lie side by side (1: scalar
  /// code).
  struct Point {
    int64_t row = 0, column = 0, lanes = 1, line = 0;
  };

  /// Emits the body; `known` gives the values of operands that are already in
  /// registers (by operand number). Returns what the body yields: vectors of
  /// `lanes` elements, or scalars if `lanes` is 1.
  llvm::SmallVector<mlir::Value>
  emit(Point point, const llvm::DenseMap<unsigned, mlir::Value> &known =
                        llvm::DenseMap<unsigned, mlir::Value>());

  /// Loads operand `index` at `point`, as a vector even where all lanes read
  /// the same element.
  mlir::Value load(unsigned index, Point point);

  /// Stores `value` to operand `index` at `point`.
  void store(mlir::Value value, unsigned index, Point point);

  /// Starts to fetch what `load` of operand `index` at `point` will read.
  void prefetch(unsigned index, Point point);

private:
  /// A value of the body: the same for all lanes, one per lane, or
  /// `value + lane`.
  struct Lanes {
    enum Form { Uniform, Varying, Iota } form = Uniform;
    mlir::Value value;
  };

  Lanes loadOperand(unsigned index, Point point);
  bool isTransposed(unsigned index, int64_t lanes);
  void loadTransposed(unsigned index, Point point);
  Lanes emitOp(mlir::Operation *inner, llvm::ArrayRef<Lanes> operands,
               Point point);
  Lanes emitIndex(mlir::linalg::IndexOp index, Point point);
  Lanes emitGather(mlir::memref::LoadOp gather, llvm::ArrayRef<Lanes> indices,
                   Point point);
  Lanes emitLaneByLane(mlir::Operation *inner, llvm::ArrayRef<Lanes> operands,
                       Point point);
  mlir::Operation *cloneScalar(mlir::Operation *inner,
                               mlir::ValueRange operands);
  mlir::Value asVector(Lanes lanes, int64_t count);
  mlir::Value asLane(Lanes lanes, int64_t lane);
  llvm::SmallVector<mlir::Value> indices(unsigned operand, Point point);
  int64_t offsetOf(unsigned dim, Point point) const;
  mlir::Value loopValue(unsigned dim, Point point);
  bool dependsOn(unsigned operand, std::optional<unsigned> dim);

  mlir::OpBuilder &b;
  mlir::linalg::GenericOp op;
  Site site;
  /// By operand, line, row, column and number of lanes.
  using LoadKey = std::tuple<unsigned, int64_t, int64_t, int64_t, int64_t>;
  llvm::DenseMap<LoadKey, Lanes> loaded;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> broadcasts;
};

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_BODYEMITTER_H
