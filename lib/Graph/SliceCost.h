//===- SliceCost.h - what slices of a batch gain and cost -----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_GRAPH_SLICECOST_H
#define FAIRWAY_LIB_GRAPH_SLICECOST_H

#include "SampleDims.h"
#include "fairway/Support/MachineDescription.h"

#include "llvm/Support/MathExtras.h"

namespace fairway {

/// A call that can be made for some of the samples.
struct SlicedCall {
  mlir::func::CallOp call;
  SampleDims dims; ///< of the kernel's body
  /// Bytes of one sample, bytes that all samples read, operations of all.
  int64_t sampleBytes = 0, weightBytes = 0, flops = 0;
};

/// Seconds for each sample with all workers together, by the machine's
/// description.
class SliceCost {
public:
  SliceCost(const MachineDescription &machine, unsigned threads)
      : machine(machine), threads(std::max(1u, threads)) {}

  /// Bytes that a kernel may touch and the next one still finds: what it reads
  /// and writes should leave room for others in the cache that all cores share.
  int64_t cacheBytes() const {
    constexpr int64_t parts = 4;
    int64_t shared =
        machine.l3Share(threads) * std::min<int64_t>(threads, machine.l3Cores);
    return std::max(shared, machine.l2Bytes * threads) / parts;
  }

  /// Four workers divide one sample's kernels well among themselves.
  int64_t leastSamples() const {
    constexpr int64_t workersPerSample = 4;
    return llvm::divideCeil(threads, workersPerSample);
  }

  double computing(const SlicedCall &call, BatchSlices slices) const {
    return double(call.flops) / double(slices.samples) /
           (machine.peakGflops() * 1e9 * double(threads));
  }

  /// What a sample gains if its slice stays in the cache, less what reading the
  /// weights once more for each slice costs beyond what computing hides.
  double gain(const SlicedCall &call, BatchSlices slices) const {
    double memory = 1e9 * std::min(machine.totalMemoryBandwidth,
                                   machine.memoryBandwidth * double(threads));
    double cache = 1e9 * machine.l3Bandwidth * double(threads);
    double gained = 0;
    if (call.sampleBytes * slices.samples > cacheBytes() && memory < cache)
      gained = double(call.sampleBytes) * (1 / memory - 1 / cache);
    double again = double(call.weightBytes) *
                   (1.0 / double(slices.size) - 1.0 / double(slices.samples));
    bool inCache = call.weightBytes <= machine.l2Bytes;
    double reading = again / (inCache ? cache : memory);
    return gained - std::max(0.0, reading - computing(call, slices) / 2);
  }

private:
  MachineDescription machine;
  int64_t threads;
};

} // namespace fairway

#endif // FAIRWAY_LIB_GRAPH_SLICECOST_H
