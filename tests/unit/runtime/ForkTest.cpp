//===- ForkTest.cpp - the runtime in a child process ----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Testing.h"

#include <atomic>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace fairway::runtime::testing;

#if defined(__SANITIZE_THREAD__)
#define SKIP_UNDER_THREAD_SANITIZER()                                          \
  GTEST_SKIP() << "threads after fork are not supported by ThreadSanitizer"
#else
#define SKIP_UNDER_THREAD_SANITIZER() (void)0
#endif

// A child may find the allocator of AddressSanitizer locked by a thread that it
// does not have; its runtime releases it only since GCC 14.
#if defined(__SANITIZE_ADDRESS__) && !defined(__clang__) && __GNUC__ < 14
#define SKIP_UNDER_ADDRESS_SANITIZER()                                         \
  GTEST_SKIP() << "AddressSanitizer's allocator may be locked after fork"
#else
#define SKIP_UNDER_ADDRESS_SANITIZER() (void)0
#endif

namespace {

/// Runs `body` in a child; its result, or -1 if it did not end by itself.
template <typename Body> int inChild(Body body) {
  pid_t child = fork();
  if (child == 0) {
    alarm(30); // a deadlock is a failure
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int runOnce(fairway_model *model, float x) {
  AffineCall call(x);
  if (call.run(model, 3) != FAIRWAY_OK)
    return 1;
  for (float z : call.z)
    if (z != 6 * x + 1)
      return 2;
  return 0;
}

} // namespace

TEST(Fork, ChildRunsAModelOfItsParent) {
  SKIP_UNDER_THREAD_SANITIZER();
  ModelPtr model = load(artefactPath("weights"));
  ASSERT_EQ(runOnce(model.get(), 1), 0);
  EXPECT_EQ(inChild([&] { return runOnce(model.get(), 2); }), 0);
  EXPECT_EQ(runOnce(model.get(), 3), 0);
}

TEST(Fork, ChildOfABusyParent) {
  SKIP_UNDER_THREAD_SANITIZER();
  SKIP_UNDER_ADDRESS_SANITIZER();
  ModelPtr model = load(artefactPath("weights"));
  std::atomic<bool> stop{false};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i)
    callers.emplace_back([&] {
      while (!stop)
        EXPECT_EQ(runOnce(model.get(), 5), 0);
    });
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(inChild([&] { return runOnce(model.get(), float(i)); }), 0);
  stop = true;
  for (std::thread &caller : callers)
    caller.join();
}
