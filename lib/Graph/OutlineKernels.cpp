//===- OutlineKernels.cpp - a kernel becomes a function
//-----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Classify.h"
#include "GraphUtils.h"
#include "KernelCost.h"
#include "KernelGroups.h"

using namespace mlir;
using namespace fairway;

namespace {
/// Builds one kernel function from a group.
class KernelBuilder {
public:
  KernelBuilder(func::FuncOp caller, const KernelGroup &group)
      : caller(caller), group(group),
        members(group.ops.begin(), group.ops.end()),
        builder(caller.getContext()) {}

  func::FuncOp build();

  SmallVector<Value> inputs; ///< values of the caller that the kernel reads
  /// For each result the caller's value to write into; null for a new tensor.
  SmallVector<Value> destinations;

private:
  bool isRepeated(Operation *op) const;
  void collectInputs(Operation *op);
  void findDestinations();
  bool isReplaced(Operation *op, Value operand) const;
  Value materialize(Value value);
  Operation *cloneOp(Operation *op);

  func::FuncOp caller;
  const KernelGroup &group;
  llvm::DenseSet<Operation *> members;
  OpBuilder builder;
  IRMapping mapping;
  llvm::SetVector<Value> inputSet;
  llvm::DenseSet<Operation *> visited;
  /// Initial values that the kernel's destination arguments replace.
  llvm::DenseMap<OpOperand *, unsigned> destinationOf;
};
} // namespace

/// Not a member and cheaper to repeat than to read: constants, scalars, fills.
bool KernelBuilder::isRepeated(Operation *op) const {
  if (members.contains(op))
    return false;
  if (isReshape(op)) {
    Operation *source = op->getOperand(0).getDefiningOp();
    return source && isRepeated(source);
  }
  return !isCompute(op);
}

void KernelBuilder::collectInputs(Operation *op) {
  if (!visited.insert(op).second)
    return;
  for (Value operand : getAllOperands(op)) {
    Operation *def = operand.getDefiningOp();
    if (def && def->getParentOp() != caller)
      continue;
    if (def && (members.contains(def) || isRepeated(def)))
      collectInputs(def);
    else
      inputSet.insert(operand);
  }
}

/// Follows the root's initial values through fills and producers to where the
/// memory comes from.
void KernelBuilder::findDestinations() {
  Operation *root = group.root();
  destinations.assign(root->getNumResults(), Value());
  for (unsigned i = 0, e = root->getNumResults(); i < e; ++i) {
    OpOperand *init = nullptr;
    if (auto dps = dyn_cast<DestinationStyleOpInterface>(root))
      init = dps.getDpsInitOperand(i);
    while (init) {
      Operation *def = init->get().getDefiningOp();
      if (isa_and_nonnull<tensor::EmptyOp>(def)) {
        destinationOf[init] = i;
        break;
      }
      auto dps = dyn_cast_or_null<DestinationStyleOpInterface>(def);
      bool inside = dps && (members.contains(def) || isRepeated(def));
      if (inside && def->getNumResults() == 1 &&
          (isa<linalg::FillOp>(def) || def->hasOneUse())) {
        // A fill that several ops start from is cloned for each of them; only
        // the root's copy writes to the destination.
        init = dps.getDpsInitOperand(0);
        continue;
      }
      if (!inside && !isa_and_nonnull<arith::ConstantOp>(def)) {
        destinations[i] = init->get();
        destinationOf[init] = i;
      }
      break;
    }
  }
}

/// True if a destination argument stands for every use of `operand` by `op`.
bool KernelBuilder::isReplaced(Operation *op, Value operand) const {
  bool replaced = false;
  for (OpOperand &use : op->getOpOperands())
    if (use.get() == operand) {
      if (!destinationOf.count(&use))
        return false;
      replaced = true;
    }
  return replaced;
}

/// The kernel's copy of a value of the caller.
Value KernelBuilder::materialize(Value value) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *def = value.getDefiningOp();
  assert(def && isRepeated(def) && "inputs are mapped before");
  return cloneOp(def)->getResult(cast<OpResult>(value).getResultNumber());
}

Operation *KernelBuilder::cloneOp(Operation *op) {
  IRMapping local;
  for (Value operand : getAllOperands(op)) {
    Operation *def = operand.getDefiningOp();
    if (def && def->getParentOp() != caller)
      continue;
    if (isReplaced(op, operand))
      continue;
    local.map(operand, materialize(operand));
  }
  Operation *clone = builder.clone(*op, local);
  auto dps = dyn_cast<DestinationStyleOpInterface>(op);
  for (unsigned i = 0; dps && i < dps.getNumDpsInits(); ++i) {
    OpOperand *init = dps.getDpsInitOperand(i);
    unsigned number = init->getOperandNumber();
    auto it = destinationOf.find(init);
    if (it != destinationOf.end()) {
      clone->setOperand(number, builder.getInsertionBlock()->getArgument(
                                    inputs.size() + it->second));
      continue;
    }
    // Initial values are never shared: each op gets memory of its own.
    Operation *def = init->get().getDefiningOp();
    if (def && !members.contains(def) &&
        isa<tensor::EmptyOp, linalg::FillOp>(def)) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(clone);
      mapping.erase(init->get());
      clone->setOperand(number, cloneOp(def)->getResult(0));
      mapping.erase(init->get());
    }
  }
  if (!isa<tensor::EmptyOp, linalg::FillOp>(op) || members.contains(op))
    for (auto [from, to] : llvm::zip(op->getResults(), clone->getResults()))
      mapping.map(from, to);
  return clone;
}

