//===- CompileError.h - why a compilation failed
//---------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_TARGET_COMPILEERROR_H
#define FAIRWAY_TARGET_COMPILEERROR_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Error.h"

#include <string>

namespace fairway {

/// One failure in the terms of a user's model.
class CompileError : public llvm::ErrorInfo<CompileError> {
public:
  enum class Kind {
    UnsupportedOp,   ///< an operation that the compiler does not know
    InvalidModel,    ///< the module breaks the rules of a Program
    InvalidArgument, ///< an option does not make sense
    Cancelled,       ///< the progress callback asked to stop
    Internal,        ///< a defect of the compiler
  };

  CompileError(Kind kind, std::string message, std::string where = "",
               std::string stage = "")
      : kind(kind), message(std::move(message)), where(std::move(where)),
        stage(std::move(stage)) {}

  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

  /// What went wrong.
  Kind kind;
  std::string message;
  /// Where in the user's model (module path, source line); may be empty.
  std::string where;
  /// The stage that failed; may be empty.
  std::string stage;

  static char ID;
};

/// The user's side of a location: names of modules and lines of source code.
std::string describeLocation(mlir::Location location);

/// While alive, keeps the first error that a context reports (with its notes)
/// and everything else off the terminal. Only sees diagnostics of the thread
/// that made it and of MLIR's own worker threads for that context.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext *context);

  /// Whether there was an error.
  bool hasError() const { return !message.empty(); }

  /// The first error collected, or `fallback` if there was none.
  llvm::Error take(llvm::StringRef stage, llvm::StringRef fallback);

private:
  mlir::ScopedDiagnosticHandler handler;
  std::string message, where;
};

} // namespace fairway

#endif // FAIRWAY_TARGET_COMPILEERROR_H
