//===- Winograd.cpp - convolutions with fewer multiplications -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Winograd.h"
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

namespace fairway {
#define GEN_PASS_DEF_WINOGRAD
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// What rows (and columns) of an image, a window and a transformed result are
/// multiplied with (Lavin and Gray, Fast Algorithms for Convolutional Neural
/// Networks, 2016). All factors are exact.
static constexpr double kImage[kReach][kReach] = {
    {1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
static constexpr double kWeight[kReach][kWindow] = {
    {1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
static constexpr double kResult[kReach][kBlock] = {
    {1, 0}, {1, 1}, {1, -1}, {0, -1}};

/// The factors of rows times those of columns: `[place, row, column]`.
template <int64_t size>
static Value createTable(OpBuilder &b, Location loc, FloatType type,
                         const double (&factors)[kReach][size]) {
  SmallVector<APFloat> values;
  for (int64_t place = 0; place < kPlaces; ++place)
    for (int64_t row = 0; row < size; ++row)
      for (int64_t column = 0; column < size; ++column) {
        APFloat value(factors[place / kReach][row] *
                      factors[place % kReach][column]);
        bool inexact = false;
        value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                      &inexact);
        values.push_back(value);
      }
  auto shape = RankedTensorType::get({kPlaces, size, size}, type);
  return arith::ConstantOp::create(b, loc,
                                   DenseElementsAttr::get(shape, values));
}

namespace {
/// Writes a convolution as three sums.
class Rewriter {
public:
  Rewriter(const WindowedSum &sum, int64_t panel, RewriterBase &b)
      : sum(sum), op(sum.op), panel(panel), b(b), loc(op.getLoc()),
        ctx(b.getContext()),
        element(
            cast<FloatType>(getElementTypeOrSelf(op.getResult(0).getType()))),
        rows(llvm::divideCeil(sum.height, kBlock)),
        columns(llvm::divideCeil(sum.width, kBlock)) {
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    batch.assign(type.getShape().begin(),
                 type.getShape().begin() + sum.batches);
  }

  void run();

private:
  Value growImage();
  Value transformImage(Value image);
  Value transformWeight();
  Value multiply(Value image, Value weight);
  Value transformResult(Value product);
  Value createSum(ValueRange inputs, Value init, ArrayRef<AffineMap> maps,
                  ArrayRef<unsigned> reductions);
  Value createZeros(ArrayRef<int64_t> shape);
  AffineExpr dim(unsigned position) { return getAffineDimExpr(position, ctx); }
  /// Dimensions of the batch as loops from `first` on, between others.
  SmallVector<AffineExpr> around(ArrayRef<AffineExpr> before, unsigned first,
                                 ArrayRef<AffineExpr> behind) {
    SmallVector<AffineExpr> exprs(before);
    for (unsigned i = 0; i < batch.size(); ++i)
      exprs.push_back(dim(first + i));
    exprs.append(behind.begin(), behind.end());
    return exprs;
  }
  SmallVector<int64_t> shapeAround(ArrayRef<int64_t> before,
                                   ArrayRef<int64_t> behind) {
    SmallVector<int64_t> shape(before);
    shape.append(batch);
    shape.append(behind.begin(), behind.end());
    return shape;
  }

  const WindowedSum &sum;
  linalg::GenericOp op;
  int64_t panel;
  RewriterBase &b;
  Location loc;
  MLIRContext *ctx;
  FloatType element;
  int64_t rows, columns; ///< of blocks
  SmallVector<int64_t> batch;
};
} // namespace

Value Rewriter::createZeros(ArrayRef<int64_t> shape) {
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
  Value empty = tensor::EmptyOp::create(b, loc, shape, element);
  return linalg::FillOp::create(b, loc, zero, ValueRange{empty}).getResult(0);
}

Value Rewriter::createSum(ValueRange inputs, Value init,
                          ArrayRef<AffineMap> maps,
                          ArrayRef<unsigned> reductions) {
  SmallVector<utils::IteratorType> loops(maps[0].getNumDims(),
                                         utils::IteratorType::parallel);
  for (unsigned loop : reductions)
    loops[loop] = utils::IteratorType::reduction;
  return linalg::GenericOp::create(
             b, loc, TypeRange{init.getType()}, inputs, ValueRange{init}, maps,
             loops,
             [](OpBuilder &body, Location at, ValueRange args) {
               Value product =
                   arith::MulFOp::create(body, at, args[0], args[1]);
               Value added = arith::AddFOp::create(body, at, args[2], product);
               linalg::YieldOp::create(body, at, added);
             })
      .getResult(0);
}

/// An image of odd size gets a row or column of zeros for its last blocks: in
/// the padding, if it has any.
Value Rewriter::growImage() {
  Value image = sum.image->get();
  auto type = cast<RankedTensorType>(image.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[sum.batches] = kBlock * rows + kReach - kBlock;
  shape[sum.batches + 1] = kBlock * columns + kReach - kBlock;
  if (llvm::equal(shape, type.getShape()))
    return image;
  Value source = image;
  SmallVector<int64_t> offsets(type.getRank(), 0);
  SmallVector<int64_t> grown(shape);
  auto collapse = image.getDefiningOp<tensor::CollapseShapeOp>();
  auto insert = (collapse ? Value(collapse.getSrc()) : image)
                    .getDefiningOp<tensor::InsertSliceOp>();
  auto fill =
      insert ? insert.getDest().getDefiningOp<linalg::FillOp>() : nullptr;
  bool padded =
      fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat()) &&
      insert.hasUnitStride() &&
      insert.getSourceType().getRank() == insert.getType().getRank() &&
      !ShapedType::isDynamicShape(insert.getStaticOffsets());
  // Dimensions of size one may have been dropped behind the padding.
  SmallVector<ReassociationIndices> groups;
  if (padded && collapse) {
    groups = collapse.getReassociationIndices();
    grown.assign(insert.getType().getShape().begin(),
                 insert.getType().getShape().end());
    for (auto [number, group] : llvm::enumerate(groups)) {
      auto isLong = [&](int64_t at) { return grown[at] != 1; };
      padded &= llvm::count_if(group, isLong) == 1;
      if (padded)
        grown[*llvm::find_if(group, isLong)] = shape[number];
    }
  }
  if (padded) {
    source = insert.getSource();
    offsets.assign(insert.getStaticOffsets().begin(),
                   insert.getStaticOffsets().end());
  } else {
    collapse = nullptr;
    grown = shape;
  }
  auto sourceType = cast<RankedTensorType>(source.getType());
  SmallVector<OpFoldResult> ones(offsets.size(), b.getIndexAttr(1));
  Value result = tensor::InsertSliceOp::create(
      b, loc, source, createZeros(grown), getAsIndexOpFoldResult(ctx, offsets),
      getAsIndexOpFoldResult(ctx, sourceType.getShape()), ones);
  if (collapse)
    result = tensor::CollapseShapeOp::create(b, loc, result, groups);
  return result;
}

/// [place, batch, row, column, c] of blocks that overlap.
Value Rewriter::transformImage(Value image) {
  // Loops: place, batch, row, column, channel, row and column of the block.
  unsigned first = 1 + batch.size();
  unsigned loops = first + 5;
  AffineExpr place = dim(0), row = dim(first), column = dim(first + 1),
             channel = dim(first + 2), inRow = dim(first + 3),
             inColumn = dim(first + 4);
  SmallVector<AffineMap> maps{
      AffineMap::get(
          loops, 0,
          around({}, 1,
                 {row * kBlock + inRow, column * kBlock + inColumn, channel}),
          ctx),
      AffineMap::get(loops, 0, {place, inRow, inColumn}, ctx),
      AffineMap::get(loops, 0, around({place}, 1, {row, column, channel}),
                     ctx)};
  Value table = createTable(b, loc, element, kImage);
  Value zeros =
      createZeros(shapeAround({kPlaces}, {rows, columns, sum.channels}));
  return createSum({image, table}, zeros, maps, {first + 3, first + 4});
}

/// [panel, place, c, lane]
Value Rewriter::transformWeight() {
  Value weight = sum.weight->get();
  auto type = cast<RankedTensorType>(weight.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[sum.outDim] = panel;
  shape.insert(shape.begin() + sum.outDim, sum.results / panel);
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0, at = 0; i < type.getRank(); ++i) {
    groups.push_back({at++});
    if (i == sum.outDim)
      groups.back().push_back(at++);
  }
  Value expanded =
      tensor::ExpandShapeOp::create(b, loc, type.clone(shape), weight, groups);
  // Loops: panel, place, channel, lane, row and column of the window.
  SmallVector<AffineExpr> exprs(4);
  exprs[sum.channelDim] = dim(2);
  exprs[sum.rowDim] = dim(4);
  exprs[sum.columnDim] = dim(5);
  exprs[sum.outDim] = dim(0);
  exprs.insert(exprs.begin() + sum.outDim + 1, dim(3));
  SmallVector<AffineMap> maps{
      AffineMap::get(6, 0, exprs, ctx),
      AffineMap::get(6, 0, {dim(1), dim(4), dim(5)}, ctx),
      AffineMap::get(6, 0, {dim(0), dim(1), dim(2), dim(3)}, ctx)};
  Value table = createTable(b, loc, element, kWeight);
  Value zeros =
      createZeros({sum.results / panel, kPlaces, sum.channels, panel});
  return createSum({expanded, table}, zeros, maps, {4, 5});
}

/// [place, batch, row, column, panel, lane]: a matrix product for each place.
Value Rewriter::multiply(Value image, Value weight) {
  // Loops: panel, place, batch, row, column, channel, lane.
  unsigned first = 2 + batch.size();
  unsigned loops = first + 4;
  AffineExpr panels = dim(0), place = dim(1), row = dim(first),
             column = dim(first + 1), channel = dim(first + 2),
             lane = dim(first + 3);
  SmallVector<AffineMap> maps{
      AffineMap::get(loops, 0, around({place}, 2, {row, column, channel}), ctx),
      AffineMap::get(loops, 0, {panels, place, channel, lane}, ctx),
      AffineMap::get(loops, 0, around({place}, 2, {row, column, panels, lane}),
                     ctx)};
  Value zeros = createZeros(
      shapeAround({kPlaces}, {rows, columns, sum.results / panel, panel}));
  return createSum({image, weight}, zeros, maps, {first + 2});
}

/// [batch, h, w, panel, lane]: each element is a sum of places of its block.
Value Rewriter::transformResult(Value product) {
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = sum.results / panel;
  shape.push_back(panel);
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < type.getRank(); ++i)
    groups.push_back({i});
  groups.back().push_back(type.getRank());
  Value init = op.getDpsInits()[0];
  if (auto fill = init.getDefiningOp<linalg::FillOp>()) {
    Value empty = tensor::EmptyOp::create(b, loc, shape, element);
    init = linalg::FillOp::create(b, loc, fill.getInputs(), ValueRange{empty})
               .getResult(0);
  } else {
    init =
        tensor::ExpandShapeOp::create(b, loc, type.clone(shape), init, groups);
  }
  // Loops: batch, h, w, panel, place, lane.
  unsigned first = batch.size();
  unsigned loops = first + 5;
  AffineExpr row = dim(first), column = dim(first + 1), panels = dim(first + 2),
             place = dim(first + 3), lane = dim(first + 4);
  SmallVector<AffineMap> maps{
      AffineMap::get(
          loops, 0,
          around({place}, 0,
                 {row.floorDiv(kBlock), column.floorDiv(kBlock), panels, lane}),
          ctx),
      AffineMap::get(loops, 0, {place, row % kBlock, column % kBlock}, ctx),
      AffineMap::get(loops, 0, around({}, 0, {row, column, panels, lane}),
                     ctx)};
  Value table = createTable(b, loc, element, kResult);
  Value result = createSum({product, table}, init, maps, {first + 3});
  return tensor::CollapseShapeOp::create(b, loc, type, result, groups);
}

void Rewriter::run() {
  b.setInsertionPoint(op);
  Value image = transformImage(growImage());
  Value product = multiply(image, transformWeight());
  b.replaceOp(op, transformResult(product));
}

namespace {
struct WinogradPass : public fairway::impl::WinogradBase<WinogradPass> {
  using WinogradBase::WinogradBase;

  void runOnOperation() override {
    SmallVector<std::pair<WindowedSum, int64_t>> work;
    getOperation()->walk([&](func::FuncOp func) {
      ParameterOnly parameterOnly;
      func.walk([&](linalg::GenericOp op) {
        WindowedSum sum;
        if (!sum.match(op, parameterOnly))
          return;
        int64_t bits = getElementTypeOrSelf(op.getResult(0).getType())
                           .getIntOrFloatBitWidth();
        int64_t panel = choosePanel(sum.results, machine.vectorBits / bits);
        if (panel != 0 && isWorthIt(sum))
          work.emplace_back(sum, panel);
      });
    });
    IRRewriter rewriter(&getContext());
    for (auto &[sum, panel] : work)
      Rewriter(sum, panel, rewriter).run();
    numTransformed += work.size();
  }

private:
  bool isWorthIt(const WindowedSum &sum) {
    if (sum.height < kBlock || sum.width < kBlock)
      return false;
    return WinogradCost(sum, machine, threads).isWorthIt();
  }
};
} // namespace
