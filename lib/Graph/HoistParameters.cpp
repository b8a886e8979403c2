//===- HoistParameters.cpp - what parameters decide runs at load
//--------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_HOISTPARAMETERS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// Values up to this size may be prepared even if they are larger than what
/// they are computed from.
static constexpr int64_t kSmallBytes = 64 * 1024;

/// Creating it again is cheaper than loading it.
static bool isTrivial(Operation *op) {
  if (isa<tensor::EmptyOp, arith::ConstantOp, linalg::FillOp>(op))
    return true;
  // Scalars of any kind.
  return llvm::none_of(op->getResultTypes(),
                       [](Type type) { return isa<ShapedType>(type); });
}

/// Looks through views.
static Value getViewSource(Value value) {
  while (Operation *def = value.getDefiningOp()) {
    if (!isReshape(def))
      break;
    value = def->getOperand(0);
  }
  return value;
}

namespace {
class Hoister {
public:
  Hoister(func::FuncOp main) : main(main) {}

  void run();
  unsigned numPrepared() const { return prepared.size(); }

private:
  bool isHoistable(Value value) const { return hoistable.contains(value); }
  bool grows(Operation *op) const;
  void classify();
  void findPrepared();
  void buildPrepare();
  void rewriteMain();

  func::FuncOp main;
  llvm::DenseSet<Value> hoistable;
  llvm::SetVector<Value> prepared;
};
} // namespace

/// A broadcast of a bias to a whole activation is cheaper to do than to load.
bool Hoister::grows(Operation *op) const {
  if (isReshape(op) || isTrivial(op))
    return false;
  int64_t in = 0, out = 0;
  for (Value operand : getAllOperands(op)) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    Operation *def = operand.getDefiningOp();
    if (type && !(def && isTrivial(def)))
      in += getSizeInBytes(type);
  }
  for (Type type : op->getResultTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      out += getSizeInBytes(tensor);
  // A pure broadcast only multiplies what there is to read.
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (generic && in > 0 &&
      &generic.getBody()->front() == generic.getBody()->getTerminator())
    return out > in;
  return out > kSmallBytes && out > 2 * in;
}

void Hoister::classify() {
  for (auto [i, arg] : llvm::enumerate(main.getArguments())) {
    StringRef kind = getArgKind(main, i);
    if (kind == "parameter" || kind == "buffer")
      hoistable.insert(arg);
  }
  for (Operation &op : main.getBody().front().without_terminator()) {
    // Nothing is prepared for sizes that are not known.
    bool all = isMemoryEffectFree(&op) && !op.hasAttr(kVaryingAttr) &&
               llvm::all_of(getAllOperands(&op),
                            [&](Value v) { return isHoistable(v); });
    if (all && !grows(&op))
      hoistable.insert(op.result_begin(), op.result_end());
  }
}

void Hoister::findPrepared() {
  auto need = [&](Value value) {
    if (!isHoistable(value) || !isa<RankedTensorType>(value.getType()))
      return;
    Value source = getViewSource(value);
    Operation *def = source.getDefiningOp();
    if (def && !isTrivial(def))
      prepared.insert(source);
  };
  for (Operation &op : main.getBody().front()) {
    if (op.getNumResults() &&
        llvm::all_of(op.getResults(), [&](Value v) { return isHoistable(v); }))
      if (!isTrivial(&op) || llvm::none_of(op.getResultTypes(), [](Type t) {
            return !isa<ShapedType>(t);
          }))
        continue;
    for (Value operand : getAllOperands(&op))
      need(operand);
  }
}

void Hoister::buildPrepare() {
  // The operations that the prepared values need, and the parameters these
  // read.
  llvm::SetVector<Operation *> slice;
  llvm::SetVector<Value> parameters;
  SmallVector<Value> worklist(prepared.begin(), prepared.end());
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    Operation *def = value.getDefiningOp();
    if (!def) {
      parameters.insert(value);
      continue;
    }
    if (slice.insert(def))
      llvm::append_range(worklist, getAllOperands(def));
  }
  OpBuilder builder(main.getContext());
  builder.setInsertionPointAfter(main);
  SmallVector<Type> inputs, results;
  SmallVector<DictionaryAttr> attrs;
  IRMapping mapping;
  SmallVector<BlockArgument> arguments;
  for (BlockArgument arg : main.getArguments())
    if (parameters.contains(arg)) {
      arguments.push_back(arg);
      inputs.push_back(arg.getType());
      attrs.push_back(main.getArgAttrDict(arg.getArgNumber()));
    }
  for (Value value : prepared)
    results.push_back(value.getType());
  auto prepare = func::FuncOp::create(builder, main.getLoc(), "prepare",
                                      builder.getFunctionType(inputs, results));
  prepare.setAllArgAttrs(attrs);
  Block *body = prepare.addEntryBlock();
  for (auto [arg, copy] : llvm::zip(arguments, body->getArguments()))
    mapping.map(arg, copy);
  builder.setInsertionPointToStart(body);
  for (Operation &op : main.getBody().front())
    if (slice.contains(&op))
      builder.clone(op, mapping);
  SmallVector<Value> returned;
  for (Value value : prepared)
    returned.push_back(mapping.lookup(value));
  func::ReturnOp::create(builder, main.getLoc(), returned);
}

void Hoister::rewriteMain() {
  Builder builder(main.getContext());
  for (unsigned i = 0, e = prepared.size(); i < e; ++i) {
    Value value = prepared[i];
    auto attrs = builder.getDictionaryAttr(
        {builder.getNamedAttr(kKindAttr, builder.getStringAttr("prepared")),
         builder.getNamedAttr(kNameAttr,
                              builder.getStringAttr("prepared." + Twine(i))),
         builder.getNamedAttr("fairway.prepared",
                              builder.getI64IntegerAttr(i))});
    unsigned index = main.getNumArguments();
    (void)main.insertArgument(index, value.getType(), attrs, value.getLoc());
    Value arg = main.getArgument(index);
    value.replaceAllUsesWith(arg);
  }
  // What is dead now moved to @prepare.
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(main.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
  llvm::BitVector unused(main.getNumArguments());
  for (BlockArgument arg : main.getArguments()) {
    StringRef kind = getArgKind(main, arg.getArgNumber());
    if (arg.use_empty() && (kind == "parameter" || kind == "buffer"))
      unused.set(arg.getArgNumber());
  }
  (void)main.eraseArguments(unused);
}

void Hoister::run() {
  classify();
  findPrepared();
  buildPrepare();
  rewriteMain();
  for (Operation &op : main.getBody().front())
    op.removeAttr(kVaryingAttr);
}

namespace {
struct HoistParametersPass
    : public fairway::impl::HoistParametersBase<HoistParametersPass> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || getOperation().lookupSymbol("prepare"))
      return;
    Hoister hoister(main);
    hoister.run();
    numPrepared += hoister.numPrepared();
  }
};
} // namespace
