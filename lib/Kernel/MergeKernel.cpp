//===- MergeKernel.cpp - one kernel for all sizes -------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MergeKernel.h"
#include "MergedNumbers.h"
#include "Scratch.h"
#include "fairway/Support/Lockstep.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

#include <array>

using namespace mlir;
using namespace fairway;

namespace {

/// Rewrites one kernel.
class Merger {
public:
  Merger(func::FuncOp kernel, OpenSizes &sizes, ExpressionTable &table)
      : kernel(kernel), numbers(kernel, sizes, table) {}

  FailureOr<int64_t> merge(ArrayRef<func::FuncOp> samples);

private:
  void openArgument(unsigned index, Counterparts samples);
  LogicalResult mergeOp(Operation *op, Counterparts ops);

  LogicalResult merge(memref::SubViewOp op, Counterparts ops);
  LogicalResult merge(memref::ExpandShapeOp op, Counterparts ops);
  LogicalResult merge(memref::CollapseShapeOp op, Counterparts ops);
  LogicalResult merge(memref::AllocOp op, Counterparts ops);
  LogicalResult merge(memref::CastOp op, Counterparts ops);
  LogicalResult merge(arith::ConstantOp op, Counterparts ops);
  LogicalResult merge(scf::ForallOp op, Counterparts ops);
  template <typename OpTy> LogicalResult mergeMap(OpTy op, Counterparts ops);

  template <typename OpTy, typename Get> auto each(Counterparts ops, Get get) {
    return llvm::map_to_vector(
        ops, [&](Operation *op) { return get(cast<OpTy>(op)); });
  }

  /// Takes an allocation's bytes at each sample, aligned wherever it starts.
  void addScratch(ArrayRef<int64_t> bytes) {
    for (auto [total, more] : llvm::zip(scratch, bytes))
      total += more + kScratchAlignment;
  }

  void replace(Operation *op, Value with) {
    op->getResult(0).replaceAllUsesWith(with);
    op->erase();
  }

  func::FuncOp kernel;
  MergedNumbers numbers;
  std::array<int64_t, 3> scratch = {0, 0, 0};
};

} // namespace

/// Buffers that the plan hands over have no size; what they are is a view.
void Merger::openArgument(unsigned index, Counterparts samples) {
  auto types = each<func::FuncOp>(samples, [&](func::FuncOp sample) {
    return cast<MemRefType>(sample.getArgumentTypes()[index]);
  });
  BlockArgument argument = kernel.getArgument(index + 1);
  argument.setType(MemRefType::get({0}, types.front().getElementType()));
  SmallVector<OpFoldResult> extents, strides;
  for (int64_t dim = 0; dim < types.front().getRank(); ++dim) {
    extents.push_back(numbers.merge(llvm::map_to_vector(
        types, [&](MemRefType type) { return type.getDimSize(dim); })));
    strides.push_back(
        numbers.merge(llvm::map_to_vector(types, [&](MemRefType type) {
          return type.getStridesAndOffset().first[dim];
        })));
  }
  if (numbers.failed())
    return;
  OpBuilder b = numbers.atEntry();
  Value view = memref::ReinterpretCastOp::create(
      b, kernel.getLoc(), argument, b.getIndexAttr(0), extents, strides);
  argument.replaceUsesWithIf(view, [&](OpOperand &use) {
    return use.getOwner() != view.getDefiningOp();
  });
}

LogicalResult Merger::merge(memref::SubViewOp op, Counterparts ops) {
  using Numbers = ArrayRef<int64_t>;
  auto mixed = [&](auto getStatic, ValueRange given) {
    return numbers.merge(
        each<memref::SubViewOp>(
            ops, [&](memref::SubViewOp s) -> Numbers { return getStatic(s); }),
        given);
  };
  auto offsets =
      mixed([](auto s) { return s.getStaticOffsets(); }, op.getOffsets());
  auto extents =
      mixed([](auto s) { return s.getStaticSizes(); }, op.getSizes());
  auto steps =
      mixed([](auto s) { return s.getStaticStrides(); }, op.getStrides());
  if (numbers.failed())
    return failure();
  OpBuilder b(op);
  auto source = cast<MemRefType>(op.getSource().getType());
  SmallVector<int64_t> shape = numbers.shape(op.getType(), ops);
  auto type = memref::SubViewOp::inferRankReducedResultType(
      shape, source, offsets, extents, steps);
  replace(op,
          memref::SubViewOp::create(b, op.getLoc(), cast<MemRefType>(type),
                                    op.getSource(), offsets, extents, steps));
  return success();
}

