//===- MachineCode.h - one LLVM module to one object ------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_TARGET_CPU_MACHINECODE_H
#define FAIRWAY_LIB_TARGET_CPU_MACHINECODE_H

#include "fairway/Compiler.h"

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace fairway {

/// Optimises `module` and generates code for it. `name` is that of its files in
/// the folder of dumps. Where LLVM gives up it is a failure, not a crash.
llvm::Expected<llvm::SmallVector<char, 0>>
generateCode(llvm::Module &module, llvm::TargetMachine &machine,
             const CompileOptions &options, int64_t vectorBits,
             llvm::StringRef name);

} // namespace fairway

#endif // FAIRWAY_LIB_TARGET_CPU_MACHINECODE_H
