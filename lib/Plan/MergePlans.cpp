//===- MergePlans.cpp - plans of samples become one for all sizes ---------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Plan/Passes.h"
#include "fairway/Runtime/artefact.h"
#include "fairway/Support/OpenSizes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace fairway {
#define GEN_PASS_DEF_MERGEPLANS
#include "fairway/Plan/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

namespace {

/// The same attribute in each sample.
using Attributes = ArrayRef<Attribute>;

class PlanMerger {
public:
  PlanMerger(ModuleOp wrapper, ArrayRef<ModuleOp> samples, OpenSizes &sizes,
             ExpressionTable &table)
      : wrapper(wrapper), samples(samples), sizes(sizes), table(table),
        b(wrapper.getContext()) {}

  LogicalResult merge();

private:
  template <typename Get> SmallVector<Attribute> each(Get get) {
    return llvm::map_to_vector(
        samples, [&](ModuleOp sample) -> Attribute { return get(sample); });
  }
  static SmallVector<Attribute> field(Attributes dicts, StringRef key) {
    return llvm::map_to_vector(dicts, [&](Attribute dict) {
      return cast<DictionaryAttr>(dict).get(key);
    });
  }
  static SmallVector<Attribute> element(Attributes arrays, size_t index) {
    return llvm::map_to_vector(
        arrays, [&](Attribute array) { return cast<ArrayAttr>(array)[index]; });
  }
  /// How many elements all have; a failure if they do not agree.
  FailureOr<size_t> count(Attributes arrays);

  LogicalResult differ(const Twine &what) {
    return wrapper.emitError("unsupported operation: ")
           << what << " depends on sizes that are to stay open";
  }

  /// Notes that a field varies, if it does.
  LogicalResult vary(Attributes numbers, fairway_field field, size_t index,
                     size_t part = 0);
  LogicalResult mergeTensors(StringRef name, fairway_field field);
  LogicalResult mergeAllocations(Attributes plans);
  FailureOr<Attribute> mergeStep(Attributes steps, size_t index);
  LogicalResult addCopy(StringRef name);

  ModuleOp wrapper;
  ArrayRef<ModuleOp> samples;
  OpenSizes &sizes;
  ExpressionTable &table;
  Builder b;
  SmallVector<Attribute> varying;
};

} // namespace

FailureOr<size_t> PlanMerger::count(Attributes arrays) {
  size_t size = cast<ArrayAttr>(arrays.front()).size();
  for (Attribute array : arrays)
    if (cast<ArrayAttr>(array).size() != size)
      return differ("the number of steps");
  return size;
}

LogicalResult PlanMerger::vary(Attributes numbers, fairway_field field,
                               size_t index, size_t part) {
  auto values = llvm::map_to_vector(numbers, [](Attribute number) {
    return cast<IntegerAttr>(number).getInt();
  });
  if (llvm::all_equal(values))
    return success();
  std::optional<Polynomial> found = sizes.find(values);
  bool forProfiles = field == FAIRWAY_STEP_FLOPS || field == FAIRWAY_STEP_BYTES;
  if (!found && forProfiles)
    return success(); // the first sample's serves as an example
  if (!found)
    return differ("how the memory is laid out");
  varying.push_back(
      b.getI64ArrayAttr({int64_t(field), int64_t(table.numberOf(*found)),
                         int64_t(index), int64_t(part)}));
  return success();
}

LogicalResult PlanMerger::mergeTensors(StringRef name, fairway_field field) {
  auto lists = each([&](ModuleOp m) { return m->getAttr(name); });
  FailureOr<size_t> size = count(lists);
  if (failed(size))
    return failure();
  for (size_t i = 0; i < *size; ++i) {
    auto shapes = this->field(element(lists, i), "shape");
    for (size_t dim = 0; dim < cast<ArrayAttr>(shapes.front()).size(); ++dim)
      if (failed(vary(element(shapes, dim), field, i, dim)))
        return failure();
  }
  wrapper->setAttr(name, lists.front());
  return success();
}