LogicalResult Merger::merge(memref::ExpandShapeOp op, Counterparts ops) {
  auto extents = numbers.merge(
      each<memref::ExpandShapeOp>(
          ops,
          [](memref::ExpandShapeOp s) { return s.getStaticOutputShape(); }),
      op.getOutputShape());
  if (numbers.failed())
    return failure();
  OpBuilder b(op);
  SmallVector<int64_t> shape = numbers.shape(op.getResultType(), ops);
  auto type = memref::ExpandShapeOp::computeExpandedType(
      cast<MemRefType>(op.getSrc().getType()), shape,
      op.getReassociationIndices());
  if (failed(type))
    return op.emitError("internal error: a view that cannot be expanded");
  replace(op,
          memref::ExpandShapeOp::create(b, op.getLoc(), *type, op.getSrc(),
                                        op.getReassociationIndices(), extents));
  return success();
}

LogicalResult Merger::merge(memref::CollapseShapeOp op, Counterparts) {
  OpBuilder b(op);
  replace(op, memref::CollapseShapeOp::create(b, op.getLoc(), op.getSrc(),
                                              op.getReassociationIndices()));
  return success();
}

LogicalResult Merger::merge(memref::AllocOp op, Counterparts ops) {
  MemRefType type = op.getType();
  SmallVector<int64_t> shape = numbers.shape(type, ops);
  SmallVector<Value> dynamic;
  unsigned next = 0;
  OpBuilder b(op);
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (type.isDynamicDim(dim))
      dynamic.push_back(op.getDynamicSizes()[next++]);
    else if (ShapedType::isDynamic(shape[dim]))
      dynamic.push_back(getValueOrCreateConstantIndexOp(
          b, op.getLoc(),
          numbers.merge(each<memref::AllocOp>(ops, [&](memref::AllocOp s) {
            return s.getType().getDimSize(dim);
          }))));
  }
  auto bytes = each<memref::AllocOp>(
      ops, [](memref::AllocOp s) { return boundBytes(s).value_or(-1); });
  if (bytes.front() < 0)
    return op.emitError("internal error: memory without a bound");
  std::optional<unsigned> bound = numbers.numberOf(bytes);
  if (numbers.failed() || !bound)
    return failure();
  addScratch(bytes);
  auto opened = memref::AllocOp::create(
      b, op.getLoc(),
      MemRefType::get(shape, type.getElementType(), type.getLayout(),
                      type.getMemorySpace()),
      dynamic, op.getAlignmentAttr());
  opened->setAttr(kBoundAttr, b.getI64IntegerAttr(*bound));
  replace(op, opened);
  return success();
}

LogicalResult Merger::merge(memref::CastOp op, Counterparts) {
  // Its source may have become what it casts to.
  if (op.getSource().getType() == op.getType() ||
      !memref::CastOp::areCastCompatible(op.getSource().getType(),
                                         op.getType()))
    op.getResult().replaceAllUsesWith(op.getSource());
  return success();
}

LogicalResult Merger::merge(arith::ConstantOp op, Counterparts ops) {
  Value merged = numbers.mergeConstants(each<arith::ConstantOp>(
      ops, [](arith::ConstantOp s) { return TypedAttr(s.getValue()); }));
  if (!merged)
    return failure();
  replace(op, merged);
  return success();
}

LogicalResult Merger::merge(scf::ForallOp op, Counterparts ops) {
  OpBuilder b(op);
  auto mixed = [&](auto getStatic, ValueRange given) {
    return numbers.merge(
        each<scf::ForallOp>(ops, [&](scf::ForallOp s) { return getStatic(s); }),
        given);
  };
  auto lower = mixed([](auto s) { return s.getStaticLowerBound(); },
                     op.getDynamicLowerBound());
  auto upper = mixed([](auto s) { return s.getStaticUpperBound(); },
                     op.getDynamicUpperBound());
  auto steps =
      mixed([](auto s) { return s.getStaticStep(); }, op.getDynamicStep());
  if (numbers.failed())
    return failure();
  auto loop = scf::ForallOp::create(b, op.getLoc(), lower, upper, steps,
                                    ValueRange(), op.getMapping());
  loop.getRegion().takeBody(op.getRegion());
  op.erase();
  return success();
}

