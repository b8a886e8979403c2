//===- Link.cpp - objects to a shared library, in process
//------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// lld as a library. Nothing of a toolchain needs to be on the user's machine:
// where kernels call the C library, the library to link against is made on the
// spot, an ELF stub with the right name and just the symbols that are used.
//
//===----------------------------------------------------------------------===//
#include "Weights.h"
#include "fairway/Compiler.h"
#include "fairway/Support/CrashGuard.h"

#include "lld/Common/CommonLinkerContext.h"
#include "lld/Common/Driver.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/InterfaceStub/ELFObjHandler.h"
#include "llvm/InterfaceStub/IFSStub.h"
#include "llvm/Object/Archive.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <map>
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace {

/// The shared library of the system that defines what generated code may call;
/// empty for a symbol that no generated code has any business with.
StringRef libraryOf(StringRef symbol) {
  StringRef c = StringSwitch<StringRef>(symbol)
                    .Cases({"memcpy", "memmove", "memset", "memcmp", "abort",
                            "malloc", "free", "aligned_alloc"},
                           "libc.so.6")
                    // Half precision on processors without F16C.
                    .Cases({"__extendhfsf2", "__truncsfhf2", "__truncdfhf2",
                            "__extendhfdf2"},
                           "libgcc_s.so.1")
                    .Default("");
  if (!c.empty())
    return c;
  auto isMath = [](StringRef name) {
    static constexpr StringLiteral names[] = {
        "acos",  "acosh",  "asin",   "asinh",     "atan",  "atan2",
        "atanh", "cbrt",   "ceil",   "cos",       "cosh",  "erf",
        "erfc",  "exp",    "exp10",  "exp2",      "expm1", "fabs",
        "floor", "fma",    "fmax",   "fmin",      "fmod",  "frexp",
        "hypot", "ldexp",  "lgamma", "log",       "log10", "log1p",
        "log2",  "modf",   "pow",    "nearbyint", "rint",  "roundeven",
        "round", "sin",    "sincos", "sinh",      "sqrt",  "tan",
        "tanh",  "tgamma", "trunc",  "copysign"};
    return is_contained(names, name);
  };
  if (isMath(symbol) || (symbol.ends_with("f") && isMath(symbol.drop_back())))
    return "libm.so.6";
  return "";
}

/// What the objects need from elsewhere, by library.
struct Needs {
  uint16_t machine = 0;
  std::map<std::string, std::vector<std::string>> libraries;
};

/// The symbols of all files together.
class SymbolReader {
public:
  Error readFile(StringRef path);
  Expected<Needs> needs() const;

private:
  Error readObject(MemoryBufferRef buffer, StringRef path);
  Error readArchive(MemoryBufferRef buffer, StringRef path);

  uint16_t machine = 0;
  StringSet<> defined;
  std::map<std::string, std::string> undefined; // with the file for messages
};

Error SymbolReader::readFile(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!buffer)
    return createFileError(path, buffer.getError());
  MemoryBufferRef content = (*buffer)->getMemBufferRef();
  return identify_magic(content.getBuffer()) == file_magic::archive
             ? readArchive(content, path)
             : readObject(content, path);
}

Error SymbolReader::readArchive(MemoryBufferRef buffer, StringRef path) {
  auto archive = object::Archive::create(buffer);
  if (!archive)
    return createFileError(path, archive.takeError());
  Error error = Error::success();
  for (const object::Archive::Child &child : (*archive)->children(error)) {
    auto member = child.getMemoryBufferRef();
    if (!member)
      return joinErrors(createFileError(path, member.takeError()),
                        std::move(error));
    if (Error failure = readObject(*member, path))
      return joinErrors(std::move(failure), std::move(error));
  }
  return error ? createFileError(path, std::move(error)) : Error::success();
}

Error SymbolReader::readObject(MemoryBufferRef buffer, StringRef path) {
  auto object = object::ObjectFile::createELFObjectFile(buffer);
  if (!object)
    return createFileError(path, object.takeError());
  auto *elf = dyn_cast<object::ELFObjectFileBase>(object->get());
  machine = elf->getEMachine();
  for (const object::ELFSymbolRef symbol : elf->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags)
      return createFileError(path, flags.takeError());
    if (!name)
      return createFileError(path, name.takeError());
    if (!(*flags & object::SymbolRef::SF_Undefined)) {
      if (*flags & object::SymbolRef::SF_Global)
        defined.insert(*name);
    } else if (!name->empty() && !(*flags & object::SymbolRef::SF_Weak)) {
      undefined.emplace(name->str(), path);
    }
  }
  return Error::success();
}

