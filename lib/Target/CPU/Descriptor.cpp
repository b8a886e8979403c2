//===- Descriptor.cpp - the constant that describes an artefact
//------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// artefact.h's structures as LLVM constants. Every field of every structure is
// written here in the header's order, and the sizes are compared.
//
//===----------------------------------------------------------------------===//
#include "fairway/Runtime/artefact.h"
#include "fairway/Target/CPU.h"
#include "fairway/Target/PlanAttributes.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/GlobalVariable.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MathExtras.h"

#include <map>

using namespace llvm;
using fairway::BufferRef;
using fairway::PlanStep;
using fairway::TensorDesc;

namespace {

class DescriptorBuilder {
public:
  DescriptorBuilder(Module &module, const StringSet<> &kernels,
                    const fairway::CompileOptions &options,
                    const fairway::CpuTraits &traits)
      : module(module), kernels(kernels), options(options), traits(traits),
        context(module.getContext()), pointer(PointerType::getUnqual(context)) {
  }

  Error build(const fairway::ModelPlan &plan);

private:
  Constant *i32(uint32_t value) {
    return ConstantInt::get(Type::getInt32Ty(context), value);
  }
  Constant *i64(uint64_t value) {
    return ConstantInt::get(Type::getInt64Ty(context), value);
  }
  Constant *null() { return ConstantPointerNull::get(pointer); }

  /// A private constant in memory.
  Constant *store(Constant *value) {
    auto *global = new GlobalVariable(module, value->getType(), true,
                                      GlobalValue::PrivateLinkage, value);
    global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
    return global;
  }

  /// A C string, each different one once.
  Constant *string(StringRef text) {
    Constant *&known = strings[text.str()];
    if (!known)
      known = store(ConstantDataArray::getString(context, text));
    return known;
  }

  /// The address of an array of equal structures, NULL if empty.
  Constant *array(ArrayRef<Constant *> elements) {
    if (elements.empty())
      return null();
    auto *type = ArrayType::get(elements[0]->getType(), elements.size());
    return store(ConstantArray::get(type, elements));
  }

  /// A structure with C's layout; `size` is what C says it is.
  Constant *structure(ArrayRef<Constant *> fields, size_t size) {
    Constant *value = ConstantStruct::getAnon(context, fields);
    if (module.getDataLayout().getTypeAllocSize(value->getType()) != size)
      layoutDiffers = true;
    return value;
  }

  Constant *tensor(const TensorDesc &desc);
  Constant *tensors(ArrayRef<TensorDesc> descs);
  Constant *buffer(const BufferRef &ref);
  Constant *step(const PlanStep &step);
  Constant *plan(const fairway::Plan &plan);
  Constant *expression(const fairway::Polynomial &polynomial);

  Module &module;
  const StringSet<> &kernels;
  const fairway::CompileOptions &options;
  const fairway::CpuTraits &traits;
  LLVMContext &context;
  PointerType *pointer;
  std::map<std::string, Constant *> strings;
  std::string missingKernel;
  bool layoutDiffers = false;
};

} // namespace

Constant *DescriptorBuilder::tensor(const TensorDesc &desc) {
  SmallVector<Constant *> extents;
  for (int64_t extent : desc.shape)
    extents.push_back(i64(extent));
  return structure({string(desc.name), i32(desc.dtype), i32(desc.shape.size()),
                    array(extents), i64(desc.bytes)},
                   sizeof(fairway_tensor_desc));
}

Constant *DescriptorBuilder::tensors(ArrayRef<TensorDesc> descs) {
  SmallVector<Constant *> elements;
  for (const TensorDesc &desc : descs)
    elements.push_back(tensor(desc));
  return array(elements);
}

Constant *DescriptorBuilder::buffer(const BufferRef &ref) {
  return structure({i32(ref.space), i32(ref.index), i64(ref.offset),
                    i64(ref.bytes),
                    i32(ref.written ? FAIRWAY_BUFFER_WRITTEN : 0),
                    i32(ref.firstStep), i32(ref.lastStep), i32(0)},
                   sizeof(fairway_buffer_ref));
}

Constant *DescriptorBuilder::step(const PlanStep &step) {
  if (!kernels.contains(step.kernel)) {
    missingKernel = step.kernel;
    return nullptr;
  }
  auto *type = FunctionType::get(Type::getVoidTy(context), false);
  auto *kernel =
      cast<Function>(module.getOrInsertFunction(step.kernel, type).getCallee());
  kernel->setVisibility(GlobalValue::HiddenVisibility);
  SmallVector<Constant *> buffers;
  for (const BufferRef &ref : step.buffers)
    buffers.push_back(buffer(ref));
  SmallVector<Constant *> dimensions;
  for (const fairway::Dimension &dimension : step.dimensions)
    dimensions.push_back(structure({i64(dimension.extent), i64(dimension.tile)},
                                   sizeof(fairway_dimension)));
  return structure({string(step.kernel), kernel, array(buffers),
                    i32(buffers.size()),
                    i32(step.barrier ? FAIRWAY_STEP_BARRIER : 0),
                    i64(step.tiles), i64(step.flops), i64(step.bytes),
                    array(dimensions), i32(dimensions.size()), i32(0),
                    step.config.empty() ? null() : string(step.config)},
                   sizeof(fairway_step));
}

