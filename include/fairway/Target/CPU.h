//===- CPU.h - processors, objects and shared libraries
//--------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_TARGET_CPU_H
#define FAIRWAY_TARGET_CPU_H

#include "fairway/Compiler.h"
#include "fairway/Support/MachineDescription.h"

#include "llvm/ADT/StringSet.h"

#include <memory>
#include <string>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace fairway {

struct ModelPlan;

/// What LLVM's description of a processor says, as far as the other stages
/// want to know: what code may do.
struct CpuTraits {
  /// Fused multiply-add in one instruction.
  bool fma = false;
  /// The features that generated code may use, comma-separated LLVM names.
  std::string required;
};

/// LLVM's name of the processor that this process runs on.
std::string hostCpuName();

/// Its features as LLVM's feature string, "+avx2,-avx512f,...", sorted.
std::string hostCpuFeatures();

/// Makes LLVM's description of the processor that `options` name. An unknown
/// triple, processor or feature is an error with the name in its text.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const CompileOptions &options);

/// Looks the traits up.
CpuTraits getCpuTraits(const llvm::TargetMachine &machine);

/// What is known of the processor without looking at a machine: vectors from
/// its features, the rest from a table by its name.
MachineDescription describeProcessor(const llvm::TargetMachine &machine);

/// Replaces in `machine` what the operating system under `root` (usually
/// "/sys/devices/system/cpu"), or else the processor itself, tells of the
/// caches and the clock of the machine at hand. Containers hide and virtual
/// machines make up figures: what is missing or cannot be stays as it is.
void readHost(llvm::StringRef root, MachineDescription &machine);

/// The full description that `options` compile for, with the fields that they
/// replace. `host`: the processor is that of the machine at hand.
llvm::Expected<MachineDescription>
describeMachine(const CompileOptions &options, bool host);

/// Adds the constant `fairway_artefact` (artefact.h) to a module. The plan's
/// kernels are elsewhere: those of the names `kernels`.
llvm::Error addDescriptor(llvm::Module &module, const ModelPlan &plan,
                          const llvm::StringSet<> &kernels,
                          const CompileOptions &options,
                          const CpuTraits &traits);

/// Translates a module in the LLVM dialect that carries a plan, optimises it
/// and generates code: an archive of relocatable ELF objects, one for each
/// kernel and one for the descriptor.
llvm::Expected<llvm::SmallVector<char, 0>>
emitObject(mlir::ModuleOp module, const CompileOptions &options,
           const MachineDescription &description);

} // namespace fairway

#endif // FAIRWAY_TARGET_CPU_H
