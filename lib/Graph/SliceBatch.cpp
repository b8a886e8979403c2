//===- SliceBatch.cpp - a batch passes through the cache in slices --------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "SampleDims.h"
#include "SliceCost.h"
#include "SliceValue.h"
#include "fairway/Graph/Passes.h"
#include "fairway/Support/Sizes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"

namespace fairway {
#define GEN_PASS_DEF_SLICEBATCH
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// Each slice repeats the list of steps.
static constexpr int64_t kMaxSlices = 32;
/// The part of the computing time that slices must save.
static constexpr double kLeastGain = 0.01;

namespace {
/// Makes the calls of an entry that gain from it once for each slice.
class BatchSlicer {
public:
  BatchSlicer(func::FuncOp entry, SymbolTable &symbols, SliceCost cost)
      : entry(entry), symbols(symbols), cost(cost) {}

  /// Returns the number of slices; 0: nothing to gain.
  int64_t run();

  /// Of how many samples each slice of an open batch should be; 0: none.
  int64_t chooseOpenSlice();

  /// What the first dimension of the first input counts.
  int64_t countSamples();

private:
  int64_t chooseSize(int64_t samples);
  void follow(BatchSlices slices);
  std::optional<SlicedCall> followCall(func::CallOp call, BatchSlices slices);
  void keepBest(BatchSlices slices);
  bool isReadOutside(Value value) const;
  void gather(OpBuilder &builder);
  void moveUsersBehind(Operation *last);
  func::FuncOp getSliced(SlicedCall &call, BatchSlices slices);
  Value getSlice(OpBuilder &builder, Value value, BatchSlices slices,
                 int64_t number, IRMapping &mapping);
  void emitCall(OpBuilder &builder, SlicedCall &call, BatchSlices slices,
                int64_t number, IRMapping &mapping);
  void emit(BatchSlices slices);

