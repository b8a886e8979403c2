//===- Machine.cpp - processors as LLVM knows them
//-------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/CPU.h"
#include "fairway/Target/CompileError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

using namespace llvm;

namespace {

/// Fills LLVM's global registry of back ends.
void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    InitializeAllAsmParsers();
  });
}

Error invalid(const Twine &message) {
  return make_error<fairway::CompileError>(
      fairway::CompileError::Kind::InvalidArgument, message.str());
}

/// Instruction sets that LLVM selects by itself from our IR. Others (AES, SHA,
/// cache control, ...) are reached by intrinsics only, which we do not use.
constexpr StringLiteral selectable[] = {
    // x86-64
    "sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "fma", "f16c",
    "bmi", "bmi2", "lzcnt", "movbe", "avx512f", "avx512bw", "avx512cd",
    "avx512dq", "avx512vl", "avx512ifma", "avx512vbmi", "avx512vbmi2",
    "avx512vnni", "avx512bitalg", "avx512vpopcntdq", "avx512bf16", "avx512fp16",
    "avxvnni", "avxifma", "avxneconvert", "fma4", "xop", "gfni",
    // AArch64
    "fp-armv8", "neon", "fullfp16", "fp16fml", "dotprod", "lse", "rdm", "bf16",
    "i8mm", "sve", "sve2"};

} // namespace

std::string fairway::hostCpuName() { return sys::getHostCPUName().str(); }

std::string fairway::hostCpuFeatures() {
  SmallVector<std::string> features;
  for (const auto &entry : sys::getHostCPUFeatures())
    features.push_back((entry.second ? "+" : "-") + entry.first().str());
  // By name, whatever the sign.
  llvm::sort(features, [](StringRef a, StringRef b) {
    return a.drop_front() < b.drop_front();
  });
  return llvm::join(features, ",");
}

Expected<std::unique_ptr<TargetMachine>>
fairway::createTargetMachine(const CompileOptions &options) {
  initializeTargets();
  Triple triple(Triple::normalize(options.triple));
  if (!triple.isOSLinux() || !triple.isLittleEndian() || !triple.isArch64Bit())
    return invalid("unknown target triple '" + options.triple +
                   "': Fairway makes code for 64-bit Linux");
  std::string message;
  const llvm::Target *target = TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return invalid("unknown target triple '" + options.triple +
                   "': " + message);

  // LLVM only prints a warning about a name that it does not know.
  std::unique_ptr<MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(triple, "", ""));
  if (!subtarget->isCPUStringValid(options.cpu))
    return invalid("unknown processor '" + options.cpu + "' for " +
                   triple.getArchName());
  SmallVector<StringRef> names;
  StringRef(options.features).split(names, ',', -1, /*KeepEmpty=*/false);
  for (StringRef name : names) {
    StringRef bare = name;
    bool sign = bare.consume_front("+") || bare.consume_front("-");
    if (!sign ||
        none_of(subtarget->getAllProcessorFeatures(), [&](const auto &known) {
          return bare == StringRef(known.Key);
        }))
      return invalid("unknown processor feature '" + name + "' for " +
                     triple.getArchName() + " (each is a name after + or -)");
  }

  TargetOptions target_options;
  // Fused multiply-adds are explicit; nothing else may be contracted.
  target_options.AllowFPOpFusion = FPOpFusion::Standard;
  target_options.NoTrappingFPMath = true;
  // Lets the linker drop what no plan uses.
  target_options.FunctionSections = true;
  target_options.DataSections = true;
  constexpr CodeGenOptLevel levels[] = {
      CodeGenOptLevel::None, CodeGenOptLevel::Less, CodeGenOptLevel::Default,
      CodeGenOptLevel::Aggressive};
  return std::unique_ptr<TargetMachine>(target->createTargetMachine(
      triple, options.cpu, options.features, target_options, Reloc::PIC_,
      std::nullopt, levels[std::min(options.optLevel, 3u)]));
}

fairway::CpuTraits fairway::getCpuTraits(const TargetMachine &machine) {
  const MCSubtargetInfo &subtarget = *machine.getMCSubtargetInfo();
  SmallVector<StringRef> required;
  for (const auto &feature : subtarget.getAllProcessorFeatures())
    if (subtarget.getFeatureBits().test(feature.Value) &&
        is_contained(selectable, StringRef(feature.Key)))
      required.push_back(feature.Key);
  CpuTraits traits;
  traits.required = llvm::join(required, ",");
  traits.fma = machine.getTargetTriple().isAArch64() ||
               is_contained(required, "fma") ||
               is_contained(required, "avx512f");
  return traits;
}
