//===- AlignedMemory.h - memory for tensors ---------------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_ALIGNEDMEMORY_H
#define FAIRWAY_SUPPORT_ALIGNEDMEMORY_H

#include "fairway/Runtime/runtime.h"

#include <cstdint>
#include <cstdlib>
#include <sys/mman.h>

namespace fairway {

constexpr uint64_t kHugePage = 2u << 20;

inline uint64_t alignUp(uint64_t bytes, uint64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

/// Memory aligned for kernels, to be freed by free(); null if there is none.
/// Large blocks ask for huge pages: as working memory they save a few percent
/// on whole networks, as a new output half of the time of filling it. Not
/// touched here: the pages go to the node of the thread that writes them first.
inline void *allocateAligned(uint64_t bytes) {
  bool large = bytes >= kHugePage;
  uint64_t alignment = large ? kHugePage : FAIRWAY_BUFFER_ALIGNMENT;
  void *memory = nullptr;
  if (bytes > SIZE_MAX / 2 ||
      posix_memalign(&memory, alignment, alignUp(bytes ? bytes : 1, alignment)))
    return nullptr;
  if (large)
    madvise(memory, alignUp(bytes, alignment), MADV_HUGEPAGE); // a hint
  return memory;
}

} // namespace fairway

#endif // FAIRWAY_SUPPORT_ALIGNEDMEMORY_H
