//===- CpuFeatures.h - what this machine's CPU can do -----------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_CPUFEATURES_H
#define FAIRWAY_LIB_RUNTIME_CPUFEATURES_H

#include <string>
#include <string_view>

namespace fairway::runtime {

enum class Feature { Missing, Present, Unknown };

/// Looks a feature up by LLVM's name for it. A feature whose registers the
/// operating system does not save is Missing.
Feature cpuFeature(std::string_view name);

/// The names in a comma-separated list that this CPU lacks, joined by ", ".
/// A name may carry LLVM's "+"; "-name" requires nothing. Unknown names are
/// tuning hints ("prefer-256-bit") and require nothing either.
std::string missingCpuFeatures(std::string_view required);

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_CPUFEATURES_H
