//===- PlanAttributes.cpp - the plan in a module's attributes, typed
//-------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/PlanAttributes.h"
#include "fairway/Kernel/Config.h"
#include "fairway/Runtime/artefact.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringSwitch.h"

#include <limits>
#include <tuple>

using namespace mlir;
using namespace fairway;

namespace {

struct DType {
  uint32_t number;
  uint32_t bytes;
};

std::optional<DType> parseDType(StringRef name) {
  return llvm::StringSwitch<std::optional<DType>>(name)
      .Case("bool", DType{FAIRWAY_BOOL, 1})
      .Case("int8", DType{FAIRWAY_INT8, 1})
      .Case("int16", DType{FAIRWAY_INT16, 2})
      .Case("int32", DType{FAIRWAY_INT32, 4})
      .Case("int64", DType{FAIRWAY_INT64, 8})
      .Case("uint8", DType{FAIRWAY_UINT8, 1})
      .Case("uint16", DType{FAIRWAY_UINT16, 2})
      .Case("uint32", DType{FAIRWAY_UINT32, 4})
      .Case("uint64", DType{FAIRWAY_UINT64, 8})
      .Case("float16", DType{FAIRWAY_FLOAT16, 2})
      .Case("bfloat16", DType{FAIRWAY_BFLOAT16, 2})
      .Case("float32", DType{FAIRWAY_FLOAT32, 4})
      .Case("float64", DType{FAIRWAY_FLOAT64, 8})
      .Default(std::nullopt);
}

/// Reads attributes, remembering only the first thing that is wrong.
class Reader {
public:
  explicit Reader(ModuleOp module) : module(module) {}

  bool failed() const { return hadError; }

  void error(const Twine &message) {
    if (!hadError)
      module.emitError("malformed plan: ") << message;
    hadError = true;
  }

  int64_t integer(DictionaryAttr dict, StringRef key, int64_t missing = 0) {
    Attribute attribute = dict.get(key);
    if (!attribute)
      return missing;
    if (auto value = dyn_cast<IntegerAttr>(attribute))
      return value.getValue().getSExtValue();
    error("'" + key + "' is not an integer");
    return missing;
  }

  bool flag(DictionaryAttr dict, StringRef key) {
    Attribute attribute = dict.get(key);
    if (auto value = dyn_cast_if_present<BoolAttr>(attribute))
      return value.getValue();
    return isa_and_present<UnitAttr>(attribute);
  }

  /// `[1, 2]` or `array<i64: 1, 2>`.
  SmallVector<int64_t> integers(Attribute attribute, StringRef what) {
    if (auto dense = dyn_cast_if_present<DenseI64ArrayAttr>(attribute))
      return SmallVector<int64_t>(dense.asArrayRef());
    SmallVector<int64_t> values;
    auto array = dyn_cast_if_present<ArrayAttr>(attribute);
    if (!array)
      error(what + " is not an array of integers");
    for (Attribute element : array ? array.getValue() : ArrayRef<Attribute>()) {
      auto value = dyn_cast<IntegerAttr>(element);
      if (!value)
        error(what + " is not an array of integers");
      values.push_back(value ? value.getValue().getSExtValue() : 0);
    }
    return values;
  }

  /// `[space, index, offset, bytes, written, first, last]`; a plan written by
  /// hand may leave out what follows the offset.
  BufferRef buffer(Attribute attribute) {
    SmallVector<int64_t> numbers = integers(attribute, "a step's buffer");
    bool whole = numbers.size() == 7;
    if ((!whole && numbers.size() != 3) || numbers[0] < 0 ||
        numbers[0] > FAIRWAY_SPACE_SIZES) {
      error("a step's buffer is not [space, index, offset] or that with "
            "[bytes, written, first, last]");
      return {};
    }
    BufferRef ref{uint32_t(numbers[0]), uint32_t(numbers[1]),
                  uint64_t(numbers[2])};
    ref.lastStep = std::numeric_limits<uint32_t>::max();
    if (whole) {
      ref.bytes = numbers[3];
      ref.written = numbers[4] != 0;
      ref.firstStep = numbers[5];
      ref.lastStep = numbers[6];
    }
    return ref;
  }

