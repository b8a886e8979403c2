//===- Memory.h - aligned buffers -------------------------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_MEMORY_H
#define FAIRWAY_LIB_RUNTIME_MEMORY_H

#include "Failure.h"

#include <cstdlib>
#include <memory>
#include <sys/mman.h>

namespace fairway::runtime {

struct FreeMemory {
  void operator()(void *memory) const { free(memory); }
};

/// Memory aligned for kernels. Not touched here: the pages go to the node of
/// the thread that writes them first.
using Memory = std::unique_ptr<unsigned char[], FreeMemory>;

constexpr uint64_t hugePage = 2u << 20;

inline uint64_t alignUp(uint64_t bytes, uint64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

inline bool isAligned(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % FAIRWAY_BUFFER_ALIGNMENT == 0;
}

/// Allocates `bytes`; large blocks ask for huge pages, which save a few percent
/// on whole networks. Throws a Failure naming `what` when there is no memory.
inline Memory allocate(uint64_t bytes, const char *what) {
  bool large = bytes >= hugePage;
  uint64_t alignment = large ? hugePage : FAIRWAY_BUFFER_ALIGNMENT;
  void *memory = nullptr;
  if (bytes > SIZE_MAX / 2 ||
      posix_memalign(&memory, alignment, alignUp(bytes ? bytes : 1, alignment)))
    fail(FAIRWAY_OUT_OF_MEMORY, "no memory for " + std::string(what) + " (" +
                                    std::to_string(bytes) + " bytes)");
  if (large)
    madvise(memory, alignUp(bytes, alignment), MADV_HUGEPAGE); // a hint
  return Memory(static_cast<unsigned char *>(memory));
}

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_MEMORY_H