  func::FuncOp entry;
  SymbolTable &symbols;
  SliceCost cost;
  SampleDims dims{{}};
  /// Values in which samples met: computed when all slices are done.
  llvm::DenseSet<Value> mixed;
  SmallVector<SlicedCall> calls;
  llvm::DenseSet<Operation *> inside;
  /// What others read too, with the tensor that gets all slices.
  llvm::MapVector<Value, Value> gathered;
  /// By the whole kernel's name and its arguments' slices.
  llvm::StringMap<func::FuncOp> slicedKernels;
};
} // namespace

/// Where slice `number` lies in a tensor whose first dimension are the samples.
static Cut getCut(SampleDim sample, BatchSlices slices, int64_t number) {
  int64_t extent = slices.size * sample.inner;
  return {0, number * extent, extent, 1};
}

static Value extractSlice(OpBuilder &builder, Value whole, SampleDim sample,
                          BatchSlices slices, int64_t number) {
  auto type = cast<RankedTensorType>(whole.getType());
  return extractCuts(builder, slices.getType(type, sample), whole,
                     getCut(sample, slices, number));
}

static void eraseDeadViews(Operation *op) {
  for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
    eraseDeadViews(user);
  if (isReshape(op) && op->use_empty())
    op->erase();
}

/// What nobody reads must not make slices gather their results.
static void eraseDeadOps(func::FuncOp entry) {
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(entry.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

static void eraseUnusedKernels(ModuleOp module) {
  for (auto func : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (func->hasAttr(kKernelAttr) &&
        SymbolTable::symbolKnownUseEmpty(func, module))
      func.erase();
}

int64_t BatchSlicer::countSamples() {
  for (auto [i, arg] : llvm::enumerate(entry.getArguments())) {
    auto type = dyn_cast<RankedTensorType>(arg.getType());
    if (type && type.getRank() > 1 && getArgKind(entry, i) == "input")
      return type.getDimSize(0);
  }
  return 1;
}

std::optional<SlicedCall> BatchSlicer::followCall(func::CallOp call,
                                                  BatchSlices slices) {
  auto kernel = symbols.lookup<func::FuncOp>(call.getCallee());
  SlicedCall result{call, SampleDims(slices)};
  for (auto [operand, arg] :
       llvm::zip(call.getOperands(), kernel.getArguments())) {
    if (mixed.contains(operand))
      return std::nullopt;
    if (std::optional<SampleDim> sample = dims.get(operand))
      (void)result.dims.set(arg, *sample);
  }
  Block &body = kernel.getBody().front();
  // What a later op asks of a constant, an earlier one must stand, too.
  for (unsigned known = 0; known != result.dims.size();) {
    known = result.dims.size();
    for (Operation &op : body)
      if (failed(result.dims.visit(&op)))
        return std::nullopt;
  }
  // Slices of what the kernel writes must lie behind each other.
  unsigned firstOut = call.getNumOperands() - call.getNumResults();
  for (auto [i, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
    std::optional<SampleDim> sample = result.dims.get(value);
    Value target = call.getOperand(firstOut + i);
    bool fits =
        target.getDefiningOp<tensor::EmptyOp>() || dims.get(target) == sample;
    if (!sample || sample->dim != 0 || !fits ||
        result.dims.get(kernel.getArgument(firstOut + i)) != sample)
      return std::nullopt;
  }
  for (auto [operand, arg] :
       llvm::zip(call.getOperands(), kernel.getArguments())) {
    int64_t bytes = getSizeInBytes(cast<RankedTensorType>(operand.getType()));
    if (result.dims.get(arg))
      result.sampleBytes += bytes / slices.samples;
    else
      result.weightBytes += bytes;
  }
  for (auto [value, own] :
       llvm::zip(call.getResults(), body.getTerminator()->getOperands()))
    (void)dims.set(value, *result.dims.get(own));
  result.flops = kernel->getAttrOfType<IntegerAttr>("fairway.flops").getInt();
  return result;
}

/// Finds the calls whose samples come from the inputs and from nowhere else.
void BatchSlicer::follow(BatchSlices slices) {
  dims = SampleDims(slices);
  mixed.clear();
  calls.clear();
  for (auto [i, arg] : llvm::enumerate(entry.getArguments())) {
    auto type = cast<RankedTensorType>(arg.getType());
    if (type.getRank() > 0 && type.getDimSize(0) == slices.samples &&
        getArgKind(entry, i) == "input")
      (void)dims.set(arg, {0, 1});
  }
  for (Operation &op : entry.getBody().front()) {
    bool reads = llvm::any_of(op.getOperands(), [&](Value operand) {
      return dims.get(operand) || mixed.contains(operand);
    });
    if (!reads)
      continue;
    bool followed = false;
    if (auto call = dyn_cast<func::CallOp>(op)) {
      std::optional<SlicedCall> sliced = followCall(call, slices);
      followed = sliced.has_value();
      if (sliced)
        calls.push_back(std::move(*sliced));
    } else if (isReshape(&op)) {
      followed =
          !mixed.contains(op.getOperand(0)) && succeeded(dims.visit(&op));
    }
    if (!followed)
      mixed.insert(op.result_begin(), op.result_end());
  }
}

/// Keeps the calls up to the one with which slices gain most.
void BatchSlicer::keepBest(BatchSlices slices) {
  double gain = 0, best = 0, computing = 0;
  size_t count = 0;
  for (auto [i, call] : llvm::enumerate(calls)) {
    gain += cost.gain(call, slices);
    computing += cost.computing(call, slices);
    if (gain >= best && gain > kLeastGain * computing) {
      best = gain;
      count = i + 1;
    }
  }
  calls.erase(calls.begin() + count, calls.end());
  inside.clear();
  for (SlicedCall &call : calls)
    inside.insert(call.call);
}

func::FuncOp BatchSlicer::getSliced(SlicedCall &call, BatchSlices slices) {
  auto kernel = symbols.lookup<func::FuncOp>(call.call.getCallee());
  std::string key = kernel.getName().str();
  for (BlockArgument arg : kernel.getArguments())
    if (std::optional<SampleDim> sample = call.dims.get(arg))
      key += (" " + Twine(sample->dim) + ":" + Twine(sample->inner)).str();
    else
      key += " -";
  func::FuncOp &sliced = slicedKernels[key];
  if (!sliced) {
    sliced = sliceKernel(kernel, call.dims, slices);
    symbols.insert(sliced);
  }
  return sliced;
}

/// The slice of a value that a sliced call reads.
Value BatchSlicer::getSlice(OpBuilder &builder, Value value, BatchSlices slices,
                            int64_t number, IRMapping &mapping) {
  std::optional<SampleDim> sample = dims.get(value);
  if (!sample)
    return value;
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *def = value.getDefiningOp();
  if (isReshape(def)) {
    (void)getSlice(builder, def->getOperand(0), slices, number, mapping);
    sliceOp(builder, def, dims, slices, mapping);
    return mapping.lookup(value);
  }
  Value slice = extractSlice(builder, value, *sample, slices, number);
  mapping.map(value, slice);
  return slice;
}

/// True if anything but a sliced call needs all of `value`, a sliced result.
bool BatchSlicer::isReadOutside(Value value) const {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    return isReshape(user) ? isReadOutside(user->getResult(0))
                           : !inside.contains(user);
  });
}

/// Makes a tensor for each result that is read outside.
void BatchSlicer::gather(OpBuilder &builder) {
  gathered.clear();
  for (SlicedCall &call : calls)
    for (OpResult result : call.call.getResults())
      if (isReadOutside(result))
        gathered[result] = bufferization::AllocTensorOp::create(
            builder, result.getLoc(), cast<RankedTensorType>(result.getType()),
            ValueRange());
}

/// What depends on sliced calls and stands between them follows the last one.
void BatchSlicer::moveUsersBehind(Operation *last) {
  llvm::DenseSet<Operation *> dependent(inside);
  SmallVector<Operation *> moved;
  for (Operation *op = calls.front().call; op != last; op = op->getNextNode()) {
    bool depends = llvm::any_of(op->getOperands(), [&](Value operand) {
      return dependent.contains(operand.getDefiningOp());
    });
    if (!depends || inside.contains(op))
      continue;
    dependent.insert(op);
    moved.push_back(op);
  }
  for (Operation *op : llvm::reverse(moved))
    op->moveAfter(last);
}

void BatchSlicer::emitCall(OpBuilder &builder, SlicedCall &call,
                           BatchSlices slices, int64_t number,
                           IRMapping &mapping) {
  func::FuncOp kernel = getSliced(call, slices);
  Location loc = call.call.getLoc();
  unsigned firstOut = call.call.getNumOperands() - call.call.getNumResults();
  SmallVector<Value> operands;
  for (auto [i, operand] : llvm::enumerate(call.call.getOperands())) {
    auto type = cast<RankedTensorType>(kernel.getArgumentTypes()[i]);
    bool fresh = i >= firstOut && operand.getDefiningOp<tensor::EmptyOp>();
    auto whole =
        fresh ? gathered.find(call.call.getResult(i - firstOut)) : nullptr;
    if (!fresh)
      operands.push_back(getSlice(builder, operand, slices, number, mapping));
    else if (whole == gathered.end())
      operands.push_back(tensor::EmptyOp::create(builder, loc, type.getShape(),
                                                 type.getElementType()));
    else
      operands.push_back(extractSlice(builder, whole->second,
                                      *dims.get(whole->first), slices, number));
  }
  auto sliced = func::CallOp::create(builder, loc, kernel, operands);
  for (auto [result, part] :
       llvm::zip(call.call.getResults(), sliced.getResults())) {
    mapping.map(result, part);
    if (auto whole = gathered.find(result); whole != gathered.end())
      whole->second = insertCuts(builder, loc, part, whole->second,
                                 getCut(*dims.get(result), slices, number));
  }
}

void BatchSlicer::emit(BatchSlices slices) {
  Operation *last = calls.back().call;
  moveUsersBehind(last);
  OpBuilder builder(entry.getContext());
  builder.setInsertionPointAfter(last);
  gather(builder);
  for (int64_t number = 0; number < slices.count(); ++number) {
    IRMapping mapping;
    for (SlicedCall &call : calls)
      emitCall(builder, call, slices, number, mapping);
  }
  for (auto [result, whole] : gathered)
    result.replaceAllUsesWith(whole);
  for (SlicedCall &call : llvm::reverse(calls)) {
    // Views between the calls, of which each slice has its own.
    for (Operation *user : llvm::make_early_inc_range(call.call->getUsers()))
      eraseDeadViews(user);
    call.call.erase();
  }
}

/// The samples of a slice: as many as the cache holds, and no fewer than the
/// workers and the length of the plan ask for.
int64_t BatchSlicer::chooseSize(int64_t samples) {
  follow({samples, 1});
  int64_t most = 1;
  for (SlicedCall &call : calls)
    most = std::max(most, call.sampleBytes);
  int64_t least = std::max<int64_t>(cost.leastSamples(),
                                    llvm::divideCeil(samples, kMaxSlices));
  for (int64_t size = samples / 2; size >= least; --size)
    if (samples % size == 0 && size * most <= cost.cacheBytes())
      return size;
  for (int64_t size = least; size < samples; ++size)
    if (samples % size == 0)
      return size;
  return samples;
}

int64_t BatchSlicer::run() {
  int64_t samples = countSamples();
  if (samples < 2)
    return 0;
  eraseDeadOps(entry);
  BatchSlices slices{samples, chooseSize(samples)};
  if (slices.count() < 2)
    return 0;
  follow(slices);
  keepBest(slices);
  if (calls.empty())
    return 0;
  emit(slices);
  eraseDeadOps(entry);
  return slices.count();
}

/// An open batch is cut by whoever calls, all of it or nothing: every call
/// computes each sample from itself, and so do the results.
int64_t BatchSlicer::chooseOpenSlice() {
  int64_t samples = countSamples();
  follow({samples, 1});
  auto ret = cast<func::ReturnOp>(entry.getBody().front().getTerminator());
  bool all = llvm::all_of(ret.getOperands(), [&](Value value) {
    return dims.get(value) == SampleDim{0, 1};
  });
  size_t count = llvm::range_size(entry.getOps<func::CallOp>());
  if (!all || calls.empty() || calls.size() != count)
    return 0;
  int64_t most = 1;
  for (SlicedCall &call : calls)
    most = std::max(most, call.sampleBytes);
  int64_t size = std::max(cost.leastSamples(), cost.cacheBytes() / most);
  double gain = 0, computing = 0;
  for (SlicedCall &call : calls) {
    gain += cost.gain(call, {samples, size});
    computing += cost.computing(call, {samples, size});
  }
  return gain > kLeastGain * computing ? size : 0;
}

namespace {
struct SliceBatchPass : public fairway::impl::SliceBatchBase<SliceBatchPass> {
  using SliceBatchBase::SliceBatchBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main)
      return;
    SymbolTable symbols(module);
    FailureOr<SmallVector<Size, 2>> sizes = readSizes(module);
    if (failed(sizes))
      return signalPassFailure();
    if (!sizes->empty())
      return sliceOpenBatch(main, symbols, *sizes);
    int64_t slices = BatchSlicer(main, symbols, {machine, threads}).run();
    if (slices > 0)
      eraseUnusedKernels(module);
    numSlices += slices;
  }

  /// Of a single open size only: what a slice costs must not depend on others,
  /// such as the length of sequences.
  void sliceOpenBatch(func::FuncOp main, SymbolTable &symbols,
                      ArrayRef<Size> sizes) {
    BatchSlicer slicer(main, symbols, {machine, threads});
    if (sizes.size() != 1 || slicer.countSamples() != sizes.front().sample)
      return;
    if (int64_t slice = slicer.chooseOpenSlice())
      main->getParentOp()->setAttr(
          kSliceAttr, Builder(main.getContext()).getI64ArrayAttr({0, slice}));
  }
};
} // namespace
