//===- Memory.h - aligned buffers -------------------------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_MEMORY_H
#define FAIRWAY_LIB_RUNTIME_MEMORY_H

#include "Failure.h"
#include "fairway/Support/AlignedMemory.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace fairway::runtime {

struct FreeMemory {
  void operator()(void *memory) const { free(memory); }
};

/// Memory aligned for kernels.
using Memory = std::unique_ptr<unsigned char[], FreeMemory>;

inline bool isAligned(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % FAIRWAY_BUFFER_ALIGNMENT == 0;
}

/// Allocates `bytes`; throws a Failure naming `what` when there is no memory.
inline Memory allocate(uint64_t bytes, const char *what) {
  void *memory = allocateAligned(bytes);
  if (!memory)
    fail(FAIRWAY_OUT_OF_MEMORY, "no memory for " + std::string(what) + " (" +
                                    std::to_string(bytes) + " bytes)");
  return Memory(static_cast<unsigned char *>(memory));
}

/// Memory for one tensor or arena after another.
class ReusableMemory {
public:
  unsigned char *get() const { return memory.get(); }

  /// Makes it at least `bytes` large; what was in it is lost. It grows by half
  /// or more, so that sizes that rise from call to call seldom move it. Throws
  /// a Failure naming `what` when there is no memory.
  void reserve(uint64_t bytes, const char *what) {
    if (memory && bytes <= capacity)
      return;
    uint64_t roomy = std::max(bytes, capacity + capacity / 2);
    memory.reset(); // before the new one is there: not both at once
    capacity = 0;
    memory = allocate(roomy, what);
    capacity = roomy;
  }

private:
  Memory memory;
  uint64_t capacity = 0;
};

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_MEMORY_H
