//===- EntryPlanner.cpp - one entry becomes a list of steps -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EntryPlanner.h"
#include "fairway/Kernel/Config.h"
#include "fairway/Runtime/artefact.h"

using namespace mlir;
using namespace fairway;

static int64_t getBytes(MemRefType type) {
  unsigned bits = type.getElementTypeBitWidth();
  return type.getNumElements() * ((bits + 7) / 8);
}

static int64_t getNumber(func::FuncOp kernel, StringRef name,
                         int64_t missing = 0) {
  auto attr = kernel->getAttrOfType<IntegerAttr>(name);
  return attr ? attr.getInt() : missing;
}

FailureOr<Place> EntryPlanner::findPlace(Value value) {
  if (auto arg = dyn_cast<BlockArgument>(value))
    return arguments[arg.getArgNumber()];
  Operation *def = value.getDefiningOp();
  if (isa<memref::AllocOp>(def)) {
    auto [it, isNew] = allocationOf.try_emplace(value, allocationBytes.size());
    if (isNew)
      allocationBytes.push_back(getBytes(cast<MemRefType>(value.getType())));
    return Place{Place::Allocation, it->second};
  }
  if (isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp,
          memref::ReinterpretCastOp>(def))
    if (cast<MemRefType>(value.getType()).getLayout().isIdentity())
      return findPlace(def->getOperand(0));
  if (auto cast = dyn_cast<UnrealizedConversionCastOp>(def))
    if (cast.getInputs().size() == 1)
      return findPlace(cast.getInputs()[0]);
  if (auto subview = dyn_cast<memref::SubViewOp>(def)) {
    auto [strides, offset] = subview.getType().getStridesAndOffset();
    FailureOr<Place> base = findPlace(subview.getSource());
    if (failed(base) || ShapedType::isDynamic(offset) ||
        subview.getType().getNumContiguousTrailingDims() !=
            subview.getType().getRank())
      return def->emitError("internal error: a view that is not dense");
    base->offset += offset * (subview.getType().getElementTypeBitWidth() / 8);
    return base;
  }
  return def->emitError("internal error: cannot plan the memory of '")
         << def->getName() << "'";
}

LogicalResult EntryPlanner::addCall(func::CallOp call) {
  Step step;
  step.kernel = symbols.lookup<func::FuncOp>(call.getCallee());
  int64_t numOuts =
      step.kernel->getAttrOfType<IntegerAttr>("fairway.num_outs").getInt();
  // The last three operands stand for scratch, worker and workers, which the
  // runtime supplies.
  int64_t numBuffers = call.getNumOperands() - 3;
  int64_t firstOut = numBuffers - numOuts;
  step.tiles = getNumber(step.kernel, "fairway.tiles", 1);
  auto slabs = step.kernel->getAttrOfType<DenseI64ArrayAttr>("fairway.slabs");
  for (auto [i, operand] :
       llvm::enumerate(call.getOperands().take_front(numBuffers))) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (!type)
      return call.emitError("internal error: a kernel operand of type ")
             << operand.getType();
    FailureOr<Place> place = findPlace(operand);
    if (failed(place))
      return failure();
    step.accesses.push_back(
        {*place, getBytes(type), static_cast<int64_t>(i) >= firstOut,
         slabs && int64_t(i) < slabs.size() ? slabs[i] : 0});
  }
  steps.push_back(std::move(step));
  return success();
}

/// A kernel that copies a dense buffer; worker 0 does it.
func::FuncOp EntryPlanner::getCopyKernel(Location loc, MemRefType type) {
  OpBuilder builder(entry.getContext());
  if (func::FuncOp known = copies.lookup(type))
    return known;
  std::string name;
  llvm::raw_string_ostream stream(name);
  stream << "copy_" << type.getElementType();
  if (open)
    stream << "_open_" << copies.size();
  else
    for (int64_t size : type.getShape())
      stream << "_" << size;
  if (auto known = symbols.lookup<func::FuncOp>(name))
    return known;
  auto scratch = MemRefType::get({0}, builder.getI8Type());
  Type index = builder.getIndexType();
  auto func = func::FuncOp::create(
      loc, name,
      builder.getFunctionType({type, type, scratch, index, index}, {}));
  func.setPrivate();
  Block *body = func.addEntryBlock();
  builder.setInsertionPointToStart(body);
  memref::CopyOp::create(builder, loc, body->getArgument(0),
                         body->getArgument(1));
  func::ReturnOp::create(builder, loc);
  func->setAttr("fairway.kernel", builder.getStringAttr("copy"));
  func->setAttr("fairway.num_outs", builder.getI64IntegerAttr(1));
  func->setAttr("fairway.tiles", builder.getI64IntegerAttr(1));
  func->setAttr("fairway.scratch_bytes", builder.getI64IntegerAttr(0));
  func->setAttr("fairway.bytes", builder.getI64IntegerAttr(2 * getBytes(type)));
  symbols.insert(func);
  copies[type] = func;
  return func;
}