LogicalResult PlanMerger::mergeAllocations(Attributes plans) {
  auto lists = field(plans, "allocations");
  FailureOr<size_t> size = count(lists);
  if (failed(size))
    return failure();
  for (size_t i = 0; i < *size; ++i) {
    auto allocations = element(lists, i);
    if (failed(vary(element(allocations, 0), FAIRWAY_ALLOCATION_BYTES, i)))
      return failure();
    for (unsigned meeting : {1, 2})
      if (!llvm::all_equal(element(allocations, meeting)))
        return differ("where workers meet");
  }
  return success();
}

/// A copy is made for the plan: there was none to merge.
LogicalResult PlanMerger::addCopy(StringRef name) {
  auto types = llvm::map_to_vector(samples, [&](ModuleOp sample) {
    return cast<MemRefType>(
        sample.lookupSymbol<func::FuncOp>(name).getArgumentTypes()[0]);
  });
  std::optional<Polynomial> elements = sizes.find(llvm::map_to_vector(
      types, [](MemRefType type) { return type.getNumElements(); }));
  if (!elements)
    return differ("a copy");
  Location loc = wrapper.getLoc();
  OpBuilder at = OpBuilder::atBlockEnd(wrapper.getBody());
  auto numbers = MemRefType::get({0}, at.getI64Type());
  auto data = MemRefType::get({0}, types.front().getElementType());
  auto copy = func::FuncOp::create(
      at, loc, name, at.getFunctionType({numbers, data, data}, {}));
  copy.setPrivate();
  copy->setAttr("fairway.kernel", at.getStringAttr("copy"));
  copy->setAttr("fairway.num_outs", at.getI64IntegerAttr(1));
  Block *body = copy.addEntryBlock();
  copy.setArgAttr(0, kSizesArgument, at.getUnitAttr());
  at.setInsertionPointToStart(body);
  Value place =
      arith::ConstantIndexOp::create(at, loc, table.numberOf(*elements));
  Value loaded = memref::LoadOp::create(at, loc, body->getArgument(0), place);
  Value size = arith::IndexCastOp::create(at, loc, at.getIndexType(), loaded);
  auto view = [&](Value buffer) -> Value {
    return memref::ReinterpretCastOp::create(
        at, loc, buffer, at.getIndexAttr(0), ArrayRef<OpFoldResult>{size},
        ArrayRef<OpFoldResult>{at.getIndexAttr(1)});
  };
  Value from = view(body->getArgument(1)), to = view(body->getArgument(2));
  memref::CopyOp::create(at, loc, from, to);
  func::ReturnOp::create(at, loc);
  return success();
}

FailureOr<Attribute> PlanMerger::mergeStep(Attributes steps, size_t index) {
  auto first = cast<DictionaryAttr>(steps.front());
  for (StringRef key : {"kernel", "barrier"})
    if (!llvm::all_equal(field(steps, key)))
      return differ("the order of steps");
  auto name = first.getAs<FlatSymbolRefAttr>("kernel").getValue();
  if (!wrapper.lookupSymbol(name) && failed(addCopy(name)))
    return failure();
  auto kernel = wrapper.lookupSymbol<func::FuncOp>(name);
  bool open = kernel.getNumArguments() > 0 &&
              kernel.getArgAttr(0, kSizesArgument) != nullptr;

  SmallVector<Attribute> buffers;
  if (open)
    buffers.push_back(
        b.getI64ArrayAttr({FAIRWAY_SPACE_SIZES, 0, 0, 0, 0, 0, 0}));
  auto lists = field(steps, "buffers");
  FailureOr<size_t> size = count(lists);
  if (failed(size))
    return failure();
  for (size_t i = 0; i < *size; ++i) {
    auto refs = element(lists, i);
    for (unsigned number : {0, 1, 4, 5, 6})
      if (!llvm::all_equal(element(refs, number)))
        return differ("where a buffer is");
    if (failed(vary(element(refs, 2), FAIRWAY_BUFFER_OFFSET, index,
                    buffers.size())) ||
        failed(vary(element(refs, 3), FAIRWAY_BUFFER_BYTES, index,
                    buffers.size())))
      return failure();
    buffers.push_back(refs.front());
  }
  auto dimensions = field(steps, "dimensions");
  FailureOr<size_t> numDimensions = count(dimensions);
  if (failed(numDimensions))
    return failure();
  SmallVector<Attribute> divisions;
  for (size_t i = 0; i < *numDimensions; ++i) {
    auto parts = element(dimensions, i);
    if (failed(vary(element(parts, 0), FAIRWAY_STEP_EXTENT, index, i)))
      return failure();
    // The tile of one that is not divided is all of it.
    bool divided = llvm::all_equal(element(parts, 1));
    divisions.push_back(divided
                            ? parts.front()
                            : b.getArrayAttr({cast<ArrayAttr>(parts.front())[0],
                                              b.getI64IntegerAttr(INT64_MAX)}));
  }
  if (failed(vary(field(steps, "flops"), FAIRWAY_STEP_FLOPS, index)) ||
      failed(vary(field(steps, "bytes"), FAIRWAY_STEP_BYTES, index)))
    return failure();
  NamedAttrList fields(first);
  fields.set("buffers", b.getArrayAttr(buffers));
  fields.set("dimensions", b.getArrayAttr(divisions));
  return fields.getDictionary(b.getContext());
}

