//===- HostMachineTest.cpp - reading the machine at hand ------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/CPU.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using fairway::MachineDescription;

namespace {

/// A folder that looks like /sys/devices/system/cpu.
class HostMachine : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("fairway-machine", root));
    write("online", "0-15");
    write("cpu0/topology/thread_siblings_list", "0,8");
  }
  void TearDown() override { llvm::sys::fs::remove_directories(root); }

  void write(llvm::StringRef name, llvm::StringRef text) {
    llvm::SmallString<128> path = root;
    llvm::sys::path::append(path, name);
    ASSERT_FALSE(
        llvm::sys::fs::create_directories(llvm::sys::path::parent_path(path)));
    std::error_code code;
    llvm::raw_fd_ostream stream(path, code);
    ASSERT_FALSE(code);
    stream << text << "\n";
  }

  void cache(int index, llvm::StringRef level, llvm::StringRef type,
             llvm::StringRef size, llvm::StringRef sharing) {
    std::string folder = "cpu0/cache/index" + std::to_string(index) + "/";
    write(folder + "level", level);
    write(folder + "type", type);
    write(folder + "size", size);
    write(folder + "shared_cpu_list", sharing);
  }

  MachineDescription read() {
    MachineDescription machine;
    fairway::readHost(root, machine);
    return machine;
  }

  llvm::SmallString<128> root;
  const MachineDescription untouched;
};

TEST_F(HostMachine, ReadsCachesOfOneCore) {
  cache(0, "1", "Data", "48K", "0,8");
  cache(1, "1", "Instruction", "64K", "0,8");
  cache(2, "2", "Unified", "2M", "0,8");
  cache(3, "3", "Unified", "36864K", "0-15");
  MachineDescription machine = read();
  EXPECT_EQ(machine.l1Bytes, 48 << 10);
  EXPECT_EQ(machine.l2Bytes, 2 << 20);
  EXPECT_EQ(machine.l3Bytes, 36 << 20);
  EXPECT_EQ(machine.l3Cores, 8);
}

TEST_F(HostMachine, DividesASecondLevelThatCoresShare) {
  cache(0, "2", "Unified", "4M", "0-3,8-11");
  EXPECT_EQ(read().l2Bytes, 1 << 20);
}

TEST_F(HostMachine, DoesNotBelieveALastLevelOfOneProcessor) {
  cache(0, "3", "Unified", "16M", "0");
  EXPECT_EQ(read().l3Cores, untouched.l3Cores);
  EXPECT_EQ(read().l3Bytes, untouched.l3Bytes);
}

TEST_F(HostMachine, KeepsWhatCannotBeTrue) {
  cache(0, "1", "Data", "0K", "0");
  cache(1, "2", "Unified", "", "0");
  cache(2, "3", "Unified", "12 bananas", "0-15");
  write("cpu0/cpufreq/cpuinfo_max_freq", "0");
  EXPECT_EQ(fairway::printMachine(read()), fairway::printMachine(untouched));
}

TEST_F(HostMachine, TakesTheClockUnderLoad) {
  cache(0, "1", "Data", "32K", "0");
  write("cpu0/cpufreq/cpuinfo_max_freq", "4000000");
  EXPECT_NEAR(read().ghz, 3.4, 1e-9);
}

TEST(MachineText, RoundTrips) {
  MachineDescription machine, copy;
  machine.ghz = 3.21;
  machine.l2Bytes = 1 << 21;
  ASSERT_FALSE(fairway::parseMachine(fairway::printMachine(machine), copy));
  EXPECT_EQ(fairway::printMachine(copy), fairway::printMachine(machine));
}

TEST(MachineText, ChangesNothingWhenAPartIsWrong) {
  MachineDescription machine;
  llvm::Error error = fairway::parseMachine("ghz=3 l2-bytes=x", machine);
  EXPECT_EQ(toString(std::move(error)),
            "'x' makes no sense as a machine's l2-bytes");
  EXPECT_EQ(machine.ghz, MachineDescription().ghz);
}

TEST(MachineShare, IsWhatNeighboursLeave) {
  MachineDescription machine;
  machine.l3Bytes = 32 << 20;
  machine.l3Cores = 8;
  EXPECT_EQ(machine.l3Share(1), 32 << 20);
  EXPECT_EQ(machine.l3Share(4), 8 << 20);
  EXPECT_EQ(machine.l3Share(64), 4 << 20);
}

} // namespace