Constant *DescriptorBuilder::plan(const fairway::Plan &plan) {
  SmallVector<Constant *> steps;
  for (const PlanStep &planned : plan.steps)
    if (Constant *value = step(planned))
      steps.push_back(value);
  SmallVector<Constant *> allocations;
  for (const fairway::Allocation &part : plan.allocations)
    allocations.push_back(structure(
        {i64(part.bytes), i32(part.firstMeeting), i32(part.lastMeeting)},
        sizeof(fairway_allocation)));
  return structure({array(steps), i64(steps.size()), i64(plan.arenaBytes),
                    i64(plan.scratchBytes), array(allocations),
                    i64(allocations.size())},
                   sizeof(fairway_plan));
}

Constant *DescriptorBuilder::expression(const fairway::Polynomial &polynomial) {
  SmallVector<Constant *> terms;
  for (const fairway::Polynomial::Term &term : polynomial.terms) {
    SmallVector<uint8_t> powers(term.powers.begin(), term.powers.end());
    powers.resize(FAIRWAY_MAX_SIZES);
    terms.push_back(structure(
        {i64(term.coefficient), ConstantDataArray::get(context, powers)},
        sizeof(fairway_term)));
  }
  return structure({array(terms), i64(terms.size())},
                   sizeof(fairway_expression));
}

Error DescriptorBuilder::build(const fairway::ModelPlan &plan) {
  SmallVector<Constant *> constants;
  uint64_t weightsEnd = 0;
  uint32_t prepared = 0;
  for (const TensorDesc &desc : plan.constants) {
    uint64_t offset = alignTo(weightsEnd, FAIRWAY_BUFFER_ALIGNMENT);
    weightsEnd = offset + desc.bytes;
    prepared = std::max<int64_t>(prepared, int64_t(desc.prepared) + 1);
    constants.push_back(structure(
        {tensor(desc), i32(desc.parameter), i32(desc.prepared), i64(offset)},
        sizeof(fairway_constant_desc)));
  }
  SmallVector<Constant *> sizes, expressions, varying;
  for (const fairway::Size &size : plan.sizes)
    sizes.push_back(
        structure({string(size.name), i64(size.minimum), i64(size.maximum)},
                  sizeof(fairway_size)));
  for (const fairway::Polynomial &expression : plan.expressions)
    expressions.push_back(this->expression(expression));
  for (const fairway::Varying &field : plan.varying)
    varying.push_back(structure({i32(field.field), i32(field.expression),
                                 i32(field.index), i32(field.part)},
                                sizeof(fairway_varying)));
  // Defined by the weights' object if one is linked, else the address is NULL.
  auto *weights = new GlobalVariable(
      module, ArrayType::get(Type::getInt8Ty(context), 0), true,
      GlobalValue::ExternalWeakLinkage, nullptr, "fairway_weights");
  weights->setVisibility(GlobalValue::HiddenVisibility);

  Constant *value =
      structure({i32(FAIRWAY_ARTEFACT_MAGIC),
                 i32(FAIRWAY_ARTEFACT_ABI),
                 string(options.fairwayVersion),
                 string(module.getTargetTriple().str()),
                 string(options.cpu),
                 string(traits.required),
                 tensors(plan.inputs),
                 tensors(plan.outputs),
                 tensors(plan.parameters),
                 array(constants),
                 i32(plan.inputs.size()),
                 i32(plan.outputs.size()),
                 i32(plan.parameters.size()),
                 i32(plan.constants.size()),
                 i32(prepared),
                 i32(0),
                 this->plan(plan.run),
                 this->plan(plan.prepare),
                 options.metadata.empty() ? null() : string(options.metadata),
                 i64(options.metadata.size()),
                 weights,
                 i64(weightsEnd),
                 array(sizes),
                 array(expressions),
                 array(varying),
                 i32(sizes.size()),
                 i32(expressions.size()),
                 i64(varying.size()),
                 i64(plan.slice),
                 i32(plan.slicedSize),
                 i32(0)},
                sizeof(fairway_artefact_t));
  if (!missingKernel.empty())
    return createStringError("the plan calls '" + missingKernel +
                             "', which is no kernel of the module");
  if (layoutDiffers)
    return createStringError("the target lays structures out differently");
  auto *artefact = new GlobalVariable(module, value->getType(), true,
                                      GlobalValue::ExternalLinkage, value,
                                      "fairway_artefact");
  artefact->setDSOLocal(true);
  artefact->setAlignment(Align(8));
  return Error::success();
}

Error fairway::addDescriptor(Module &module, const ModelPlan &plan,
                             const StringSet<> &kernels,
                             const CompileOptions &options,
                             const CpuTraits &traits) {
  return DescriptorBuilder(module, kernels, options, traits).build(plan);
}
