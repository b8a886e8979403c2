//===- Driver.cpp - all stages in a row
//------------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Dumps.h"
#include "fairway/Compiler.h"
#include "fairway/Graph/Passes.h"
#include "fairway/Kernel/Passes.h"
#include "fairway/Kernel/Variants.h"
#include "fairway/Plan/Passes.h"
#include "fairway/Support/CrashGuard.h"
#include "fairway/Support/Sizes.h"
#include "fairway/Target/CPU.h"
#include "fairway/Target/CompileError.h"
#include "fairway/Target/Passes.h"
#include "fairway/Target/PlanAttributes.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/JSON.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using fairway::CompileError;

namespace {

class Driver {
public:
  Driver(ModuleOp module, const fairway::CompileOptions &options,
         fairway::ProgressFn progress)
      : module(module), options(options), progress(progress),
        dumps(options.dumpDir), open(!fairway::getSamples(module).empty()) {}

  llvm::Expected<llvm::SmallVector<char, 0>> run();
  llvm::Expected<std::string> listVariants(unsigned count);

private:
  /// Looks up the machine and begins to dump.
  llvm::Error begin();

  /// Kernels as tensor code, called by @main and @prepare.
  llvm::Error cut();

  /// Kernels as loops over buffers.
  llvm::Error generate();

  /// The order of kernels and their memory; of samples, what they agree on.
  llvm::Error plan();

  llvm::Error start(StringRef stage) {
    if (progress(stage))
      return llvm::Error::success();
    return llvm::make_error<CompileError>(CompileError::Kind::Cancelled,
                                          "cancelled", "", stage.str());
  }

  /// Runs the passes that `build` adds.
  llvm::Error passes(StringRef name,
                     llvm::function_ref<void(OpPassManager &)> build);

  /// The same with the ceremony of a stage.
  llvm::Error stage(StringRef name,
                    llvm::function_ref<void(OpPassManager &)> build) {
    if (llvm::Error error = start(name))
      return error;
    if (llvm::Error error = passes(name, build))
      return error;
    return dumps.write(module, name);
  }

  ModuleOp module;
  const fairway::CompileOptions &options;
  fairway::ProgressFn progress;
  fairway::CpuTraits traits;
  fairway::MachineDescription description;
  fairway::Dumps dumps;
  bool open; ///< the module holds samples of a model of open sizes
};

} // namespace

llvm::Error Driver::passes(StringRef name,
                           llvm::function_ref<void(OpPassManager &)> build) {
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  build(manager);
  if (llvm::Error error = dumps.writeScript(name, manager))
    return error;
  fairway::DiagnosticCollector diagnostics(module.getContext());
  if (failed(manager.run(module)))
    return diagnostics.take(name, "the stage failed without saying why");
  return llvm::Error::success();
}

llvm::Error Driver::begin() {
  auto machine = fairway::createTargetMachine(options);
  if (!machine)
    return machine.takeError();
  traits = fairway::getCpuTraits(**machine);
  auto described = fairway::describeMachine(options, /*host=*/false);
  if (!described)
    return described.takeError();
  description = *described;
  if (llvm::Error error = dumps.begin())
    return error;
  return dumps.write(module, "program");
}

llvm::Error Driver::cut() {
  // What this refuses is the model's fault, what comes later is ours.
  if (llvm::Error error = passes("verify", [&](OpPassManager &manager) {
        OpPassManager &programs = open ? manager.nest<ModuleOp>() : manager;
        programs.addPass(fairway::createUnrollLoops());
        programs.addPass(fairway::createVerifyContract());
      }))
    return error;
  if (llvm::Error error = start("graph"))
    return error;
  if (llvm::Error error = passes("graph", [&](OpPassManager &manager) {
        fairway::GraphOptions graph;
        graph.machine = description;
        graph.threads = options.threads;
        if (open)
          fairway::buildSamplesGraphPipeline(manager, graph);
        else
          fairway::buildGraphPipeline(manager, graph);
      }))
    return error;
  fairway::DiagnosticCollector diagnostics(module.getContext());
  // Samples' kernels are not tuned: measured would be those for one size.
  if (!open && failed(fairway::applyConfigs(module, options.configs)))
    return diagnostics.take("configs", "a configuration cannot be used");
  return dumps.write(module, "graph");
}

llvm::Error Driver::generate() {
  return stage("kernel", [&](OpPassManager &manager) {
    fairway::KernelOptions kernel;
    kernel.machine = description;
    kernel.threads = options.threads;
    if (open)
      fairway::buildSamplesKernelPipeline(manager, kernel);
    else
      fairway::buildKernelPipeline(manager, kernel);
  });
}