func::FuncOp KernelBuilder::build() {
  for (Operation *op : group.ops)
    collectInputs(op);
  findDestinations();
  // A destination that is only written through is not an input as well.
  llvm::DenseSet<Value> written;
  for (Value destination : destinations)
    if (destination)
      written.insert(destination);
  for (Value value : inputSet) {
    bool otherUse = !written.contains(value);
    for (Operation *op : visited)
      otherUse |= llvm::is_contained(getAllOperands(op), value) &&
                  !isReplaced(op, value);
    if (otherUse)
      inputs.push_back(value);
  }

  Operation *root = group.root();
  SmallVector<Type> types;
  for (Value input : inputs)
    types.push_back(input.getType());
  llvm::append_range(types, root->getResultTypes());
  auto func = func::FuncOp::create(
      root->getLoc(), "kernel",
      builder.getFunctionType(types, root->getResultTypes()));
  func.setPrivate();
  Block *body = func.addEntryBlock();
  builder.setInsertionPointToStart(body);
  for (auto [input, arg] : llvm::zip(inputs, body->getArguments()))
    mapping.map(input, arg);
  int64_t flops = 0;
  for (Operation *op : group.ops) {
    cloneOp(op);
    flops += countFlops(op);
  }
  SmallVector<Value> results;
  for (OpResult result : root->getResults()) {
    Value value = mapping.lookup(result);
    Value out = body->getArgument(inputs.size() + result.getResultNumber());
    if (!isa<DestinationStyleOpInterface>(root)) {
      // An op without a destination: its result is copied there.
      auto type = cast<RankedTensorType>(value.getType());
      AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
      SmallVector<utils::IteratorType> loops(type.getRank(),
                                             utils::IteratorType::parallel);
      value =
          linalg::GenericOp::create(
              builder, root->getLoc(), TypeRange{type}, ValueRange{value},
              ValueRange{out}, ArrayRef<AffineMap>{identity, identity}, loops,
              [](OpBuilder &b, Location l, ValueRange args) {
                linalg::YieldOp::create(b, l, args[0]);
              })
              .getResult(0);
    }
    results.push_back(value);
  }
  func::ReturnOp::create(builder, root->getLoc(), results);
  // Repeated ops that an own copy replaced.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*body)))
    if (isOpTriviallyDead(&op))
      op.erase();

  func->setAttr(kKernelAttr, builder.getStringAttr(classifyGroup(group.ops)));
  func->setAttr(kNumOutsAttr, builder.getI64IntegerAttr(results.size()));
  func->setAttr("fairway.flops", builder.getI64IntegerAttr(flops));
  func->setAttr("fairway.bytes", builder.getI64IntegerAttr(countBytes(func)));
  return func;
}

KernelOutliner::KernelOutliner(ModuleOp module)
    : module(module), symbols(module) {}

/// Equal kernels print equally: names are the same until here, locations and
/// attribute aliases are not printed.
func::FuncOp KernelOutliner::findOrInsert(func::FuncOp kernel, StringRef kind) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  kernel->print(stream, OpPrintingFlags().useLocalScope());
  auto [it, isNew] = kernels.try_emplace(text, kernel);
  if (!isNew) {
    kernel->destroy();
    return it->second;
  }
  unsigned number = numbers[kind]++;
  kernel.setSymName((kind + "_" + Twine(number)).str());
  symbols.insert(kernel);
  return kernel;
}

void KernelOutliner::outline(func::FuncOp caller, const KernelGroup &group) {
  KernelBuilder kernelBuilder(caller, group);
  func::FuncOp kernel = kernelBuilder.build();
  StringRef kind = kernel->getAttrOfType<StringAttr>(kKernelAttr).getValue();
  kernel = findOrInsert(kernel, kind);

  Operation *root = group.root();
  OpBuilder builder(root);
  SmallVector<Value> operands(kernelBuilder.inputs);
  for (auto [destination, type] :
       llvm::zip(kernelBuilder.destinations, root->getResultTypes())) {
    if (!destination) {
      auto tensor = cast<RankedTensorType>(type);
      destination = tensor::EmptyOp::create(
          builder, root->getLoc(), tensor.getShape(), tensor.getElementType());
    }
    operands.push_back(destination);
  }
  auto call = func::CallOp::create(builder, root->getLoc(), kernel, operands);
  root->replaceAllUsesWith(call.getResults());
  for (Operation *op : llvm::reverse(group.ops)) {
    op->dropAllUses();
    op->erase();
  }
}
