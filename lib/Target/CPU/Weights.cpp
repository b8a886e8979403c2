//===- Weights.cpp - room for weights at the end of a library -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights never pass through the assembler or the linker, which would hold them
// in memory and write them twice. The linker sees a placeholder of a few bytes;
// afterwards the library gets one more segment at its end, into which whoever
// has the weights writes them.
//
//===----------------------------------------------------------------------===//
#include "Weights.h"
#include "fairway/Target/CPU.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;
using Elf = object::ELF64LE;

static constexpr StringLiteral sectionName = ".fairway.weights";

Expected<SmallVector<char, 0>>
fairway::makeWeightsPlaceholder(uint16_t elfMachine) {
  CompileOptions options;
  options.triple = elfMachine == ELF::EM_AARCH64 ? "aarch64-unknown-linux-gnu"
                                                 : "x86_64-unknown-linux-gnu";
  options.cpu = "generic";
  auto machine = createTargetMachine(options);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  Module module("weights", context);
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  module.setModuleInlineAsm(("  .section " + sectionName +
                             ",\"a\",@progbits\n"
                             "  .p2align 3\n"
                             "  .globl fairway_weights\n"
                             "  .hidden fairway_weights\n"
                             "  .type fairway_weights,@object\n"
                             "fairway_weights:\n"
                             "  .zero 8\n"
                             "  .size fairway_weights, 8\n")
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

namespace {

/// A library in memory that is changed in place.
class Library {
public:
  static Expected<Library> read(StringRef path);

  /// See `reserveWeights`; the place in the file.
  Expected<uint64_t> addSegment(uint64_t bytes);
  Error write(StringRef path, uint64_t size) const;

private:
  Library(std::unique_ptr<WritableMemoryBuffer> buffer,
          object::ELFFile<Elf> file)
      : buffer(std::move(buffer)), file(std::move(file)) {}

  /// The same headers, which are in our buffer, to be written to.
  template <typename T> static MutableArrayRef<T> writable(ArrayRef<T> range) {
    return {const_cast<T *>(range.data()), range.size()};
  }

  Expected<Elf::Shdr *> findPlaceholder();
  Error redirect(uint64_t from, uint64_t to);

  std::unique_ptr<WritableMemoryBuffer> buffer;
  object::ELFFile<Elf> file;
};

Expected<Library> Library::read(StringRef path) {
  auto mapped = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!mapped)
    return createFileError(path, mapped.getError());
  // A copy, because the file is written again.
  StringRef content = (*mapped)->getBuffer();
  auto buffer = WritableMemoryBuffer::getNewUninitMemBuffer(content.size());
  copy(content, buffer->getBufferStart());
  auto bytes = buffer->getBuffer();
  auto file =
      object::ELFFile<Elf>::create(StringRef(bytes.data(), bytes.size()));
  if (!file)
    return createFileError(path, file.takeError());
  return Library(std::move(buffer), std::move(*file));
}

Expected<Elf::Shdr *> Library::findPlaceholder() {
  auto sections = file.sections();
  if (!sections)
    return sections.takeError();
  for (Elf::Shdr &section : writable<Elf::Shdr>(*sections)) {
    auto name = file.getSectionName(section);
    if (!name)
      return name.takeError();
    if (*name == sectionName)
      return &section;
  }
  return createStringError("the code has no place for weights");
}

/// Changes the dynamic relocations that give the address `from`.
Error Library::redirect(uint64_t from, uint64_t to) {
  auto sections = file.sections();
  if (!sections)
    return sections.takeError();
  uint32_t relative =
      object::getELFRelativeRelocationType(file.getHeader().e_machine);
  bool found = false;
  for (const Elf::Shdr &section : *sections) {
    if (section.sh_type != ELF::SHT_RELA ||
        !(section.sh_flags & ELF::SHF_ALLOC))
      continue;
    auto relocations = file.relas(section);
    if (!relocations)
      return relocations.takeError();
    for (Elf::Rela &relocation : writable<Elf::Rela>(*relocations))
      if (relocation.getType(/*isMips64EL=*/false) == relative &&
          uint64_t(relocation.r_addend) == from) {
        relocation.r_addend = to;
        found = true;
      }
  }
  return found ? Error::success()
               : createStringError("nothing in the code refers to its weights");
}

Expected<uint64_t> Library::addSegment(uint64_t bytes) {
  auto placeholder = findPlaceholder();
  if (!placeholder)
    return placeholder.takeError();
  auto headers = file.program_headers();
  if (!headers)
    return headers.takeError();
  auto segments = writable<Elf::Phdr>(*headers);

  uint64_t alignment = 1, end = 0;
  size_t last = 0;
  for (auto [index, segment] : enumerate(segments)) {
    if (segment.p_type != ELF::PT_LOAD)
      continue;
    alignment = std::max<uint64_t>(alignment, segment.p_align);
    end = std::max<uint64_t>(end, segment.p_vaddr + segment.p_memsz);
    last = index;
  }
  // The table cannot grow, but only programs need the segment that says where
  // the table is. Segments to load must be in the order of their addresses.
  auto *unused = find_if(
      segments, [](auto &segment) { return segment.p_type == ELF::PT_PHDR; });
  if (unused == segments.end() || unused > &segments[last])
    return createStringError("the library has no room for another segment");
  std::rotate(unused, unused + 1, &segments[last] + 1);

  uint64_t offset = alignTo(buffer->getBufferSize(), alignment);
  uint64_t address = alignTo(end, alignment);
  Elf::Phdr &added = segments[last];
  added.p_type = ELF::PT_LOAD;
  added.p_flags = ELF::PF_R;
  added.p_offset = offset;
  added.p_vaddr = address;
  added.p_paddr = address;
  added.p_filesz = bytes;
  added.p_memsz = bytes;
  added.p_align = alignment;

  Elf::Shdr &section = **placeholder;
  if (Error error = redirect(section.sh_addr, address))
    return std::move(error);
  section.sh_addr = address;
  section.sh_offset = offset;
  section.sh_size = bytes;
  section.sh_addralign = alignment;
  return offset;
}

Error Library::write(StringRef path, uint64_t size) const {
  std::error_code code;
  raw_fd_ostream stream(path, code);
  if (code)
    return createFileError(path, code);
  stream.write(buffer->getBufferStart(), buffer->getBufferSize());
  stream.write_zeros(size - buffer->getBufferSize());
  stream.close();
  code = stream.error();
  stream.clear_error();
  return code ? createFileError(path, code) : Error::success();
}

} // namespace

Expected<uint64_t> fairway::reserveWeights(StringRef path, uint64_t bytes) {
  auto library = Library::read(path);
  if (!library)
    return library.takeError();
  auto offset = library->addSegment(bytes);
  if (!offset)
    return createFileError(path, offset.takeError());
  if (Error error = library->write(path, *offset))
    return std::move(error);
  return *offset;
}