  std::vector<Dimension> dimensions(Attribute attribute) {
    std::vector<Dimension> result;
    auto array = dyn_cast_if_present<ArrayAttr>(attribute);
    for (Attribute element : array ? array.getValue() : ArrayRef<Attribute>()) {
      SmallVector<int64_t> numbers = integers(element, "a step's dimension");
      if (numbers.size() != 2 || numbers[1] < 1) {
        error("a step's dimension is not [extent, tile]");
        return result;
      }
      result.push_back({uint64_t(numbers[0]), uint64_t(numbers[1])});
    }
    return result;
  }

  Plan plan(StringRef name) {
    Plan plan;
    auto dict = module->getAttrOfType<DictionaryAttr>(name);
    if (!dict)
      return plan;
    plan.arenaBytes = integer(dict, "arena_bytes");
    plan.scratchBytes = integer(dict, "scratch_bytes");
    auto steps = dict.getAs<ArrayAttr>("steps");
    if (!steps)
      error("'" + name + "' has no steps");
    for (Attribute element : steps ? steps.getValue() : ArrayRef<Attribute>()) {
      auto fields = dyn_cast<DictionaryAttr>(element);
      auto kernel =
          fields ? fields.getAs<FlatSymbolRefAttr>("kernel") : nullptr;
      auto buffers = fields ? fields.getAs<ArrayAttr>("buffers") : nullptr;
      if (!kernel || !buffers) {
        error("a step has no kernel or no buffers");
        continue;
      }
      PlanStep step;
      step.kernel = kernel.getValue().str();
      for (Attribute attribute : buffers)
        step.buffers.push_back(buffer(attribute));
      step.barrier = flag(fields, "barrier");
      step.tiles = integer(fields, "tiles", 1);
      step.flops = integer(fields, "flops");
      step.bytes = integer(fields, "bytes");
      step.dimensions = dimensions(fields.get("dimensions"));
      if (auto config = fields.getAs<KernelConfigAttr>("config"))
        step.config = printConfig(config);
      plan.steps.push_back(std::move(step));
    }
    auto allocations = dict.getAs<ArrayAttr>("allocations");
    for (Attribute element :
         allocations ? allocations.getValue() : ArrayRef<Attribute>()) {
      SmallVector<int64_t> numbers = integers(element, "an allocation");
      if (numbers.size() == 3)
        plan.allocations.push_back(
            {uint64_t(numbers[0]), uint32_t(numbers[1]), uint32_t(numbers[2])});
      else
        error("an allocation is not [bytes, first meeting, last meeting]");
    }
    // Buffers of unknown lifetime live as long as the plan.
    uint32_t last = plan.steps.empty() ? 0 : plan.steps.size() - 1;
    for (PlanStep &step : plan.steps)
      for (BufferRef &ref : step.buffers)
        ref.lastStep = std::min(ref.lastStep, last);
    return plan;
  }

  std::vector<Varying> varying() {
    std::vector<Varying> result;
    auto array = module->getAttrOfType<ArrayAttr>("fairway.varying");
    for (Attribute element : array ? array.getValue() : ArrayRef<Attribute>()) {
      SmallVector<int64_t> numbers = integers(element, "what varies");
      if (numbers.size() != 4) {
        error("what varies is not [field, expression, index, part]");
        return result;
      }
      result.push_back({uint32_t(numbers[0]), uint32_t(numbers[1]),
                        uint32_t(numbers[2]), uint32_t(numbers[3])});
    }
    return result;
  }

  std::vector<TensorDesc> tensors(StringRef name) {
    std::vector<TensorDesc> descs;
    auto array = module->getAttrOfType<ArrayAttr>(name);
    for (Attribute element : array ? array.getValue() : ArrayRef<Attribute>()) {
      auto dict = dyn_cast<DictionaryAttr>(element);
      auto tensorName = dict ? dict.getAs<StringAttr>("name") : nullptr;
      auto dtypeName = dict ? dict.getAs<StringAttr>("dtype") : nullptr;
      auto dtype = dtypeName ? parseDType(dtypeName.getValue()) : std::nullopt;
      if (!tensorName || !dtype) {
        error("a tensor of '" + name + "' has no name or no known dtype");
        continue;
      }
      TensorDesc desc;
      desc.name = tensorName.getValue().str();
      desc.dtype = dtype->number;
      desc.shape = integers(dict.get("shape"), "a tensor's shape");
      desc.bytes = dtype->bytes;
      for (int64_t extent : desc.shape)
        desc.bytes *= extent;
      desc.parameter = integer(dict, "parameter", -1);
      desc.prepared = integer(dict, "prepared", -1);
      descs.push_back(std::move(desc));
    }
    return descs;
  }

private:
  ModuleOp module;
  bool hadError = false;
};

} // namespace