LogicalResult EntryPlanner::addCopy(Location loc, Value source, Place target) {
  FailureOr<Place> from = findPlace(source);
  if (failed(from))
    return failure();
  auto type = cast<MemRefType>(source.getType());
  auto dense = MemRefType::get(type.getShape(), type.getElementType());
  Step step;
  step.kernel = getCopyKernel(loc, dense);
  step.accesses = {{*from, getBytes(dense), false},
                   {target, getBytes(dense), true}};
  steps.push_back(std::move(step));
  return success();
}

/// A returned allocation becomes the caller's buffer; anything else is copied.
LogicalResult EntryPlanner::placeResults(func::ReturnOp ret) {
  for (auto [i, operand] : llvm::enumerate(ret.getOperands())) {
    if (getBytes(cast<MemRefType>(operand.getType())) == 0)
      continue; // Nothing is written to it.
    FailureOr<Place> place = findPlace(operand);
    if (failed(place))
      return failure();
    int64_t index = i;
    bool whole = place->kind == Place::Allocation && place->offset == 0 &&
                 allocationBytes[place->index] ==
                     getBytes(cast<MemRefType>(operand.getType()));
    if (whole && outputOf.try_emplace(place->index, index).second)
      continue;
    if (failed(addCopy(ret.getLoc(), operand, {Place::Output, index})))
      return failure();
  }
  return success();
}

static bool overlap(const Access &a, const Access &b) {
  return a.place.kind == b.place.kind && a.place.index == b.place.index &&
         a.place.offset < b.place.offset + b.bytes &&
         b.place.offset < a.place.offset + a.bytes;
}

/// Every worker runs the same tile numbers of two steps that have equally many
/// tiles. If a tile touches the same slab of the memory in both, no worker
/// touches what another one does.
static bool isOwn(const Step &a, const Access &x, const Step &b,
                  const Access &y) {
  return a.tiles == b.tiles && x.slab > 0 && x.slab == y.slab &&
         x.place.offset == y.place.offset;
}

static bool conflict(const Step &earlier, const Step &later) {
  for (const Access &x : earlier.accesses)
    for (const Access &y : later.accesses)
      if ((x.writes || y.writes) && overlap(x, y) &&
          !isOwn(earlier, x, later, y))
        return true;
  return false;
}

/// Workers meet only where a step touches memory that another worker touched in
/// a step since their last meeting, and one of the two writes. Returns for each
/// step how often they have met before it.
SmallVector<int64_t> EntryPlanner::insertBarriers() {
  SmallVector<const Step *> sinceBarrier;
  SmallVector<int64_t> meetings;
  for (Step &step : steps) {
    step.barrier = llvm::any_of(sinceBarrier, [&](const Step *earlier) {
      return conflict(*earlier, step);
    });
    if (step.barrier)
      sinceBarrier.clear();
    sinceBarrier.push_back(&step);
    meetings.push_back((meetings.empty() ? 0 : meetings.back()) + step.barrier);
  }
  return meetings;
}

/// Lays the arena out. Memory changes hands only where workers meet anyway, for
/// the sake of the data: `meetings` tells when that is.
void EntryPlanner::layOut(ArrayRef<int64_t> meetings) {
  std::vector<Lifetime> lifetimes(allocationBytes.size());
  for (auto [i, life] : llvm::enumerate(lifetimes))
    life = {allocationBytes[i], std::numeric_limits<int64_t>::max(), -1};
  for (auto [number, step] : llvm::enumerate(steps))
    for (Access &access : step.accesses) {
      if (access.place.kind != Place::Allocation)
        continue;
      Lifetime &life = lifetimes[access.place.index];
      life.first = std::min<int64_t>(life.first, number);
      life.last = std::max<int64_t>(life.last, number);
    }
  std::vector<Lifetime> inArena;
  SmallVector<int64_t> numbers;
  for (auto [i, life] : llvm::enumerate(lifetimes))
    if (!outputOf.count(i) && life.last >= 0) {
      inArena.push_back(
          {life.bytes, meetings[life.first], meetings[life.last]});
      numbers.push_back(i);
    }
  // An open entry's buffers are known by number until a call lays them out.
  llvm::DenseMap<int64_t, Place> placeOf;
  if (open)
    allocations = inArena;
  else
    arena = layOutArena(inArena, FAIRWAY_BUFFER_ALIGNMENT);
  for (auto [position, number] : llvm::enumerate(numbers))
    placeOf[number] = {Place::Allocation, open ? int64_t(position) : 0,
                       open ? 0 : arena.offsets[position]};
  for (Step &step : steps)
    for (Access &access : step.accesses) {
      Place &place = access.place;
      if (place.kind != Place::Allocation)
        continue;
      if (auto it = outputOf.find(place.index); it != outputOf.end()) {
        place.kind = Place::Output;
        place.index = it->second;
      } else {
        const Lifetime &life = lifetimes[place.index];
        access.firstStep = life.first;
        access.lastStep = life.last;
        const Place &part = placeOf[place.index];
        place.offset += part.offset;
        place.index = part.index;
      }
    }
}

