//===- KnownMachines.cpp - what is known of processors by name ------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/CPU.h"
#include "fairway/Target/CompileError.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;
using fairway::MachineDescription;

namespace {

/// A row of the table: a server of the kind where there are several. Caches are
/// in KiB, the shared one in MiB; bandwidths in bytes a cycle for the caches
/// and GB/s for memory.
struct KnownMachine {
  StringLiteral name; ///< LLVM's, or what it begins with
  int fmaPorts;       ///< for vectors of up to 256 bits
  int fmaPorts512;
  double ghz;
  int64_t l1, l2, l3, l3Cores;
  double l2PerCycle, l3PerCycle, memory, totalMemory;
};

/// The first row that fits counts.
constexpr KnownMachine knownMachines[] = {
    // AMD
    {"znver1", 1, 1, 2.8, 32, 512, 8, 4, 24, 8, 14, 60},
    {"znver2", 2, 1, 3.0, 32, 512, 16, 4, 32, 10, 16, 80},
    {"znver3", 2, 1, 3.0, 32, 512, 32, 8, 32, 12, 18, 80},
    {"znver4", 2, 1, 3.4, 32, 1024, 32, 8, 32, 12, 25, 160},
    {"znver5", 2, 2, 3.6, 48, 1024, 32, 8, 64, 14, 30, 200},
    // Intel, servers
    {"skylake-avx512", 2, 2, 2.6, 32, 1024, 27, 20, 50, 8, 13, 80},
    {"cascadelake", 2, 2, 2.8, 32, 1024, 27, 20, 50, 8, 14, 90},
    {"cooperlake", 2, 2, 2.8, 32, 1024, 27, 20, 50, 8, 14, 90},
    {"icelake-server", 2, 2, 2.8, 48, 1280, 48, 32, 50, 9, 14, 120},
    {"sapphirerapids", 2, 2, 2.8, 48, 2048, 96, 48, 50, 9, 14, 180},
    {"emeraldrapids", 2, 2, 2.8, 48, 2048, 256, 56, 50, 9, 15, 200},
    {"graniterapids", 2, 2, 3.0, 48, 2048, 336, 86, 50, 9, 18, 300},
    // Intel, clients
    {"haswell", 2, 1, 3.4, 32, 256, 8, 4, 32, 10, 15, 20},
    {"broadwell", 2, 1, 3.4, 32, 256, 8, 4, 32, 10, 15, 20},
    {"skylake", 2, 1, 3.8, 32, 256, 8, 4, 32, 10, 18, 28},
    {"icelake-client", 2, 1, 3.6, 48, 512, 8, 4, 45, 10, 20, 35},
    {"tigerlake", 2, 1, 4.0, 48, 1280, 12, 4, 45, 10, 20, 40},
    {"alderlake", 2, 1, 4.2, 48, 1280, 30, 8, 45, 10, 25, 50},
    {"raptorlake", 2, 1, 4.6, 48, 2048, 36, 8, 45, 10, 28, 60},
    {"arrowlake", 2, 1, 4.6, 48, 3072, 36, 8, 45, 10, 30, 70},
    // Levels stand for the servers that have them.
    {"x86-64-v4", 2, 2, 2.8, 32, 1024, 32, 16, 50, 9, 14, 100},
    {"x86-64-v3", 2, 1, 2.8, 32, 512, 16, 8, 32, 10, 15, 60},
    {"x86-64", 1, 1, 2.8, 32, 256, 8, 4, 24, 8, 12, 30},
    // AArch64
    {"neoverse-n1", 2, 1, 2.6, 64, 1024, 32, 64, 24, 8, 15, 150},
    {"neoverse-n2", 2, 1, 2.8, 64, 1024, 64, 64, 32, 10, 20, 200},
    {"neoverse-v1", 4, 1, 2.6, 64, 1024, 32, 64, 32, 10, 20, 200},
    {"neoverse-v2", 4, 1, 3.0, 64, 2048, 114, 72, 40, 10, 25, 300},
    {"apple-m", 4, 1, 3.2, 128, 3072, 8, 4, 32, 16, 50, 90},
    {"cortex-a", 1, 1, 2.0, 32, 256, 2, 4, 16, 6, 6, 12},
};

/// What a name that is not in the table gets.
const KnownMachine &findKnown(StringRef name, bool aarch64) {
  StringRef fallback = aarch64 ? "neoverse-n1" : "x86-64-v3";
  const KnownMachine *chosen = nullptr;
  for (const KnownMachine &known : knownMachines) {
    if (name.starts_with(known.name))
      return known;
    if (known.name == fallback)
      chosen = &known;
  }
  return *chosen;
}

} // namespace

MachineDescription fairway::describeProcessor(const TargetMachine &machine) {
  const MCSubtargetInfo &subtarget = *machine.getMCSubtargetInfo();
  auto has = [&](StringRef feature) {
    return subtarget.checkFeatures(("+" + feature).str());
  };
  bool aarch64 = machine.getTargetTriple().isAArch64();
  const KnownMachine &known = findKnown(machine.getTargetCPU(), aarch64);

  MachineDescription found;
  bool wide = !aarch64 && has("avx512f");
  found.vectorBits = wide ? 512 : !aarch64 && has("avx") ? 256 : 128;
  // AArch64 has 32 as well, but multiplies by an element of a register, and the
  // scheduler loads several of these ahead: a tile that leaves none spills.
  found.vectorRegisters = wide ? 32 : aarch64 ? 28 : 16;
  found.fmaPorts = wide ? known.fmaPorts512 : known.fmaPorts;
  // A multiplication and an addition instead keep two ports busy.
  if (!aarch64 && !wide && !has("fma"))
    found.fmaPorts = 1;
  found.ghz = known.ghz;
  found.l1Bytes = known.l1 << 10;
  found.l2Bytes = known.l2 << 10;
  found.l3Bytes = known.l3 << 20;
  found.l3Cores = known.l3Cores;
  found.l2Bandwidth = known.l2PerCycle * known.ghz;
  found.l3Bandwidth = known.l3PerCycle * known.ghz;
  found.memoryBandwidth = known.memory;
  found.totalMemoryBandwidth = known.totalMemory;
  return found;
}

Expected<MachineDescription>
fairway::describeMachine(const CompileOptions &options, bool host) {
  auto machine = createTargetMachine(options);
  if (!machine)
    return machine.takeError();
  MachineDescription found = describeProcessor(**machine);
  if (host)
    readHost("/sys/devices/system/cpu", found);
  if (Error error = parseMachine(options.machine, found))
    return make_error<CompileError>(CompileError::Kind::InvalidArgument,
                                    toString(std::move(error)));
  return found;
}
