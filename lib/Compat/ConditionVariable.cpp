//===- ConditionVariable.cpp - std::condition_variable before GCC 12 ------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// GCC 12 gave condition_variable::wait a new version (GLIBCXX_3.4.30) without
// changing what it does. libstdc++ implements both classes by POSIX's, with
// nothing else in them.
//
//===----------------------------------------------------------------------===//
#include <condition_variable>
#include <mutex>
#include <pthread.h>

static_assert(sizeof(std::condition_variable) == sizeof(pthread_cond_t));

// std::condition_variable::wait(std::unique_lock<std::mutex> &), under a name
// that may be declared with a visibility of its own.
extern "C" void _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE(
    std::condition_variable *self, std::unique_lock<std::mutex> *lock) {
  pthread_cond_wait(self->native_handle(), lock->mutex()->native_handle());
}
