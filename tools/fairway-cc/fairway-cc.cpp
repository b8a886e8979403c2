//===- fairway-cc.cpp - compiles a Program's text for developers
//-----------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Users have `fairway compile`; this needs no Python and shows each stage's
// time.
//
//   fairway-cc model.mlir -o model.so [--cpu=x86-64-v3] [--dump=DIR]
//           [--machine='l2-bytes=1048576 ghz=3']
//   fairway-cc model.mlir -o model.o --stage=object
//   fairway-cc --link a.o b.o -o model.so [--weights=weights.bin]
//
//===----------------------------------------------------------------------===//
#include "fairway/Compiler.h"
#include "fairway/Support/Registration.h"
#include "fairway/Target/CPU.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace llvm;

static cl::OptionCategory category("fairway-cc");
static cl::list<std::string> inputs(cl::Positional, cl::desc("<input files>"),
                                    cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("Output file"),
                                   cl::value_desc("file"), cl::Required,
                                   cl::cat(category));
static cl::opt<std::string> stageName("stage", cl::desc("object or library"),
                                      cl::init("library"), cl::cat(category));
static cl::opt<std::string> cpu("cpu", cl::desc("Processor, or host"),
                                cl::init("host"), cl::cat(category));
static cl::opt<std::string> features("features", cl::desc("+feature,-feature"),
                                     cl::cat(category));
static cl::opt<std::string> triple("triple", cl::desc("Target triple"),
                                   cl::init("x86_64-unknown-linux-gnu"),
                                   cl::cat(category));
static cl::opt<std::string>
    machine("machine", cl::desc("Fields of the machine's description"),
            cl::cat(category));
static cl::opt<unsigned> threads("threads", cl::desc("Usual number of workers"),
                                 cl::init(2), cl::cat(category));
static cl::opt<unsigned> optLevel("O", cl::desc("Optimisation level"),
                                  cl::Prefix, cl::init(3), cl::cat(category));
static cl::opt<std::string>
    dumpDir("dump", cl::desc("Folder for each stage's IR"), cl::cat(category));
static cl::opt<std::string>
    weights("weights", cl::desc("File to link as weights"), cl::cat(category));
static cl::opt<bool> linkOnly("link", cl::desc("The inputs are objects"),
                              cl::cat(category));

static Error write(StringRef path, ArrayRef<char> bytes) {
  std::error_code code;
  raw_fd_ostream stream(path, code);
  if (code)
    return createFileError(path, code);
  stream.write(bytes.data(), bytes.size());
  return Error::success();
}

/// Links objects, and the file of weights if there is one, to `output`.
static Error link(ArrayRef<std::string> objects) {
  std::unique_ptr<MemoryBuffer> bytes = MemoryBuffer::getMemBuffer("");
  if (!weights.empty()) {
    auto file = MemoryBuffer::getFile(weights, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
    if (!file)
      return createFileError(weights, file.getError());
    bytes = std::move(*file);
  }
  std::string path = output; // lld resets all options
  auto offset = fairway::linkShared(objects, path, bytes->getBufferSize());
  if (!offset)
    return offset.takeError();
  std::error_code code;
  raw_fd_ostream stream(path, code, sys::fs::CD_OpenExisting, sys::fs::FA_Write,
                        sys::fs::OF_Append);
  if (code)
    return createFileError(path, code);
  stream << bytes->getBuffer();
  return Error::success();
}

/// Prints the time that each stage took.
class Timer {
public:
  bool start(StringRef next) {
    auto now = std::chrono::steady_clock::now();
    if (!stage.empty())
      errs() << format("%-8s %7.3f s\n", stage.c_str(),
                       std::chrono::duration<double>(now - begin).count());
    stage = next.str();
    begin = now;
    return true;
  }

private:
  std::string stage;
  std::chrono::steady_clock::time_point begin;
};

static Error run() {
  fairway::CompileOptions options;
  options.triple = triple;
  options.cpu = cpu == "host" ? fairway::hostCpuName() : cpu;
  options.features =
      cpu == "host" && features.empty() ? fairway::hostCpuFeatures() : features;
  options.machine = machine;
  if (cpu == "host") {
    auto host = fairway::describeMachine(options, /*host=*/true);
    if (!host)
      return host.takeError();
    options.machine = fairway::printMachine(*host);
  }
  options.threads = threads;
  options.optLevel = optLevel;
  options.dumpDir = dumpDir;
  options.fairwayVersion = "fairway-cc";
  if (linkOnly)
    return link(std::vector<std::string>(inputs));
  if (inputs.size() != 1)
    return createStringError("give one module to compile");
  auto text = MemoryBuffer::getFileOrSTDIN(inputs[0]);
  if (!text)
    return createFileError(inputs[0], text.getError());

  mlir::DialectRegistry registry;
  fairway::registerDialects(registry);
  mlir::MLIRContext context(registry);
  Timer timer;
  timer.start("parse");
  auto module = fairway::parseProgram((*text)->getBuffer(), context);
  if (!module)
    return module.takeError();
  auto object =
      fairway::compileToObject(module->get(), options, [&](StringRef stage) {
        return timer.start(stage);
      });
  if (!object)
    return object.takeError();
  if (stageName == "object") {
    timer.start("");
    return write(output, *object);
  }
  timer.start("link");
  std::string path = output + ".o";
  if (Error error = write(path, *object))
    return error;
  Error error = link({path});
  sys::fs::remove(path);
  timer.start("");
  return error;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv,
                              "Fairway's compiler, for developers\n");
  if (Error error = run()) {
    errs() << "fairway-cc: error: " << toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