LogicalResult PlanMerger::merge() {
  for (StringRef same : {"fairway.parameters", "fairway.constants",
                         "fairway.num_prepared", "fairway.prepare"}) {
    auto found = each([&](ModuleOp m) { return m->getAttr(same); });
    if (!llvm::all_equal(found))
      return differ("what is prepared of the parameters");
    wrapper->setAttr(same, found.front());
  }
  if (failed(mergeTensors("fairway.inputs", FAIRWAY_INPUT_EXTENT)) ||
      failed(mergeTensors("fairway.outputs", FAIRWAY_OUTPUT_EXTENT)))
    return failure();
  auto plans = each([](ModuleOp m) { return m->getAttr("fairway.run"); });
  if (failed(mergeAllocations(plans)))
    return failure();
  auto lists = field(plans, "steps");
  FailureOr<size_t> size = count(lists);
  if (failed(size))
    return failure();
  SmallVector<Attribute> steps;
  for (size_t i = 0; i < *size; ++i) {
    FailureOr<Attribute> step = mergeStep(element(lists, i), i);
    if (failed(step))
      return failure();
    steps.push_back(*step);
  }
  for (Attribute scratch :
       wrapper->getAttrOfType<ArrayAttr>(kScratchAttr).getValue())
    varying.push_back(b.getI64ArrayAttr(
        {FAIRWAY_SCRATCH_BYTES, cast<IntegerAttr>(scratch).getInt(), 0, 0}));
  NamedAttrList run(cast<DictionaryAttr>(plans.front()));
  run.set("steps", b.getArrayAttr(steps));
  wrapper->setAttr("fairway.run", run.getDictionary(b.getContext()));
  wrapper->setAttr("fairway.varying", b.getArrayAttr(varying));
  wrapper->setAttr(kExpressionsAttr, toAttr(table.all(), b));
  wrapper->setAttr(kSizesAttr, samples.front()->getAttr(kSizesAttr));
  auto slices = each([](ModuleOp m) { return m->getAttr(kSliceAttr); });
  if (slices.front() && llvm::all_equal(slices))
    wrapper->setAttr(kSliceAttr, slices.front());
  wrapper->removeAttr(kScratchAttr);
  return success();
}

namespace {
struct MergePlans : public fairway::impl::MergePlansBase<MergePlans> {
  void runOnOperation() override {
    ModuleOp wrapper = getOperation();
    SmallVector<ModuleOp> samples = getSamples(wrapper);
    if (samples.empty())
      return;
    FailureOr<OpenSizes> sizes = OpenSizes::of(samples);
    FailureOr<std::vector<Polynomial>> known = readExpressions(wrapper);
    if (failed(sizes) || failed(known))
      return signalPassFailure();
    ExpressionTable table(sizes->sizes().size());
    for (const Polynomial &expression : *known)
      table.numberOf(expression);
    if (failed(PlanMerger(wrapper, samples, *sizes, table).merge()))
      return signalPassFailure();
    for (ModuleOp sample : samples)
      sample.erase();
  }
};
} // namespace
