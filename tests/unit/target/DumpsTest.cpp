//===- DumpsTest.cpp - the IR after each stage, and how to make it again --===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Compiler.h"
#include "fairway/Support/Registration.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "gtest/gtest.h"

#include <map>

namespace {

const char *const kProgram = R"(
func.func @main(%x: tensor<8x16xf32> {fairway.dtype = "float32",
                                      fairway.kind = "input", fairway.name = "x"},
                %w: tensor<16x32xf32> {fairway.dtype = "float32",
                                       fairway.kind = "parameter", fairway.name = "w"})
    -> (tensor<8x32xf32> {fairway.dtype = "float32", fairway.name = "y"}) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<8x32xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%empty : tensor<8x32xf32>)
      -> tensor<8x32xf32>
  %y = linalg.matmul ins(%x, %w : tensor<8x16xf32>, tensor<16x32xf32>)
      outs(%filled : tensor<8x32xf32>) -> tensor<8x32xf32>
  return %y : tensor<8x32xf32>
}
)";

std::string read(const llvm::Twine &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

class Dumps : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("fairway-dumps", root));
    options.dumpDir = root.str().str();
    mlir::DialectRegistry registry;
    fairway::registerDialects(registry);
    context.appendDialectRegistry(registry);
  }
  void TearDown() override { llvm::sys::fs::remove_directories(root); }

  /// Runs the script as it is now; returns what it prints.
  std::string reproduce() {
    std::string script = options.dumpDir + "/reproduce";
    std::string printed = options.dumpDir + "/printed";
    std::string setting = std::string("FAIRWAY_OPT=") + FAIRWAY_OPT;
    llvm::StringRef arguments[] = {script, "--mlir-print-local-scope"};
    llvm::StringRef environment[] = {setting, "PATH=/usr/bin:/bin"};
    std::optional<llvm::StringRef> streams[] = {"", llvm::StringRef(printed),
                                                std::nullopt};
    EXPECT_EQ(
        llvm::sys::ExecuteAndWait(script, arguments, environment, streams), 0);
    std::string text = read(printed);
    llvm::sys::fs::remove(printed); // the next, shorter one would keep its end
    return text;
  }

  llvm::SmallString<128> root;
  fairway::CompileOptions options;
  mlir::MLIRContext context;
};

TEST_F(Dumps, TheScriptDoesWhatTheStageDid) {
  auto module = fairway::parseProgram(kProgram, context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  // A stage's script is there until the next one begins to run.
  std::map<std::string, std::string> made;
  std::string stage;
  auto code =
      fairway::compileToObject(**module, options, [&](llvm::StringRef next) {
        if (!stage.empty())
          made[stage] = reproduce();
        stage = next.str();
        return true;
      });
  ASSERT_TRUE(bool(code)) << llvm::toString(code.takeError());
  EXPECT_EQ(made.size(), 4u);
  for (auto [file, name] : {std::pair("/01-graph.mlir", "graph"),
                            std::pair("/02-kernel.mlir", "kernel"),
                            std::pair("/03-plan.mlir", "plan"),
                            std::pair("/04-llvm.mlir", "llvm")}) {
    std::string dump = read(options.dumpDir + file);
    EXPECT_FALSE(dump.empty()) << file;
    // The tool ends what it prints with an empty line.
    EXPECT_EQ(llvm::StringRef(made[name]).trim(), llvm::StringRef(dump).trim())
        << file;
  }
}

TEST_F(Dumps, AFolderThatCannotBeMadeIsAnError) {
  options.dumpDir = "/proc/none/of/this";
  auto module = fairway::parseProgram(kProgram, context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  auto code = fairway::compileToObject(**module, options,
                                       [](llvm::StringRef) { return true; });
  ASSERT_FALSE(bool(code));
  EXPECT_NE(llvm::toString(code.takeError()).find("/proc/none/of/this"),
            std::string::npos);
}

} // namespace