LogicalResult EntryPlanner::run() {
  for (Operation &op : entry.getBody().front()) {
    if (auto call = dyn_cast<func::CallOp>(op)) {
      if (failed(addCall(call)))
        return failure();
    } else if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      FailureOr<Place> target = findPlace(copy.getTarget());
      if (failed(target) ||
          failed(addCopy(op.getLoc(), copy.getSource(), *target)))
        return failure();
    } else if (auto ret = dyn_cast<func::ReturnOp>(op)) {
      if (failed(placeResults(ret)))
        return failure();
    } else if (!isa<memref::AllocOp, memref::DeallocOp, memref::ExpandShapeOp,
                    memref::CollapseShapeOp, memref::CastOp, memref::SubViewOp,
                    memref::ReinterpretCastOp, UnrealizedConversionCastOp>(
                   op) &&
               !isMemoryEffectFree(&op)) {
      return op.emitError("internal error: '")
             << op.getName() << "' is left outside every kernel";
    }
  }
  layOut(insertBarriers());
  return success();
}

DictionaryAttr EntryPlanner::getAttr() const {
  Builder b(const_cast<EntryPlanner *>(this)->entry.getContext());
  SmallVector<Attribute> list;
  int64_t scratch = 0;
  for (const Step &step : steps) {
    func::FuncOp kernel = step.kernel;
    SmallVector<Attribute> buffers;
    for (const Access &access : step.accesses) {
      int64_t space = 0;
      switch (access.place.kind) {
      case Place::Allocation:
        space = FAIRWAY_SPACE_ARENA;
        break;
      case Place::Input:
        space = FAIRWAY_SPACE_INPUT;
        break;
      case Place::Output:
        space = FAIRWAY_SPACE_OUTPUT;
        break;
      case Place::Constant:
        space = FAIRWAY_SPACE_CONSTANT;
        break;
      }
      buffers.push_back(b.getI64ArrayAttr(
          {space, access.place.index, access.place.offset, access.bytes,
           access.writes, access.firstStep, access.lastStep}));
    }
    scratch = std::max(scratch, getNumber(kernel, "fairway.scratch_bytes"));
    auto dimensions = kernel->getAttrOfType<ArrayAttr>("fairway.dimensions");
    NamedAttrList fields({
        b.getNamedAttr("kernel", FlatSymbolRefAttr::get(kernel)),
        b.getNamedAttr("buffers", b.getArrayAttr(buffers)),
        b.getNamedAttr("barrier", b.getBoolAttr(step.barrier)),
        b.getNamedAttr("tiles",
                       b.getI64IntegerAttr(std::max<int64_t>(1, step.tiles))),
        b.getNamedAttr("flops",
                       b.getI64IntegerAttr(getNumber(kernel, "fairway.flops"))),
        b.getNamedAttr("bytes",
                       b.getI64IntegerAttr(getNumber(kernel, "fairway.bytes"))),
        b.getNamedAttr("dimensions",
                       dimensions ? dimensions : b.getArrayAttr({})),
    });
    if (Attribute config = kernel->getAttr(kConfigAttr))
      fields.set("config", config);
    list.push_back(fields.getDictionary(b.getContext()));
  }
  NamedAttrList plan;
  plan.set("arena_bytes", b.getI64IntegerAttr(arena.bytes));
  plan.set("scratch_bytes", b.getI64IntegerAttr(scratch));
  plan.set("steps", b.getArrayAttr(list));
  SmallVector<Attribute> parts;
  for (const Lifetime &part : allocations)
    parts.push_back(b.getI64ArrayAttr({part.bytes, part.first, part.last}));
  if (open)
    plan.set("allocations", b.getArrayAttr(parts));
  return plan.getDictionary(b.getContext());
}
