//===- Elf.cpp - check a file before the dynamic linker sees it -----------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Elf.h"
#include "Failure.h"

#include <cstring>
#include <elf.h>

using namespace fairway::runtime;

namespace {

#if defined(__x86_64__)
constexpr uint16_t hostMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t hostMachine = EM_AARCH64;
#else
#error "add the ELF machine number of this architecture"
#endif

std::string machineName(uint16_t machine) {
  switch (machine) {
  case EM_X86_64:
    return "x86-64";
  case EM_AARCH64:
    return "AArch64";
  case EM_RISCV:
    return "RISC-V";
  default:
    return "ELF machine " + std::to_string(machine);
  }
}

/// Bounds-checked reads from the file's bytes.
class File {
public:
  File(const unsigned char *data, size_t size, const std::string &path)
      : data(data), size(size), path(path) {}

  bool holds(uint64_t offset, uint64_t bytes) const {
    return offset <= size && bytes <= size - offset;
  }

  template <typename T> T read(uint64_t offset, const char *what) const {
    if (!holds(offset, sizeof(T)))
      truncated(what);
    T value;
    memcpy(&value, data + offset, sizeof(T));
    return value;
  }

  [[noreturn]] void truncated(const char *what) const {
    fail(FAIRWAY_TRUNCATED, "'" + path + "' is truncated: its " + what +
                                " lies beyond the end of the file (" +
                                std::to_string(size) + " bytes)");
  }

  [[noreturn]] void notAnArtefact(const char *why) const {
    fail(FAIRWAY_NOT_AN_ARTEFACT,
         "'" + path + "' is not a compiled Fairway model: " + why);
  }

  /// Whether the string at `offset` of the table `strings` is `expected`.
  bool stringIs(const Elf64_Shdr &strings, uint64_t offset,
                const char *expected) const {
    size_t bytes = strlen(expected) + 1;
    return offset < strings.sh_size && bytes <= strings.sh_size - offset &&
           memcmp(data + strings.sh_offset + offset, expected, bytes) == 0;
  }

private:
  const unsigned char *data;
  size_t size;
  const std::string &path;
};

Elf64_Ehdr checkHeader(const File &file, size_t size) {
  constexpr unsigned char magic[] = {0x7f, 'E', 'L', 'F'};
  if (size < sizeof magic)
    file.notAnArtefact(size ? "it is no ELF file" : "it is empty");
  auto start = file.read<uint32_t>(0, "magic number");
  if (memcmp(&start, magic, sizeof magic) != 0)
    file.notAnArtefact("it is no ELF file");
  auto header = file.read<Elf64_Ehdr>(0, "ELF header");
  if (header.e_ident[EI_CLASS] != ELFCLASS64)
    file.notAnArtefact("it is a 32-bit ELF file");
  if (header.e_ident[EI_DATA] != ELFDATA2LSB)
    file.notAnArtefact("it is a big-endian ELF file");
  if (header.e_type != ET_DYN)
    file.notAnArtefact("it is an ELF file, but no shared library");
  return header;
}

} // namespace

void fairway::runtime::checkSharedLibrary(const unsigned char *data,
                                          size_t size, const std::string &path,
                                          const char *symbol) {
  File file(data, size, path);
  Elf64_Ehdr header = checkHeader(file, size);
  if (header.e_machine != hostMachine)
    fail(FAIRWAY_WRONG_ARCHITECTURE,
         "'" + path + "' was compiled for " + machineName(header.e_machine) +
             "; this process runs on " + machineName(hostMachine));

  if (header.e_phnum == 0 || header.e_phentsize != sizeof(Elf64_Phdr))
    file.notAnArtefact("its program headers are malformed");
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    auto segment = file.read<Elf64_Phdr>(
        header.e_phoff + uint64_t(i) * sizeof(Elf64_Phdr), "program headers");
    if (segment.p_type != PT_NULL &&
        !file.holds(segment.p_offset, segment.p_filesz))
      file.truncated("segment");
  }

  if (header.e_shnum == 0 || header.e_shentsize != sizeof(Elf64_Shdr))
    file.notAnArtefact("its section headers are missing or malformed");
  auto section = [&](uint64_t index) {
    return file.read<Elf64_Shdr>(header.e_shoff + index * sizeof(Elf64_Shdr),
                                 "section headers");
  };
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr s = section(i);
    if (s.sh_type != SHT_NULL && s.sh_type != SHT_NOBITS &&
        !file.holds(s.sh_offset, s.sh_size))
      file.truncated("section");
  }

  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr symbols = section(i);
    if (symbols.sh_type != SHT_DYNSYM)
      continue;
    if (symbols.sh_link >= header.e_shnum)
      file.notAnArtefact("its symbol table is malformed");
    Elf64_Shdr strings = section(symbols.sh_link);
    if (strings.sh_type != SHT_STRTAB)
      file.notAnArtefact("its symbol table is malformed");
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= symbols.sh_size;
         at += sizeof(Elf64_Sym)) {
      auto entry = file.read<Elf64_Sym>(symbols.sh_offset + at, "symbol table");
      if (entry.st_shndx != SHN_UNDEF &&
          file.stringIs(strings, entry.st_name, symbol))
        return;
    }
  }
  file.notAnArtefact("it exports no symbol 'fairway_artefact'");
}
