//===- TileContraction.cpp - a kernel's contraction in a tile -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileContraction.h"
#include "fairway/Support/Sizes.h"

using namespace mlir;

namespace fairway {

std::optional<TileContraction> matchContraction(const Member &member,
                                                unsigned number) {
  linalg::LinalgOp op = member.op;
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1)
    return std::nullopt;
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!out.isProjectedPermutation() || out.getNumResults() < 2)
    return std::nullopt;
  unsigned vector = out.getDimPosition(out.getNumResults() - 1);
  for (OpOperand *weights : op.getDpsInputOperands()) {
    OpOperand *image = op.getDpsInputOperand(1 - weights->getOperandNumber());
    TileContraction found{
        number, weights->getOperandNumber(), image->getOperandNumber(), {}, {},
        1};
    AffineMap map = op.getMatchingIndexingMap(weights);
    AffineMap other = op.getMatchingIndexingMap(image);
    for (AffineExpr expr : out.getResults()) {
      unsigned loop = cast<AffineDimExpr>(expr).getPosition();
      if (map.isFunctionOfDim(loop) && other.isFunctionOfDim(loop)) {
        if (!member.rootLoop[loop])
          found.places *= Hints(op).of(op)[loop];
        continue;
      }
      if (!member.rootLoop[loop])
        return std::nullopt;
      if (!map.isFunctionOfDim(loop))
        found.rows.push_back(loop);
      else if (loop != vector && !other.isFunctionOfDim(loop))
        found.panels.push_back(*member.rootLoop[loop]);
    }
    if (map.isFunctionOfDim(vector) && !found.rows.empty())
      return found;
  }
  return std::nullopt;
}

} // namespace fairway
