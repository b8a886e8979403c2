//===- Elf.h - check a file before the dynamic linker sees it ---*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_ELF_H
#define FAIRWAY_LIB_RUNTIME_ELF_H

#include <cstddef>
#include <string>

namespace fairway::runtime {

/// Throws a Failure unless `data` is a whole 64-bit ELF shared library for this
/// architecture with `symbol` among its dynamic symbols. The dynamic linker
/// maps what the headers ask for without looking at the file's size, and later
/// reads past the end are fatal signals; so every header, segment and section
/// must lie inside the file. `path` is for messages.
void checkSharedLibrary(const unsigned char *data, size_t size,
                        const std::string &path, const char *symbol);

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_ELF_H
