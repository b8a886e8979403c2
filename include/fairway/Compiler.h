//===- Compiler.h - from a Program's text to an object file
//----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The whole compiler as two functions and one options struct. The stages
// themselves are in Graph/, Kernel/, Plan/ and Target/.
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_COMPILER_H
#define FAIRWAY_COMPILER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace fairway {

/// Everything that steers a compilation. No global state, no environment.
struct CompileOptions {
  std::string triple = "x86_64-unknown-linux-gnu";
  /// LLVM's name of the processor to tune for.
  std::string cpu = "x86-64-v3";
  /// LLVM's feature string, e.g. "+avx2,+fma"; empty: what `cpu` implies.
  std::string features;
  /// Fields of the machine's description (MachineDescription.h) to replace, in
  /// its text form; the others are what is known of `cpu`. All of them, as
  /// `describeMachine` gives them for the host, make the code independent of
  /// where it is compiled.
  std::string machine;
  /// Configurations of kernels that go before the cost models' choices, one a
  /// line: a kernel's id and what `printConfig` gives (Kernel/Variants.h).
  std::string configs;
  /// How many workers kernels will usually be divided among.
  unsigned threads = 1;
  /// 0 to 3, as for clang.
  unsigned optLevel = 3;
  /// If not empty, the IR after each stage is written here, numbered.
  std::string dumpDir;
  /// Written into the artefact.
  std::string fairwayVersion;
  /// Written into the artefact as it is.
  std::string metadata;
};

/// Called with a stage's name when the stage starts; false cancels.
using ProgressFn = llvm::function_ref<bool(llvm::StringRef stage)>;

/// Parses a Program's text. Failures are `CompileError`s.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
parseProgram(llvm::StringRef text, mlir::MLIRContext &context);

/// Runs every stage on `module` (a Program's module, changed in place) and
/// returns the code: an archive of relocatable objects, one for each kernel and
/// one with the artefact's descriptor. It is the same on every machine. A
/// module of modules holds the samples of a model whose sizes stay open
/// (Support/Sizes.h). A module that already carries a plan skips the stages up
/// to it. Failures are `CompileError`s, which hold the first diagnostic with
/// the user's location.
llvm::Expected<llvm::SmallVector<char, 0>>
compileToObject(mlir::ModuleOp module, const CompileOptions &options,
                ProgressFn progress);

/// Runs the stages up to the kernels on `module`, and returns as a JSON array
/// for each kernel its "kernel" (the name), its "id", the "config" that it got,
/// and as "tiles" up to `count` tilings that tuning may try, the cost model's
/// own first. Names, ids and tilings do not depend on `options.configs`.
llvm::Expected<std::string> listVariants(mlir::ModuleOp module,
                                         const CompileOptions &options,
                                         unsigned count, ProgressFn progress);

/// Links objects into a shared library, in process, with lld. Serialised:
/// lld keeps state for the whole process.
///
/// With `weightsBytes` the library gets room for so many bytes of weights,
/// which need not be in memory at once: whoever has them writes them to the
/// file at the place that is returned, which is the file's end. Until then the
/// library is truncated and cannot be loaded. Without it, returns 0.
llvm::Expected<uint64_t> linkShared(llvm::ArrayRef<std::string> objects,
                                    llvm::StringRef output,
                                    uint64_t weightsBytes = 0);

} // namespace fairway

#endif // FAIRWAY_COMPILER_H
