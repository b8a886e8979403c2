//===- Dumps.h - the IR after each stage, on disk ---------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_TARGET_DUMPS_H
#define FAIRWAY_LIB_TARGET_DUMPS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"
#include <string>

namespace fairway {

/// Writes modules to one folder, numbered and named by stage, and with them
/// `reproduce`, a script that runs the newest stage alone.
class Dumps {
public:
  /// An empty folder's name writes nothing.
  explicit Dumps(llvm::StringRef folder) : folder(folder) {}

  /// Creates the folder.
  llvm::Error begin();

  /// Writes what a stage left.
  llvm::Error write(mlir::ModuleOp module, llvm::StringRef stage);

  /// Writes how to run the passes of a stage on the newest dump. Called before
  /// they run, so that the script of a stage that fails or never ends is there.
  llvm::Error writeScript(llvm::StringRef stage, mlir::OpPassManager &passes);

private:
  std::string folder;
  std::string newest;
  unsigned count = 0;
};

} // namespace fairway

#endif // FAIRWAY_LIB_TARGET_DUMPS_H
