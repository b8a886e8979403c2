//===- EmitObject.cpp - from the LLVM dialect to objects ------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each kernel is translated, optimised and turned into an object on its own,
// on all of the context's threads. What comes out is the same on any number of
// them.
//
//===----------------------------------------------------------------------===//
#include "MachineCode.h"
#include "SplitModule.h"
#include "fairway/Support/CrashGuard.h"
#include "fairway/Target/CPU.h"
#include "fairway/Target/CompileError.h"
#include "fairway/Target/PlanAttributes.h"

#include "mlir/IR/Threading.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;
using fairway::CompileError;

namespace {

/// One member of the archive, or why there is none.
struct Member {
  std::string name;
  SmallVector<char, 0> object;
  std::string failure, where;
};

class Emitter {
public:
  Emitter(const fairway::CompileOptions &options,
          const fairway::MachineDescription &description)
      : options(options), vectorBits(description.vectorBits) {}

  /// Emits what `fill` makes, which gets the context and the machine.
  using Fill = function_ref<Expected<std::unique_ptr<Module>>(LLVMContext &,
                                                              TargetMachine &)>;
  Member emit(StringRef name, std::string where, Fill fill) const;

private:
  Expected<SmallVector<char, 0>> generate(StringRef name, Fill fill) const;

  const fairway::CompileOptions &options;
  int64_t vectorBits;
};

} // namespace

Expected<SmallVector<char, 0>> Emitter::generate(StringRef name,
                                                 Fill fill) const {
  auto machine = fairway::createTargetMachine(options);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto module = fill(context, **machine);
  if (!module)
    return module.takeError();
  return fairway::generateCode(**module, **machine, options, vectorBits, name);
}

Member Emitter::emit(StringRef name, std::string where, Fill fill) const {
  Member member{name.str(), {}, "", std::move(where)};
  std::string reason;
  bool survived = fairway::runSafely(
      [&] {
        auto object = generate(name, fill);
        if (object)
          member.object = std::move(*object);
        else
          member.failure = toString(object.takeError());
      },
      &reason);
  if (!survived)
    member.failure = reason.empty() ? "LLVM crashed" : reason;
  return member;
}

Expected<SmallVector<char, 0>>
fairway::emitObject(mlir::ModuleOp module, const CompileOptions &options,
                    const MachineDescription &description) {
  mlir::FailureOr<ModelPlan> plan = readModelPlan(module);
  if (failed(plan))
    return createStringError("the module carries no valid plan");
  SmallVector<KernelPart> parts = findKernelParts(module);
  // The longest first, so that no thread is left alone with one at the end.
  SmallVector<size_t> order = to_vector(seq(parts.size()));
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::pair(parts[b].operations, a) <
           std::pair(parts[a].operations, b);
  });

  Emitter emitter(options, description);
  std::vector<Member> members(parts.size());
  CrashGuard guard; // once, not switched on and off by every thread
  mlir::parallelForEach(module.getContext(), order, [&](size_t index) {
    KernelPart &part = parts[index];
    members[index] = emitter.emit(
        part.kernel.getName(), describeLocation(part.kernel.getLoc()),
        [&](LLVMContext &context,
            TargetMachine &) -> Expected<std::unique_ptr<Module>> {
          auto copy = copyPart(part);
          auto code = mlir::translateModuleToLLVMIR(*copy, context,
                                                    part.kernel.getName());
          if (!code)
            return createStringError("translation to LLVM IR failed");
          return code;
        });
  });
  StringSet<> kernels;
  for (KernelPart &part : parts)
    kernels.insert(part.kernel.getName());
  members.push_back(emitter.emit(
      "descriptor", "",
      [&](LLVMContext &context,
          TargetMachine &machine) -> Expected<std::unique_ptr<Module>> {
        auto code = std::make_unique<Module>("descriptor", context);
        code->setTargetTriple(machine.getTargetTriple());
        code->setDataLayout(machine.createDataLayout());
        if (Error error = addDescriptor(*code, *plan, kernels, options,
                                        getCpuTraits(machine)))
          return std::move(error);
        return code;
      }));

  std::vector<NewArchiveMember> files;
  for (Member &member : members) {
    // The first one in the module's order, whichever thread was faster.
    if (!member.failure.empty())
      return make_error<CompileError>(CompileError::Kind::Internal,
                                      "no code can be generated for '" +
                                          member.name + "': " + member.failure,
                                      member.where, "object");
    files.emplace_back(MemoryBufferRef(
        StringRef(member.object.data(), member.object.size()), member.name));
  }
  auto archive = writeArchiveToBuffer(files, SymtabWritingMode::NormalSymtab,
                                      object::Archive::K_GNU,
                                      /*Deterministic=*/true, /*Thin=*/false);
  if (!archive)
    return archive.takeError();
  StringRef bytes = (*archive)->getBuffer();
  return SmallVector<char, 0>(bytes.begin(), bytes.end());
}
