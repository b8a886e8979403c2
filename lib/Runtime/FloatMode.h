//===- FloatMode.h - how a thread computes with floats ----------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_FLOATMODE_H
#define FAIRWAY_LIB_RUNTIME_FLOATMODE_H

#include <cstdint>

namespace fairway::runtime {

/// The rounding mode and the treatment of denormals of a thread's vector unit.
/// Helpers take over the caller's, so that results do not depend on who
/// computed which tile. (<cfenv> also saves the x87 state, which takes longer
/// than a barrier.)
struct FloatMode {
  uint64_t bits = 0;

#if defined(__x86_64__)
  static FloatMode current() { return {__builtin_ia32_stmxcsr()}; }
  void apply() const { __builtin_ia32_ldmxcsr(uint32_t(bits)); }
#elif defined(__aarch64__)
  static FloatMode current() {
    FloatMode mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode.bits));
    return mode;
  }
  void apply() const { __asm__ volatile("msr fpcr, %0" ::"r"(bits)); }
#endif
};

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_FLOATMODE_H
