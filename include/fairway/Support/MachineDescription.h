//===- MachineDescription.h - what the cost models know of a machine ------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A plain value that the driver hands to every stage. It has a text form,
// `vector-bits=256 fma-ports=2 ...`, in which it travels through options of
// passes (`machine={...}`), the C API, Python and the cache's key.
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_MACHINEDESCRIPTION_H
#define FAIRWAY_SUPPORT_MACHINEDESCRIPTION_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace fairway {

/// Estimates that steer choices, never whether code is right. The defaults are
/// an x86-64 server core with AVX2.
struct MachineDescription {
  /// Width of the vector registers to use, in bits: 128, 256 or 512.
  int64_t vectorBits = 256;
  /// Number of vector registers.
  int64_t vectorRegisters = 16;
  /// Vectors of `vectorBits` that are multiplied and added in one cycle.
  int64_t fmaPorts = 2;
  /// Clock under load, in GHz.
  double ghz = 2.8;
  /// A core's own first-level data cache, in bytes.
  int64_t l1Bytes = 32 * 1024;
  /// A core's second-level cache, in bytes.
  int64_t l2Bytes = 512 * 1024;
  /// One last-level cache, in bytes; 0: there is none.
  int64_t l3Bytes = 16 * 1024 * 1024;
  /// How many cores share one last-level cache.
  int64_t l3Cores = 8;
  /// Bandwidths of one core that has the level for itself, in gigabytes (1e9)
  /// a second.
  double l2Bandwidth = 100, l3Bandwidth = 30, memoryBandwidth = 15;
  /// Bandwidth of memory for all cores together, in gigabytes a second.
  double totalMemoryBandwidth = 40;

  /// Peak of one core in single precision, in GFLOP/s.
  double peakGflops() const {
    return 2.0 * double(vectorBits) / 32.0 * double(fmaPorts) * ghz;
  }

  /// Bytes of the last-level cache that each of `threads` workers can count on,
  /// if they sit on neighbouring cores.
  int64_t l3Share(unsigned threads) const {
    int64_t sharing = std::min<int64_t>(std::max(1u, threads), l3Cores);
    return l3Bytes / std::max<int64_t>(1, sharing);
  }
};

/// Calls `visit(name, value, low, high)` for every field in the order of the
/// text form; a value outside of the bounds makes no sense.
template <typename Machine, typename Visitor>
void visitFields(Machine &machine, Visitor visit) {
  constexpr double tera = 1e12;
  visit("vector-bits", machine.vectorBits, 128, 512);
  visit("vector-registers", machine.vectorRegisters, 8, 64);
  visit("fma-ports", machine.fmaPorts, 1, 16);
  visit("ghz", machine.ghz, 0.1, 20);
  visit("l1-bytes", machine.l1Bytes, 4096, tera);
  visit("l2-bytes", machine.l2Bytes, 4096, tera);
  visit("l3-bytes", machine.l3Bytes, 0, tera);
  visit("l3-cores", machine.l3Cores, 1, 4096);
  visit("l2-bandwidth", machine.l2Bandwidth, 0.1, tera);
  visit("l3-bandwidth", machine.l3Bandwidth, 0.1, tera);
  visit("memory-bandwidth", machine.memoryBandwidth, 0.1, tera);
  visit("total-memory-bandwidth", machine.totalMemoryBandwidth, 0.1, tera);
}

/// Replaces the fields that `text` names, `name=value` with spaces between
/// them. Unknown names and values that make no sense are errors.
llvm::Error parseMachine(llvm::StringRef text, MachineDescription &machine);

/// The text form, all fields.
std::string printMachine(const MachineDescription &machine);

} // namespace fairway

/// As an option of a pass: `machine={vector-bits=512 l2-bytes=1048576}`.
template <>
class llvm::cl::parser<fairway::MachineDescription>
    : public basic_parser<fairway::MachineDescription> {
public:
  using basic_parser::basic_parser;
  bool parse(Option &option, StringRef name, StringRef text,
             fairway::MachineDescription &value);
  void printOptionDiff(const Option &, const fairway::MachineDescription &,
                       const OptionValue<fairway::MachineDescription> &,
                       size_t) const {}
  static void print(raw_ostream &os, const fairway::MachineDescription &value) {
    os << '{' << fairway::printMachine(value) << '}';
  }
};

#endif // FAIRWAY_SUPPORT_MACHINEDESCRIPTION_H