Expected<Needs> SymbolReader::needs() const {
  Needs needs;
  needs.machine = machine;
  for (const auto &[symbol, path] : undefined) {
    if (defined.contains(symbol))
      continue;
    StringRef library = libraryOf(symbol);
    if (library.empty())
      return createStringError("undefined symbol '" + symbol + "' in " + path);
    needs.libraries[library.str()].push_back(symbol);
  }
  return needs;
}

Error writeStub(StringRef path, StringRef soname, uint16_t machine,
                ArrayRef<std::string> symbols) {
  ifs::IFSStub stub;
  stub.SoName = soname.str();
  stub.Target.Arch = machine;
  stub.Target.Endianness = ifs::IFSEndiannessType::Little;
  stub.Target.BitWidth = ifs::IFSBitWidthType::IFS64;
  for (const std::string &name : symbols) {
    ifs::IFSSymbol symbol(name);
    symbol.Type = ifs::IFSSymbolType::Func;
    stub.Symbols.push_back(symbol);
  }
  return ifs::writeBinaryStub(path, stub);
}

Error runLinker(ArrayRef<const char *> arguments) {
  // lld keeps its state in the process; and after a crash inside of it that
  // state cannot be trusted any more.
  static std::mutex mutex;
  static bool usable = true;
  std::lock_guard<std::mutex> lock(mutex);
  if (!usable)
    return createStringError("the linker crashed earlier in this process; "
                             "start a new one");
  std::string log;
  raw_string_ostream stream(log);
  // Without this a fatal error of lld's would end the process.
  fairway::CrashGuard guard;
  lld::Result result =
      lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  usable = result.canRunAgain;
  if (result.retCode == 0)
    return Error::success();
  StringRef text = StringRef(log).trim();
  return createStringError("linking failed: " +
                           (text.empty() ? "the linker crashed" : text));
}

/// Files beside the output, a place known to be writable, that go at the end.
class TemporaryFiles {
public:
  explicit TemporaryFiles(StringRef output) : output(output) {}
  ~TemporaryFiles() {
    for (const std::string &path : paths)
      sys::fs::remove(path);
  }

  Expected<StringRef> add(StringRef ending) {
    SmallString<128> path;
    if (std::error_code code =
            sys::fs::createUniqueFile(output + ".%%%%%%%%" + ending, path))
      return createFileError(output, code);
    paths.push_back(path.str().str());
    return paths.back();
  }

  ArrayRef<std::string> files() const { return paths; }

private:
  StringRef output;
  SmallVector<std::string> paths;
};

Error writePlaceholder(StringRef path, uint16_t machine) {
  auto object = fairway::makeWeightsPlaceholder(machine);
  if (!object)
    return object.takeError();
  std::error_code code;
  raw_fd_ostream stream(path, code);
  if (!code) {
    stream.write(object->data(), object->size());
    stream.close();
    code = stream.error();
    stream.clear_error();
  }
  return code ? createFileError(path, code) : Error::success();
}

} // namespace

Expected<uint64_t> fairway::linkShared(ArrayRef<std::string> objects,
                                       StringRef output,
                                       uint64_t weightsBytes) {
  SymbolReader reader;
  for (const std::string &path : objects)
    if (Error error = reader.readFile(path))
      return std::move(error);
  Expected<Needs> needs = reader.needs();
  if (!needs)
    return needs.takeError();

  TemporaryFiles temporary(output);
  for (const auto &[soname, symbols] : needs->libraries) {
    auto path = temporary.add(".stub");
    if (!path)
      return path.takeError();
    if (Error error = writeStub(*path, soname, needs->machine, symbols))
      return std::move(error);
  }
  if (weightsBytes) {
    auto path = temporary.add(".o");
    if (!path)
      return path.takeError();
    if (Error error = writePlaceholder(*path, needs->machine))
      return std::move(error);
  }

  std::string out = output.str();
  SmallVector<const char *> arguments = {
      "ld.lld", "-shared", "--build-id=none", "-z", "noexecstack", "-z",
      "relro", "-z", "now", "-z", "defs", "--gc-sections", "--strip-all",
      "--hash-style=gnu", "--threads=1", "--as-needed",
      // The rest of an archive is there because the descriptor refers to it.
      "--undefined=fairway_artefact",
      "--export-dynamic-symbol=fairway_artefact", "-o", out.c_str()};
  for (const std::string &path : objects)
    arguments.push_back(path.c_str());
  for (const std::string &path : temporary.files())
    arguments.push_back(path.c_str());
  if (Error error = runLinker(arguments))
    return std::move(error);
  return weightsBytes ? reserveWeights(output, weightsBytes) : 0;
}
