//===- FoldAffineEpilogue.cpp - batch norm goes into the weights
//--------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_FOLDAFFINEEPILOGUE
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

namespace {
/// A value of an epilogue's body as `scale * x + shift`, where x is the
/// contraction's element and scale and shift do not depend on x. A null scale
/// stands for the constant 1 of an untouched x or, with `dependsOnX` unset,
/// for 0; a null shift stands for 0.
struct AffineForm {
  bool dependsOnX = false;
  bool isAffine = true;
  Value scale, shift;
};

/// Rewrites `epilogue(contraction(X, W), channel operands...)`.
class Folder {
public:
  Folder(linalg::GenericOp epilogue, linalg::GenericOp contraction,
         unsigned xIndex, unsigned channelDim)
      : epilogue(epilogue), contraction(contraction), xIndex(xIndex),
        channelDim(channelDim) {}

  bool fold(ParameterOnly &parameterOnly, RewriterBase &rewriter);

private:
  bool isChannelOperand(OpOperand *operand);
  AffineForm evaluate(Value value, OpBuilder &builder, IRMapping &scalars);
  Value findFrontier();
  Value buildChannelVector(RewriterBase &rewriter, Value frontier, bool scale);

  linalg::GenericOp epilogue, contraction;
  unsigned xIndex, channelDim;
};
} // namespace

/// True if the operand is read through the channel's loop alone.
bool Folder::isChannelOperand(OpOperand *operand) {
  AffineMap map = epilogue.getMatchingIndexingMap(operand);
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr);
        dim && dim.getPosition() == channelDim)
      continue;
    if (!isa<AffineConstantExpr>(expr))
      return false;
  }
  return true;
}

/// Computes the affine form of `value`. With a null builder (no insertion
/// block) only the classification is computed.
AffineForm Folder::evaluate(Value value, OpBuilder &builder,
                            IRMapping &scalars) {
  Block *body = epilogue.getBody();
  AffineForm form;
  if (auto arg = dyn_cast<BlockArgument>(value);
      arg && arg.getOwner() == body) {
    if (arg.getArgNumber() == xIndex) {
      form.dependsOnX = true;
      return form;
    }
    form.isAffine =
        arg.getArgNumber() < epilogue.getNumDpsInputs() &&
        isChannelOperand(epilogue.getDpsInputOperand(arg.getArgNumber()));
    form.shift = scalars.lookupOrDefault(value);
    return form;
  }
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != body) { // A scalar from outside.
    form.shift = value;
    return form;
  }
  SmallVector<AffineForm> in;
  for (Value operand : op->getOperands())
    in.push_back(evaluate(operand, builder, scalars));
  bool affine = llvm::all_of(in, [](AffineForm &f) { return f.isAffine; });
  bool depends = llvm::any_of(in, [](AffineForm &f) { return f.dependsOnX; });
  form.isAffine = affine;
  form.dependsOnX = depends;
  if (!affine)
    return form;
  bool build = builder.getInsertionBlock() != nullptr;
  Location loc = op->getLoc();
  if (!depends) {
    if (op->getNumRegions() || !isMemoryEffectFree(op) ||
        op->getNumResults() != 1 || isa<linalg::IndexOp>(op)) {
      form.isAffine = false;
      return form;
    }
    form.shift = value;
    if (build) {
      IRMapping operands;
      for (auto [operand, f] : llvm::zip(op->getOperands(), in))
        operands.map(operand, f.shift);
      form.shift = builder.clone(*op, operands)->getResult(0);
    }
    return form;
  }
  // One side depends on x, or both for a sum; anything else is not affine.
  auto arith = [&](auto tag, Value a, Value b) -> Value {
    using Op = decltype(tag);
    return build ? Op::create(builder, loc, a, b).getResult() : a;
  };
  auto one = [&]() -> Value {
    return build ? arith::ConstantOp::create(
                       builder, loc, builder.getFloatAttr(value.getType(), 1.0))
                       .getResult()
                 : value;
  };
  AffineForm &l = in[0];
  if (in.size() != 2) {
    form.isAffine = false;
    return form;
  }
  AffineForm &r = in[1];
  if (isa<arith::AddFOp>(op) && l.dependsOnX != r.dependsOnX) {
    AffineForm &x = l.dependsOnX ? l : r, &c = l.dependsOnX ? r : l;
    form.scale = x.scale;
    form.shift = x.shift ? arith(arith::AddFOp(), x.shift, c.shift) : c.shift;
  } else if (isa<arith::SubFOp>(op) && l.dependsOnX && !r.dependsOnX) {
    form.scale = l.scale;
    Value zero = l.shift;
    if (!zero && build)
      zero = arith::ConstantOp::create(
          builder, loc, builder.getFloatAttr(value.getType(), 0.0));
    form.shift = build ? arith(arith::SubFOp(), zero, r.shift) : r.shift;
  } else if (isa<arith::MulFOp>(op) && l.dependsOnX != r.dependsOnX) {
    AffineForm &x = l.dependsOnX ? l : r, &c = l.dependsOnX ? r : l;
    form.scale = x.scale ? arith(arith::MulFOp(), x.scale, c.shift) : c.shift;
    if (x.shift)
      form.shift = arith(arith::MulFOp(), x.shift, c.shift);
  } else if (isa<arith::DivFOp>(op) && l.dependsOnX && !r.dependsOnX) {
    Value scale = l.scale ? l.scale : one();
    form.scale = arith(arith::DivFOp(), scale, r.shift);
    if (l.shift)
      form.shift = arith(arith::DivFOp(), l.shift, r.shift);
  } else {
    form.isAffine = false;
  }
  return form;
}

