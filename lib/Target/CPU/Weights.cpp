//===- Weights.cpp - a file of weights as an object
//------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/CPU.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

/// The assembler reads the file: its bytes never become IR.
Expected<SmallVector<char, 0>>
fairway::compileWeights(StringRef path, const CompileOptions &options) {
  SmallString<256> absolute(path);
  if (std::error_code code = sys::fs::make_absolute(absolute))
    return createFileError(path, code);
  if (std::error_code code =
          sys::fs::access(absolute, sys::fs::AccessMode::Exist))
    return createFileError(path, code);
  auto machine = createTargetMachine(options);
  if (!machine)
    return machine.takeError();

  std::string quoted;
  raw_string_ostream quotedStream(quoted);
  for (char c : absolute) {
    if (c == '\n')
      return createStringError("a line break in the name of the weights' file");
    if (c == '"' || c == '\\')
      quotedStream << '\\';
    quotedStream << c;
  }
  // On x86-64 "large": code stays within reach of its own data, however many
  // gigabytes of weights there are.
  bool x86 = (*machine)->getTargetTriple().isX86();
  LLVMContext context;
  Module module("weights", context);
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  module.setModuleInlineAsm(("  .section .fairway.weights,\"" +
                             Twine(x86 ? "al" : "a") +
                             "\",@progbits\n"
                             "  .p2align 12\n"
                             "  .globl fairway_weights\n"
                             "  .hidden fairway_weights\n"
                             "  .type fairway_weights,@object\n"
                             "fairway_weights:\n"
                             "  .incbin \"" +
                             quoted +
                             "\"\n"
                             "  .size fairway_weights, .-fairway_weights\n")
                                .str());

  SmallVector<char, 0> object;
  raw_svector_ostream stream(object);
  legacy::PassManager codegen;
  if ((*machine)->addPassesToEmitFile(codegen, stream, nullptr,
                                      CodeGenFileType::ObjectFile))
    return createStringError("this target cannot emit object files");
  codegen.run(module);
  return object;
}