/// Describes the model at the sizes that it is made fastest for, which are
/// within its ranges; the samples' need not be.
static LogicalResult describeAtHints(ModelPlan &plan) {
  SmallVector<int64_t> hints =
      llvm::map_to_vector(plan.sizes, [](const Size &size) {
        return std::clamp(size.hint, size.minimum, size.maximum);
      });
  auto resize = [](TensorDesc &desc, uint32_t dim, int64_t extent) {
    desc.bytes = desc.bytes / uint64_t(desc.shape[dim]) * uint64_t(extent);
    desc.shape[dim] = extent;
  };
  uint64_t scratch = 0;
  for (const Varying &field : plan.varying) {
    std::optional<int64_t> value =
        field.expression < plan.expressions.size()
            ? plan.expressions[field.expression].at(hints)
            : std::nullopt;
    if (!value)
      return failure();
    auto [index, part] = std::pair(field.index, field.part);
    switch (fairway_field(field.field)) {
    case FAIRWAY_INPUT_EXTENT:
      resize(plan.inputs[index], part, *value);
      break;
    case FAIRWAY_OUTPUT_EXTENT:
      resize(plan.outputs[index], part, *value);
      break;
    case FAIRWAY_ALLOCATION_BYTES:
      plan.run.allocations[index].bytes = *value;
      break;
    case FAIRWAY_BUFFER_OFFSET:
      plan.run.steps[index].buffers[part].offset = *value;
      break;
    case FAIRWAY_BUFFER_BYTES:
      plan.run.steps[index].buffers[part].bytes = *value;
      break;
    case FAIRWAY_STEP_FLOPS:
      plan.run.steps[index].flops = *value;
      break;
    case FAIRWAY_STEP_BYTES:
      plan.run.steps[index].bytes = *value;
      break;
    case FAIRWAY_STEP_EXTENT:
      plan.run.steps[index].dimensions[part].extent = *value;
      break;
    case FAIRWAY_SCRATCH_BYTES:
      scratch = std::max<uint64_t>(scratch, *value);
      break;
    }
  }
  if (!plan.varying.empty())
    plan.run.scratchBytes = scratch;
  return success();
}

bool fairway::hasPlan(ModuleOp module) {
  return module->hasAttrOfType<DictionaryAttr>("fairway.run");
}

FailureOr<ModelPlan> fairway::readModelPlan(ModuleOp module) {
  Reader reader(module);
  if (!hasPlan(module))
    reader.error("the module has no 'fairway.run'");
  ModelPlan plan;
  plan.run = reader.plan("fairway.run");
  plan.prepare = reader.plan("fairway.prepare");
  plan.inputs = reader.tensors("fairway.inputs");
  plan.outputs = reader.tensors("fairway.outputs");
  plan.parameters = reader.tensors("fairway.parameters");
  plan.constants = reader.tensors("fairway.constants");
  for (const TensorDesc &constant : plan.constants)
    if ((constant.parameter < 0) == (constant.prepared < 0))
      reader.error("constant '" + constant.name +
                   "' must be either a parameter or prepared");
  FailureOr<SmallVector<Size, 2>> sizes = readSizes(module);
  FailureOr<std::vector<Polynomial>> expressions = readExpressions(module);
  if (failed(sizes) || failed(expressions))
    return failure();
  plan.sizes = std::move(*sizes);
  plan.expressions = std::move(*expressions);
  plan.varying = reader.varying();
  if (!reader.failed() && failed(describeAtHints(plan)))
    reader.error("what varies has no value at the sizes' hints");
  if (Attribute slice = module->getAttr(kSliceAttr)) {
    SmallVector<int64_t> numbers = reader.integers(slice, "the slices");
    if (numbers.size() != 2)
      reader.error("the slices are not [size, samples]");
    else
      std::tie(plan.slicedSize, plan.slice) =
          std::pair(uint32_t(numbers[0]), numbers[1]);
  }
  if (reader.failed())
    return failure();
  return plan;
}