/// The one affine value of x that everything else is computed from, or null.
Value Folder::findFrontier() {
  OpBuilder noBuilder(epilogue.getContext());
  IRMapping scalars;
  Value frontier;
  for (Operation &op : *epilogue.getBody())
    for (Value operand : op.getOperands()) {
      AffineForm form = evaluate(operand, noBuilder, scalars);
      if (!form.isAffine || !form.dependsOnX)
        continue;
      bool userIsAffine = false;
      if (!op.hasTrait<OpTrait::IsTerminator>() && op.getNumResults() == 1)
        userIsAffine = evaluate(op.getResult(0), noBuilder, scalars).isAffine;
      if (userIsAffine)
        continue;
      if (frontier && frontier != operand)
        return Value();
      frontier = operand;
    }
  if (!frontier || !evaluate(frontier, noBuilder, scalars).scale)
    return Value();
  return frontier;
}

/// Builds the scale or the shift of `frontier` for every channel, as a vector.
Value Folder::buildChannelVector(RewriterBase &rewriter, Value frontier,
                                 bool scale) {
  Location loc = epilogue.getLoc();
  MLIRContext *ctx = rewriter.getContext();
  int64_t channels = epilogue.getStaticLoopRanges()[channelDim];
  auto elementType = frontier.getType();
  SmallVector<Value> inputs;
  SmallVector<unsigned> numbers;
  SmallVector<AffineMap> maps;
  for (OpOperand *operand : epilogue.getDpsInputOperands()) {
    if (operand->getOperandNumber() == xIndex || !isChannelOperand(operand))
      continue;
    SmallVector<AffineExpr> exprs;
    for (AffineExpr expr :
         epilogue.getMatchingIndexingMap(operand).getResults())
      exprs.push_back(isa<AffineDimExpr>(expr) ? getAffineDimExpr(0, ctx)
                                               : expr);
    inputs.push_back(operand->get());
    numbers.push_back(operand->getOperandNumber());
    maps.push_back(AffineMap::get(1, 0, exprs, ctx));
  }
  maps.push_back(AffineMap::getMultiDimIdentityMap(1, ctx));
  Value empty = tensor::EmptyOp::create(
      rewriter, loc, ArrayRef<int64_t>{channels}, elementType);
  return linalg::GenericOp::create(
             rewriter, loc, TypeRange{empty.getType()}, inputs,
             ValueRange{empty}, maps,
             ArrayRef<utils::IteratorType>{utils::IteratorType::parallel},
             [&](OpBuilder &b, Location l, ValueRange args) {
               IRMapping scalars;
               for (auto [i, number] : llvm::enumerate(numbers))
                 scalars.map(epilogue.getBody()->getArgument(number), args[i]);
               AffineForm form = evaluate(frontier, b, scalars);
               Value value = scale ? form.scale : form.shift;
               if (!value)
                 value = arith::ConstantOp::create(
                     b, l, b.getFloatAttr(elementType, scale ? 1.0 : 0.0));
               linalg::YieldOp::create(b, l, value);
             })
      .getResult(0);
}

