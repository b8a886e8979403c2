//===- MachineCode.cpp - one LLVM module to one object --------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MachineCode.h"

#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

namespace {

/// Keeps what LLVM would print, or end the process for.
class ErrorKeeper : public DiagnosticHandler {
public:
  explicit ErrorKeeper(std::string &first) : first(first) {}

  bool handleDiagnostics(const DiagnosticInfo &info) override {
    if (info.getSeverity() == DS_Error && first.empty()) {
      raw_string_ostream stream(first);
      DiagnosticPrinterRawOStream printer(stream);
      info.print(printer);
    }
    return true;
  }

private:
  std::string &first;
};

/// What each function must say so that the optimiser and the code generator
/// work for the same processor.
void addFunctionAttributes(Module &module, const TargetMachine &machine,
                           int64_t vectorBits) {
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    if (!machine.getTargetFeatureString().empty())
      function.addFnAttr("target-features", machine.getTargetFeatureString());
    function.addFnAttr("no-trapping-math", "true");
    // Kernels are written for this width; LLVM would halve 512 on some.
    function.addFnAttr("prefer-vector-width", utostr(vectorBits));
    function.addFnAttr(Attribute::MustProgress);
    // A fill or copy loop stays a loop: as a call of the C library it would
    // look so cheap to the unroller that thousands of stores come of it, which
    // cost half a minute in the scheduler.
    function.addFnAttr("no-builtin-memset");
    function.addFnAttr("no-builtin-memcpy");
    function.addFnAttr("no-builtin-memmove");
  }
}

void optimize(Module &module, TargetMachine &machine, unsigned level) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = level >= 2;
  PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  constexpr const OptimizationLevel *levels[] = {
      &OptimizationLevel::O0, &OptimizationLevel::O1, &OptimizationLevel::O2,
      &OptimizationLevel::O3};
  const OptimizationLevel &chosen = *levels[std::min(level, 3u)];
  ModulePassManager pipeline =
      level == 0 ? builder.buildO0DefaultPipeline(chosen)
                 : builder.buildPerModuleDefaultPipeline(chosen);
  pipeline.run(module, modules);
}

/// Writes `module` to `name`.ll in the folder `stage` of the dumps.
Error dump(const Module &module, StringRef folder, StringRef stage,
           StringRef name) {
  if (folder.empty())
    return Error::success();
  SmallString<128> path(folder);
  sys::path::append(path, stage);
  if (std::error_code code = sys::fs::create_directories(path))
    return createFileError(path, code);
  sys::path::append(path, name + ".ll");
  std::error_code code;
  raw_fd_ostream stream(path, code);
  if (code)
    return createFileError(path, code);
  module.print(stream, nullptr);
  return Error::success();
}

} // namespace

Expected<SmallVector<char, 0>>
fairway::generateCode(Module &module, TargetMachine &machine,
                      const CompileOptions &options, int64_t vectorBits,
                      StringRef name) {
  std::string problem;
  module.getContext().setDiagnosticHandler(
      std::make_unique<ErrorKeeper>(problem));
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  addFunctionAttributes(module, machine, vectorBits);
  if (Error error = dump(module, options.dumpDir, "05-llvm", name))
    return std::move(error);
  std::string broken;
  raw_string_ostream brokenStream(broken);
  if (verifyModule(module, &brokenStream))
    return createStringError("invalid LLVM IR: " + broken);

  optimize(module, machine, options.optLevel);
  if (Error error = dump(module, options.dumpDir, "06-optimized", name))
    return std::move(error);

  SmallVector<char, 0> object;
  raw_svector_ostream stream(object);
  legacy::PassManager codegen;
  if (machine.addPassesToEmitFile(codegen, stream, nullptr,
                                  CodeGenFileType::ObjectFile))
    return createStringError("this target cannot emit object files");
  codegen.run(module);
  if (!problem.empty())
    return createStringError(problem);
  return object;
}
