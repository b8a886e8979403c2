//===- CompileError.cpp - why a compilation failed
//-------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/CompileError.h"

#include "mlir/IR/Location.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using fairway::CompileError;

char CompileError::ID = 0;

void CompileError::log(llvm::raw_ostream &os) const {
  os << message;
  if (!where.empty())
    os << " (" << where << ")";
  if (!stage.empty())
    os << " [stage: " << stage << "]";
}

static void collect(Location location, SmallVectorImpl<std::string> &parts) {
  auto add = [&](std::string part) {
    if (!llvm::is_contained(parts, part))
      parts.push_back(std::move(part));
  };
  if (auto fused = dyn_cast<FusedLoc>(location)) {
    for (Location inner : fused.getLocations())
      collect(inner, parts);
  } else if (auto named = dyn_cast<NameLoc>(location)) {
    add(named.getName().str());
    collect(named.getChildLoc(), parts);
  } else if (auto call = dyn_cast<CallSiteLoc>(location)) {
    collect(call.getCallee(), parts);
    collect(call.getCaller(), parts);
  } else if (auto file = dyn_cast<FileLineColRange>(location)) {
    add(file.getFilename().str() + ":" + std::to_string(file.getStartLine()));
  }
}

std::string fairway::describeLocation(Location location) {
  SmallVector<std::string> parts;
  collect(location, parts);
  // A fused kernel may come from dozens of places: the first few tell enough.
  auto shown = ArrayRef<std::string>(parts).take_front(4);
  std::string text = llvm::join(shown, ", ");
  if (parts.size() > shown.size())
    text += ", ...";
  return text;
}

fairway::DiagnosticCollector::DiagnosticCollector(MLIRContext *context)
    : handler(context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
          return success();
        if (!message.empty())
          return success();
        message = diagnostic.str();
        where = describeLocation(diagnostic.getLocation());
        for (Diagnostic &note : diagnostic.getNotes()) {
          std::string text = note.str();
          // The dump of the operation itself helps nobody who uses a model.
          if (!StringRef(text).starts_with("see current operation"))
            message += "; " + text;
        }
        return success();
      }) {}

llvm::Error fairway::DiagnosticCollector::take(StringRef stage,
                                               StringRef fallback) {
  if (message.empty())
    return llvm::make_error<CompileError>(stage == "parse"
                                              ? CompileError::Kind::InvalidModel
                                              : CompileError::Kind::Internal,
                                          fallback.str(), "", stage.str());
  // The parser meets operations of dialects that are not loaded, the graph's
  // verifier others that it does not accept, the lowerings what they lack.
  StringRef text = message;
  bool unsupported = false;
  for (StringRef phrase :
       {"unsupported operation", "not found for custom op", "cannot express",
        "dynamic control flow", "unregistered dialect"})
    unsupported |= text.contains(phrase);
  auto kind =
      unsupported ? CompileError::Kind::UnsupportedOp
      : stage == "parse" || stage == "verify" ? CompileError::Kind::InvalidModel
      // What the caller gave, not the cost models' choice: those fit.
      : text.contains("configuration") ? CompileError::Kind::InvalidArgument
                                       : CompileError::Kind::Internal;
  return llvm::make_error<CompileError>(kind, message, where, stage.str());
}
