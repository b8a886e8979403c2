//===- CrashGuard.h - survive a crash of other code -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_CRASHGUARD_H
#define FAIRWAY_SUPPORT_CRASHGUARD_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <string>

namespace fairway {

/// While any of them lives, LLVM's crash recovery is on: handlers of SIGSEGV
/// and the like, and of LLVM's fatal errors, that only act inside of a
/// CrashRecoveryContext of the same thread. LLVM's own switches know no
/// counting, and several threads compile at once.
class CrashGuard {
public:
  CrashGuard();
  ~CrashGuard();
  CrashGuard(const CrashGuard &) = delete;
  CrashGuard &operator=(const CrashGuard &) = delete;
};

/// Runs `work` on this thread; false if it crashed. What it held is leaked
/// then, and `reason` is LLVM's message if it gave up by itself.
bool runSafely(llvm::function_ref<void()> work, std::string *reason = nullptr);

} // namespace fairway

#endif // FAIRWAY_SUPPORT_CRASHGUARD_H
