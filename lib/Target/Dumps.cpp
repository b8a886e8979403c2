//===- Dumps.cpp - the IR after each stage, on disk -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Dumps.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

/// In single quotes for a POSIX shell.
static std::string quote(StringRef text) {
  std::string quoted = "'";
  for (char c : text)
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

llvm::Error fairway::Dumps::begin() {
  if (folder.empty())
    return llvm::Error::success();
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return llvm::createFileError(folder, code);
  return llvm::Error::success();
}

llvm::Error fairway::Dumps::write(ModuleOp module, StringRef stage) {
  if (folder.empty())
    return llvm::Error::success();
  newest = llvm::formatv("{0:d2}-{1}.mlir", count++, stage);
  SmallString<128> path(folder);
  llvm::sys::path::append(path, newest);
  std::error_code code;
  llvm::raw_fd_ostream stream(path, code);
  if (code)
    return llvm::createFileError(path, code);
  module->print(stream, OpPrintingFlags().useLocalScope());
  return llvm::Error::success();
}

llvm::Error fairway::Dumps::writeScript(StringRef stage,
                                        OpPassManager &passes) {
  if (folder.empty())
    return llvm::Error::success();
  std::string pipeline;
  llvm::raw_string_ostream pipelineStream(pipeline);
  passes.printAsTextualPipeline(pipelineStream);
  SmallString<128> path(folder);
  llvm::sys::path::append(path, "reproduce");
  std::error_code code;
  llvm::raw_fd_ostream stream(path, code);
  if (code)
    return llvm::createFileError(path, code);
  stream << "#!/bin/sh\n"
            "# Runs the stage '"
         << stage
         << "' alone, on what the stages before it made of the model.\n"
            "# fairway-opt is built with Fairway's tests; FAIRWAY_OPT names "
            "one that is not on PATH.\n"
            "cd \"$(dirname \"$0\")\" || exit\n"
            "exec \"${FAIRWAY_OPT:-fairway-opt}\" "
         << newest << " --pass-pipeline=" << quote(pipeline) << " \"$@\"\n";
  stream.flush();
  using llvm::sys::fs::perms;
  if ((code = llvm::sys::fs::setPermissions(
           path, perms::owner_all | perms::group_read | perms::group_exe |
                     perms::others_read | perms::others_exe)))
    return llvm::createFileError(path, code);
  return llvm::Error::success();
}
