//===- Variants.cpp - what tuning may try with each kernel ----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Kernel/Variants.h"
#include "KernelCalls.h"
#include "TileRoots.h"
#include "TileSizes.h"
#include "fairway/Kernel/Config.h"

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;
using namespace fairway;

/// Tilings that are worth measuring beside each other differ by this factor in
/// one loop at least.
static constexpr double kDistinct = 1.5;

std::string fairway::getKernelId(func::FuncOp kernel) {
  OwningOpRef<func::FuncOp> copy = kernel.clone();
  copy->setSymName("kernel");
  copy->getOperation()->removeAttr(kConfigAttr);
  std::string text;
  llvm::raw_string_ostream stream(text);
  copy->print(stream, OpPrintingFlags().useLocalScope());
  auto sum = llvm::SHA256::hash(llvm::arrayRefFromStringRef(text));
  return llvm::toHex(ArrayRef(sum).take_front(16), /*LowerCase=*/true);
}

LogicalResult fairway::applyConfigs(ModuleOp module, StringRef lines) {
  llvm::StringMap<StringRef> known;
  while (!lines.empty()) {
    StringRef line;
    std::tie(line, lines) = lines.split('\n');
    auto [id, config] = line.split(' ');
    if (!config.empty())
      known[id] = config;
  }
  if (known.empty())
    return success();
  for (func::FuncOp kernel : getKernels(module)) {
    auto found = known.find(getKernelId(kernel));
    if (found == known.end())
      continue;
    FailureOr<KernelConfigAttr> config =
        parseConfig(found->second, kernel.getLoc());
    if (failed(config))
      return failure();
    kernel->setAttr(kConfigAttr, *config);
  }
  return success();
}

/// Whether no loop of two tilings differs by enough.
static bool areNear(ArrayRef<int64_t> a, ArrayRef<int64_t> b,
                    ArrayRef<int64_t> sizes) {
  for (auto [loop, size] : llvm::enumerate(sizes)) {
    double x = double(a.empty() || a[loop] == 0 ? size : a[loop]);
    double y = double(b.empty() || b[loop] == 0 ? size : b[loop]);
    if (std::max(x, y) >= kDistinct * std::min(x, y))
      return false;
  }
  return true;
}

std::vector<SmallVector<int64_t>>
fairway::rankTiles(func::FuncOp kernel, const MachineDescription &machine,
                   unsigned threads, unsigned count) {
  IRRewriter rewriter(kernel.getContext());
  exposeCopies(kernel, rewriter);
  linalg::LinalgOp root = findSingleRoot(kernel);
  if (!root || count == 0)
    return {};
  std::vector<SmallVector<int64_t>> ranked{
      chooseTileSizes(root, machine, threads)};
  // By price, and among equal ones in the order of the search.
  std::vector<std::tuple<double, size_t, SmallVector<int64_t>>> all;
  visitTileSizes(root, machine, threads,
                 [&](double price, ArrayRef<int64_t> tile) {
                   all.emplace_back(price, all.size(), tile);
                 });
  llvm::sort(all, [](const auto &a, const auto &b) {
    return std::tie(std::get<0>(a), std::get<1>(a)) <
           std::tie(std::get<0>(b), std::get<1>(b));
  });
  SmallVector<int64_t> sizes = root.getStaticLoopRanges();
  for (auto &candidate : all) {
    if (ranked.size() >= count)
      break;
    ArrayRef<int64_t> tile = std::get<2>(candidate);
    if (llvm::none_of(ranked, [&](ArrayRef<int64_t> other) {
          return areNear(other, tile, sizes);
        }))
      ranked.emplace_back(tile);
  }
  return ranked;
}
