//===- CrashGuard.h - survive a crash of other code -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_CRASHGUARD_H
#define FAIRWAY_SUPPORT_CRASHGUARD_H

#include "llvm/ADT/STLFunctionalExtras.h"

namespace fairway {

/// While any of them lives, LLVM's crash recovery is on: handlers of SIGSEGV
/// and the like that only act inside of a CrashRecoveryContext of the same
/// thread. LLVM's own switch knows no counting, and several threads compile at
/// once.
class CrashGuard {
public:
  CrashGuard();
  ~CrashGuard();
  CrashGuard(const CrashGuard &) = delete;
  CrashGuard &operator=(const CrashGuard &) = delete;
};

/// Runs `work` on this thread; false if it crashed. What it held is leaked
/// then.
bool runSafely(llvm::function_ref<void()> work);

} // namespace fairway

#endif // FAIRWAY_SUPPORT_CRASHGUARD_H