bool Folder::fold(ParameterOnly &parameterOnly, RewriterBase &rewriter) {
  Value frontier = findFrontier();
  if (!frontier)
    return false;
  // Only what parameters decide can be folded when the model is loaded.
  for (OpOperand *operand : epilogue.getDpsInputOperands())
    if (operand->getOperandNumber() != xIndex && isChannelOperand(operand) &&
        !parameterOnly.contains(operand->get()))
      return false;

  // The weight: the operand that parameters decide and that has the channel.
  OpOperand *out = contraction.getDpsInitOperand(0);
  auto channel = dyn_cast<AffineDimExpr>(
      contraction.getMatchingIndexingMap(out).getResult(channelDim));
  auto fill = out->get().getDefiningOp<linalg::FillOp>();
  if (!channel || !fill || !matchPattern(fill.getInputs()[0], m_AnyZeroFloat()))
    return false;
  OpOperand *weight = nullptr;
  for (OpOperand *operand : contraction.getDpsInputOperands())
    if (parameterOnly.contains(operand->get()) &&
        contraction.getMatchingIndexingMap(operand).isFunctionOfDim(
            channel.getPosition()))
      weight = operand;
  if (!weight)
    return false;
  AffineMap weightMap = contraction.getMatchingIndexingMap(weight);
  auto weightType = cast<RankedTensorType>(weight->get().getType());
  if (weightType.getElementType() != frontier.getType() ||
      !weightMap.isProjectedPermutation())
    return false;
  unsigned channelInWeight = *weightMap.getResultPosition(channel);

  // Channel operands may be defined after the contraction.
  rewriter.setInsertionPoint(epilogue);
  Location loc = contraction.getLoc();
  Value scale = buildChannelVector(rewriter, frontier, /*scale=*/true);
  Value shift = buildChannelVector(rewriter, frontier, /*scale=*/false);

  MLIRContext *ctx = rewriter.getContext();
  unsigned rank = weightType.getRank();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, ctx);
  AffineMap channelMap =
      AffineMap::get(rank, 0, getAffineDimExpr(channelInWeight, ctx));
  Value empty = tensor::EmptyOp::create(rewriter, loc, weightType.getShape(),
                                        weightType.getElementType());
  Value scaled =
      linalg::GenericOp::create(
          rewriter, loc, TypeRange{weightType},
          ValueRange{weight->get(), scale}, ValueRange{empty},
          ArrayRef<AffineMap>{identity, channelMap, identity},
          SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
          [](OpBuilder &b, Location l, ValueRange args) {
            Value product = arith::MulFOp::create(b, l, args[0], args[1]);
            linalg::YieldOp::create(b, l, product);
          })
          .getResult(0);
  // The contraction moves down to where its new weight is known.
  auto moved = cast<linalg::GenericOp>(rewriter.clone(*contraction));
  moved->setOperand(weight->getOperandNumber(), scaled);

  // The epilogue reads `x + shift` where it read the frontier.
  SmallVector<Value> inputs(epilogue.getInputs());
  SmallVector<AffineMap> maps = epilogue.getIndexingMapsArray();
  unsigned numInputs = inputs.size();
  inputs[xIndex] = moved.getResult(0);
  inputs.push_back(shift);
  maps.insert(maps.begin() + numInputs,
              AffineMap::get(epilogue.getNumLoops(), 0,
                             getAffineDimExpr(channelDim, ctx)));
  auto folded = linalg::GenericOp::create(
      rewriter, epilogue.getLoc(), epilogue.getResultTypes(), inputs,
      epilogue.getOutputs(), maps, epilogue.getIteratorTypesArray(),
      [&](OpBuilder &b, Location l, ValueRange args) {
        IRMapping mapping;
        Block *body = epilogue.getBody();
        for (unsigned i = 0; i < numInputs; ++i)
          mapping.map(body->getArgument(i), args[i]);
        mapping.map(body->getArgument(numInputs), args.back());
        Value sum = arith::AddFOp::create(b, l, args[xIndex], args[numInputs]);
        mapping.map(frontier, sum);
        for (Operation &op : *body) {
          if (op.getNumResults() == 1 && op.getResult(0) == frontier)
            continue;
          b.clone(op, mapping);
        }
      });
  rewriter.replaceOp(epilogue, folded.getResults());
  rewriter.eraseOp(contraction);
  return true;
}

namespace {
struct FoldAffineEpiloguePass
    : public fairway::impl::FoldAffineEpilogueBase<FoldAffineEpiloguePass> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> epilogues;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (isElementwise(op) && op.getNumLoops() > 0)
        epilogues.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::GenericOp epilogue : epilogues) {
      ParameterOnly parameterOnly;
      for (OpOperand *x : epilogue.getDpsInputOperands()) {
        auto contraction = x->get().getDefiningOp<linalg::GenericOp>();
        if (!contraction || !contraction->hasOneUse() ||
            !isMultiplyAccumulate(contraction) ||
            !isa<FloatType>(getElementTypeOrSelf(x->get())) ||
            !epilogue.getMatchingIndexingMap(x).isIdentity() ||
            !contraction
                 .getMatchingIndexingMap(contraction.getDpsInitOperand(0))
                 .isProjectedPermutation())
          continue;
        bool done = false;
        for (unsigned dim = 0; dim < epilogue.getNumLoops() && !done; ++dim)
          done = Folder(epilogue, contraction, x->getOperandNumber(), dim)
                     .fold(parameterOnly, rewriter);
        if (done) {
          ++numFolded;
          break;
        }
      }
    }
  }
};
} // namespace