template <typename OpTy>
LogicalResult Merger::mergeMap(OpTy op, Counterparts ops) {
  SmallVector<Value> operands(op.getOperands());
  AffineMap map = numbers.mergeMaps(
      each<OpTy>(ops, [](OpTy s) { return s.getAffineMap(); }), operands);
  if (numbers.failed())
    return failure();
  OpBuilder b(op);
  replace(op, OpTy::create(b, op.getLoc(), map, operands));
  return success();
}

LogicalResult Merger::mergeOp(Operation *op, Counterparts ops) {
  numbers.setPlace(op->getLoc());
  bool isView = isa<memref::SubViewOp, memref::ExpandShapeOp,
                    memref::CollapseShapeOp, memref::CastOp>(op);
  // Views are made again where what they view has another type now.
  bool same = isView ? op->getOperand(0).getType() ==
                           ops.front()->getOperand(0).getType()
                     : true;
  for (Operation *other : ops.drop_front())
    same &= ops.front()->getResultTypes() == other->getResultTypes() &&
            ops.front()->getAttrDictionary() == other->getAttrDictionary();
  auto *allocation = dyn_cast<memref::AllocOp>(op) ? op : nullptr;
  if (same && !allocation)
    return success();
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<memref::SubViewOp, memref::ExpandShapeOp, memref::CollapseShapeOp,
            memref::AllocOp, memref::CastOp, arith::ConstantOp, scf::ForallOp>(
          [&](auto typed) { return merge(typed, ops); })
      .Case<affine::AffineApplyOp, affine::AffineMinOp, affine::AffineMaxOp>(
          [&](auto typed) { return mergeMap(typed, ops); })
      .Default([](Operation *other) {
        return other->emitError("unsupported operation: it cannot be computed "
                                "for sizes that stay open");
      });
}

FailureOr<int64_t> Merger::merge(ArrayRef<func::FuncOp> samples) {
  SmallVector<Operation *> roots(samples.begin(), samples.end());
  if (areEqual(roots)) {
    kernel.walk([&](memref::AllocOp alloc) {
      addScratch(SmallVector<int64_t>(3, boundBytes(alloc).value_or(0)));
    });
    return *numbers.numberOf(scratch);
  }
  // First look, then change.
  SmallVector<SmallVector<Operation *>> counterparts;
  if (failed(walkInStep(
          roots, [&](Counterparts ops) { counterparts.emplace_back(ops); })))
    return failure();
  SmallVector<Operation *> own;
  kernel.walk<WalkOrder::PreOrder>([&](Operation *op) { own.push_back(op); });

  auto expressions =
      MemRefType::get({0}, IntegerType::get(kernel.getContext(), 64));
  (void)kernel.insertArgument(0, expressions, {}, kernel.getLoc());
  kernel.setArgAttr(0, kSizesArgument, UnitAttr::get(kernel.getContext()));
  for (unsigned i = 0; i + 1 < kernel.getNumArguments(); ++i)
    if (!llvm::all_equal(llvm::map_range(
            samples, [&](func::FuncOp f) { return f.getArgumentTypes()[i]; })))
      openArgument(i, roots);
  for (auto [op, ops] : llvm::zip(own, counterparts))
    if (op != kernel && failed(mergeOp(op, ops)))
      return failure();
  kernel.setType(FunctionType::get(
      kernel.getContext(), kernel.getBody().front().getArgumentTypes(), {}));
  std::optional<unsigned> bound = numbers.numberOf(scratch);
  if (numbers.failed() || !bound)
    return failure();
  return *bound;
}

FailureOr<int64_t> fairway::mergeKernel(func::FuncOp merged,
                                        ArrayRef<func::FuncOp> samples,
                                        OpenSizes &sizes,
                                        ExpressionTable &table) {
  return Merger(merged, sizes, table).merge(samples);
}
