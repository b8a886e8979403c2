//===- CrashGuard.cpp - survive a crash of other code ---------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Support/CrashGuard.h"

#include "llvm/Support/CrashRecoveryContext.h"

#include <mutex>

static std::mutex guardMutex;
static unsigned guardCount = 0;

fairway::CrashGuard::CrashGuard() {
  std::lock_guard<std::mutex> lock(guardMutex);
  if (guardCount++ == 0)
    llvm::CrashRecoveryContext::Enable();
}

fairway::CrashGuard::~CrashGuard() {
  std::lock_guard<std::mutex> lock(guardMutex);
  if (--guardCount == 0)
    llvm::CrashRecoveryContext::Disable();
}

bool fairway::runSafely(llvm::function_ref<void()> work) {
  CrashGuard guard;
  llvm::CrashRecoveryContext context;
  return context.RunSafely(work);
}
