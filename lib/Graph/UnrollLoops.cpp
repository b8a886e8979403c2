//===- UnrollLoops.cpp - loops around tensors become straight code --------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Graph/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"

namespace fairway {
#define GEN_PASS_DEF_UNROLLLOOPS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {
struct UnrollLoops : public fairway::impl::UnrollLoopsBase<UnrollLoops> {
  using UnrollLoopsBase::UnrollLoopsBase;

  void runOnOperation() override {
    SmallVector<scf::ForOp> loops; // the innermost first
    getOperation()->walk([&](scf::ForOp loop) {
      if (!loop->getParentOfType<linalg::LinalgOp>())
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops) {
      std::optional<APInt> steps = loop.getStaticTripCount();
      if (!steps || steps->getActiveBits() > 32)
        continue;
      uint64_t operations = 0;
      loop.getBody()->walk([&](Operation *) { ++operations; });
      if (steps->getZExtValue() * operations > mostOperations)
        continue;
      // Upstream leaves a loop without a step as it is.
      if (steps->isZero()) {
        loop->replaceAllUsesWith(loop.getInitArgs());
        loop.erase();
      } else if (failed(loopUnrollFull(loop))) {
        continue;
      }
      ++numUnrolled;
    }
  }
};
} // namespace
