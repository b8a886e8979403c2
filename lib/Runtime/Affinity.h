//===- Affinity.h - which CPUs a thread may use -----------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_AFFINITY_H
#define FAIRWAY_LIB_RUNTIME_AFFINITY_H

#include <sched.h>

namespace fairway::runtime {

/// The CPUs that the calling thread may run on. Empty if the system does not
/// say (a machine with more than 1024 CPUs).
cpu_set_t callerCpus();

/// Number of hardware threads in `cpus`, at least 1.
unsigned hardwareThreads(const cpu_set_t &cpus);

/// Number of physical cores in `cpus`, limited by the control group's CPU
/// quota; at least 1.
unsigned usableCores(const cpu_set_t &cpus);

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_AFFINITY_H
