//===- CrashGuard.cpp - survive a crash of other code ---------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Support/CrashGuard.h"

#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"

#include <mutex>

static std::mutex guardMutex;
static unsigned guardCount = 0;

/// Where `runSafely` of this thread wants to have LLVM's last words.
static thread_local std::string *lastWords = nullptr;

/// Called where LLVM would print and end the process.
static void leave(void *, const char *reason, bool) {
  if (!llvm::CrashRecoveryContext::isRecoveringFromCrash() &&
      llvm::CrashRecoveryContext::GetCurrent()) {
    if (lastWords)
      *lastWords = reason;
    llvm::CrashRecoveryContext::GetCurrent()->HandleExit(1);
  }
}

fairway::CrashGuard::CrashGuard() {
  std::lock_guard<std::mutex> lock(guardMutex);
  if (guardCount++ > 0)
    return;
  llvm::CrashRecoveryContext::Enable();
  llvm::install_fatal_error_handler(leave);
}

fairway::CrashGuard::~CrashGuard() {
  std::lock_guard<std::mutex> lock(guardMutex);
  if (--guardCount > 0)
    return;
  llvm::remove_fatal_error_handler();
  llvm::CrashRecoveryContext::Disable();
}

bool fairway::runSafely(llvm::function_ref<void()> work, std::string *reason) {
  CrashGuard guard;
  std::string *outer = lastWords;
  lastWords = reason;
  llvm::CrashRecoveryContext context;
  bool survived = context.RunSafely(work);
  lastWords = outer;
  return survived;
}