llvm::Error Driver::plan() {
  // @main and @prepare as data.
  if (!open)
    return stage("plan", fairway::buildPlanPipeline);
  if (llvm::Error error = stage("plan", fairway::buildSamplesPlanPipeline))
    return error;
  return stage("merged", [&](OpPassManager &manager) {
    fairway::KernelOptions kernel;
    kernel.machine = description;
    kernel.threads = options.threads;
    fairway::buildMergedKernelPipeline(manager, kernel);
  });
}

llvm::Expected<llvm::SmallVector<char, 0>> Driver::run() {
  if (llvm::Error error = begin())
    return std::move(error);
  if (!fairway::hasPlan(module)) {
    if (llvm::Error error = cut())
      return std::move(error);
    if (llvm::Error error = generate())
      return std::move(error);
    if (llvm::Error error = plan())
      return std::move(error);
  }
  // Kernels in the LLVM dialect.
  if (llvm::Error error = stage("llvm", [&](OpPassManager &manager) {
        fairway::LowerToLLVMOptions lower;
        lower.fma = traits.fma;
        fairway::buildLowerToLLVMPipeline(manager, lower);
      }))
    return std::move(error);
  // Machine code.
  if (llvm::Error error = start("object"))
    return std::move(error);
  fairway::DiagnosticCollector diagnostics(module.getContext());
  auto object = fairway::emitObject(module, options, description);
  // What MLIR says of an operation says more than that translation failed.
  if (object || (object.errorIsA<CompileError>() && !diagnostics.hasError()))
    return object;
  return diagnostics.take("object", toString(object.takeError()));
}

llvm::Expected<std::string> Driver::listVariants(unsigned count) {
  if (llvm::Error error = begin())
    return std::move(error);
  if (llvm::Error error = cut())
    return std::move(error);
  llvm::json::Array list;
  for (auto kernel : module.getOps<func::FuncOp>()) {
    if (!kernel->hasAttr("fairway.kernel") || kernel.isExternal())
      continue;
    // As the tiling pass sees it: behind the pass before it.
    OwningOpRef<ModuleOp> alone = ModuleOp::create(module.getLoc());
    OpBuilder builder = OpBuilder::atBlockEnd(alone->getBody());
    auto copy = cast<func::FuncOp>(builder.clone(*kernel));
    PassManager manager(module.getContext(), ModuleOp::getOperationName());
    manager.addNestedPass<func::FuncOp>(fairway::createFillBorders());
    fairway::DiagnosticCollector diagnostics(module.getContext());
    if (failed(manager.run(*alone)))
      return diagnostics.take("kernel", "the stage failed without saying why");
    llvm::json::Array tiles;
    for (ArrayRef<int64_t> tile :
         fairway::rankTiles(copy, description, options.threads, count))
      tiles.push_back(llvm::json::Array(tile));
    list.push_back(llvm::json::Object{
        {"kernel", kernel.getName()},
        {"id", fairway::getKernelId(kernel)},
        {"tiles", std::move(tiles)},
    });
  }
  if (llvm::Error error = generate())
    return std::move(error);
  for (llvm::json::Value &value : list) {
    llvm::json::Object &fields = *value.getAsObject();
    auto kernel =
        module.lookupSymbol<func::FuncOp>(*fields.getString("kernel"));
    fairway::KernelConfigAttr config = fairway::getConfig(kernel);
    fields["config"] = fairway::printConfig(config);
    // Not a shape that tiling handles: it was left whole.
    llvm::json::Array &tiles = *fields.getArray("tiles");
    if (!tiles.empty() && config.getTile() && config.getTile().empty() &&
        !tiles.front().getAsArray()->empty())
      tiles.clear();
  }
  return llvm::formatv("{0}", llvm::json::Value(std::move(list))).str();
}

llvm::Expected<OwningOpRef<ModuleOp>>
fairway::parseProgram(StringRef text, MLIRContext &context) {
  DiagnosticCollector diagnostics(&context);
  // An operation of an unknown dialect gets to the graph's verifier, which
  // names it with its place in the user's model.
  bool allowed = context.allowsUnregisteredDialects();
  context.allowUnregisteredDialects(true);
  OwningOpRef<ModuleOp> module;
  // Some of MLIR's parsers crash on text that is wrong in the right place
  // (linalg.broadcast's on a bad list of dimensions).
  bool survived = runSafely(
      [&] { module = parseSourceString<ModuleOp>(text, &context, "program"); });
  context.allowUnregisteredDialects(allowed);
  if (!survived || !module)
    return diagnostics.take("parse", "the module's text cannot be parsed");
  return module;
}

llvm::Expected<llvm::SmallVector<char, 0>>
fairway::compileToObject(ModuleOp module, const CompileOptions &options,
                         ProgressFn progress) {
  return Driver(module, options, progress).run();
}

llvm::Expected<std::string> fairway::listVariants(ModuleOp module,
                                                  const CompileOptions &options,
                                                  unsigned count,
                                                  ProgressFn progress) {
  return Driver(module, options, progress).listVariants(count);
}
