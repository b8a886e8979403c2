//===- Compiler.cpp - C API: compile and link -----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/CAPI/Compiler.h"
#include "fairway/Compiler.h"
#include "fairway/Support/Registration.h"
#include "fairway/Target/CPU.h"
#include "fairway/Target/CompileError.h"

#include "mlir/CAPI/Support.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Target/TargetMachine.h"

#include <cstdlib>
#include <cstring>
#ifdef __GLIBC__
#include <malloc.h>
#endif

using fairway::CompileError;

static FairwayStatus statusOf(CompileError::Kind kind) {
  switch (kind) {
  case CompileError::Kind::UnsupportedOp:
    return FairwayStatusUnsupportedOp;
  case CompileError::Kind::InvalidModel:
    return FairwayStatusInvalidModel;
  case CompileError::Kind::InvalidArgument:
    return FairwayStatusInvalidArgument;
  case CompileError::Kind::Cancelled:
    return FairwayStatusCancelled;
  case CompileError::Kind::Internal:
    return FairwayStatusInternal;
  }
  return FairwayStatusInternal;
}

/// Turns an LLVM error into the C API's.
static FairwayStatus report(llvm::Error failure, FairwayError *error) {
  FairwayStatus status = FairwayStatusOk;
  auto fill = [&](const std::string &message, const std::string &where,
                  const std::string &stage) {
    fairwayErrorFree(error);
    *error = {strdup(message.c_str()), strdup(where.c_str()),
              strdup(stage.c_str())};
  };
  llvm::handleAllErrors(
      std::move(failure),
      [&](const CompileError &known) {
        status = statusOf(known.kind);
        fill(known.message, known.where, known.stage);
      },
      [&](const llvm::ErrorInfoBase &other) {
        status = FairwayStatusFailed;
        fill(other.message(), "", "");
      });
  return status;
}

static void setIfGiven(std::string &option, MlirStringRef value) {
  if (value.length)
    option.assign(value.data, value.length);
}

static fairway::CompileOptions
unwrapOptions(const FairwayCompileOptions &given) {
  fairway::CompileOptions options;
  setIfGiven(options.triple, given.triple);
  setIfGiven(options.cpu, given.cpu);
  setIfGiven(options.features, given.features);
  setIfGiven(options.dumpDir, given.dumpDir);
  setIfGiven(options.fairwayVersion, given.version);
  setIfGiven(options.metadata, given.metadata);
  setIfGiven(options.machine, given.machine);
  setIfGiven(options.configs, given.configs);
  options.threads = given.threads;
  options.optLevel = given.optLevel;
  return options;
}

void fairwayErrorFree(FairwayError *error) {
  std::free(error->message);
  std::free(error->where);
  std::free(error->stage);
  *error = {nullptr, nullptr, nullptr};
}

/// Parses `text` in a context of its own and calls `work` with the module, the
/// options and the progress function; what it returns, a string or bytes, goes
/// to `result`.
template <typename Work>
static FairwayStatus
withModule(MlirStringRef text, const FairwayCompileOptions &given,
           FairwayProgressCallback progress, void *progressData, Work work,
           MlirStringCallback result, void *resultData, FairwayError *error) {
  *error = {nullptr, nullptr, nullptr};
  fairway::CompileOptions options = unwrapOptions(given);
  auto goOn = [&](llvm::StringRef stage) {
    return !progress || progress(wrap(stage), progressData);
  };
  // Declared before the context, so that it acts when that is gone.
  auto giveBack = llvm::scope_exit([] {
#ifdef __GLIBC__
    // Else tens of megabytes of small blocks stay with the process.
    malloc_trim(0);
#endif
  });
  mlir::DialectRegistry registry;
  fairway::registerDialects(registry);
  mlir::MLIRContext context(registry);
  auto module = fairway::parseProgram(unwrap(text), context);
  if (!module)
    return report(module.takeError(), error);
  auto made = work(module->get(), options, goOn);
  if (!made)
    return report(made.takeError(), error);
  result(wrap(llvm::StringRef(made->data(), made->size())), resultData);
  return FairwayStatusOk;
}

FairwayStatus fairwayCompile(MlirStringRef text,
                             const FairwayCompileOptions *given,
                             FairwayProgressCallback progress,
                             void *progressData, MlirStringCallback object,
                             void *objectData, FairwayError *error) {
  return withModule(text, *given, progress, progressData,
                    fairway::compileToObject, object, objectData, error);
}

FairwayStatus fairwayListVariants(MlirStringRef text,
                                  const FairwayCompileOptions *given,
                                  unsigned count,
                                  FairwayProgressCallback progress,
                                  void *progressData, MlirStringCallback list,
                                  void *listData, FairwayError *error) {
  auto work = [count](mlir::ModuleOp module,
                      const fairway::CompileOptions &options,
                      fairway::ProgressFn goOn) {
    return fairway::listVariants(module, options, count, goOn);
  };
  return withModule(text, *given, progress, progressData, work, list, listData,
                    error);
}

FairwayStatus fairwayLinkShared(const MlirStringRef *objects,
                                intptr_t numObjects, MlirStringRef output,
                                uint64_t weightsBytes, uint64_t *weightsOffset,
                                FairwayError *error) {
  *error = {nullptr, nullptr, nullptr};
  std::vector<std::string> paths;
  for (intptr_t i = 0; i < numObjects; ++i)
    paths.push_back(unwrap(objects[i]).str());
  auto offset = fairway::linkShared(paths, unwrap(output), weightsBytes);
  if (!offset)
    return report(offset.takeError(), error);
  *weightsOffset = *offset;
  return FairwayStatusOk;
}

FairwayStatus fairwayDescribeMachine(const FairwayCompileOptions *options,
                                     bool host, MlirStringCallback description,
                                     void *userData, FairwayError *error) {
  *error = {nullptr, nullptr, nullptr};
  auto machine = fairway::describeMachine(unwrapOptions(*options), host);
  if (!machine)
    return report(machine.takeError(), error);
  description(wrap(llvm::StringRef(fairway::printMachine(*machine))), userData);
  return FairwayStatusOk;
}

void fairwayHostCpuName(MlirStringCallback name, void *userData) {
  name(wrap(llvm::StringRef(fairway::hostCpuName())), userData);
}

void fairwayHostCpuFeatures(MlirStringCallback features, void *userData) {
  features(wrap(llvm::StringRef(fairway::hostCpuFeatures())), userData);
}
