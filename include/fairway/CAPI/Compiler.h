//===- Compiler.h - C API: compile and link -----------------------*- C -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All functions may be called from several threads at once; linking is
// serialised inside. Strings that go in are only read during the call. Results
// go out through an `MlirStringCallback`, called once, whose string is valid
// only during that call.
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_CAPI_COMPILER_H
#define FAIRWAY_CAPI_COMPILER_H

#include "mlir-c/Support.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/// How a call ended.
typedef enum FairwayStatus {
  FairwayStatusOk = 0,
  /// The model uses an operation that the compiler does not know.
  FairwayStatusUnsupportedOp = 1,
  /// The module breaks the rules of a Program.
  FairwayStatusInvalidModel = 2,
  /// An option does not make sense: an unknown processor, say.
  FairwayStatusInvalidArgument = 3,
  /// The progress callback asked to stop.
  FairwayStatusCancelled = 4,
  /// A file cannot be read or written, or the linker failed.
  FairwayStatusFailed = 5,
  /// A defect of the compiler.
  FairwayStatusInternal = 6
} FairwayStatus;

/// What is known of a failure. Filled by a call that does not return Ok; free
/// with `fairwayErrorFree`. All strings are NUL-terminated and never NULL then.
typedef struct FairwayError {
  /// What went wrong.
  char *message;
  /// Where in the user's model; may be "".
  char *where;
  /// The stage that failed; may be "".
  char *stage;
} FairwayError;

/// Frees the strings of an error and sets them to NULL. An error of NULLs, as a
/// call that succeeds leaves it, is fine.
MLIR_CAPI_EXPORTED void fairwayErrorFree(FairwayError *error);

/// See `fairway::CompileOptions`. An empty string takes the default.
typedef struct FairwayCompileOptions {
  MlirStringRef triple;
  MlirStringRef cpu;
  MlirStringRef features;
  MlirStringRef dumpDir;
  MlirStringRef version;
  MlirStringRef metadata;
  MlirStringRef machine;
  MlirStringRef configs;
  unsigned threads;
  unsigned optLevel;
} FairwayCompileOptions;

/// Called when a stage starts; false cancels the compilation.
typedef bool (*FairwayProgressCallback)(MlirStringRef stage, void *userData);

/// Compiles the text of a Program to a relocatable object, in a context of its
/// own. `progress` may be NULL.
MLIR_CAPI_EXPORTED FairwayStatus fairwayCompile(
    MlirStringRef module, const FairwayCompileOptions *options,
    FairwayProgressCallback progress, void *progressData,
    MlirStringCallback object, void *objectData, FairwayError *error);

/// Lists the kernels of a Program and up to `count` tilings for each of them,
/// as `fairway::listVariants` does; the JSON text goes to `list`.
MLIR_CAPI_EXPORTED FairwayStatus fairwayListVariants(
    MlirStringRef module, const FairwayCompileOptions *options, unsigned count,
    FairwayProgressCallback progress, void *progressData,
    MlirStringCallback list, void *listData, FairwayError *error);

/// Links object files to the shared library `output`, inside this process. It
/// gets room for `weightsBytes` bytes of weights, which the caller writes to
/// the file at `*weightsOffset`, its end; 0 for a library without.
MLIR_CAPI_EXPORTED FairwayStatus fairwayLinkShared(
    const MlirStringRef *objects, intptr_t numObjects, MlirStringRef output,
    uint64_t weightsBytes, uint64_t *weightsOffset, FairwayError *error);

/// Gives what is known of a machine as `name=value` with spaces between them:
/// vectors, caches, bandwidths (see MachineDescription.h). Only `triple`,
/// `cpu`, `features` and `machine` of the options count, the last being fields
/// to replace. `host`: the processor is that of the machine at hand, whose
/// caches are looked up. Fails for a triple, processor, feature or field that
/// is not known.
MLIR_CAPI_EXPORTED FairwayStatus fairwayDescribeMachine(
    const FairwayCompileOptions *options, bool host,
    MlirStringCallback description, void *userData, FairwayError *error);

/// Gives LLVM's name of the processor that this process runs on.
MLIR_CAPI_EXPORTED void fairwayHostCpuName(MlirStringCallback name,
                                           void *userData);

/// Gives its features as LLVM's feature string.
MLIR_CAPI_EXPORTED void fairwayHostCpuFeatures(MlirStringCallback features,
                                               void *userData);

#ifdef __cplusplus
}
#endif

#endif // FAIRWAY_CAPI_COMPILER_H
