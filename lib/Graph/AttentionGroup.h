//===- AttentionGroup.h - recognises attention ----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_GRAPH_ATTENTIONGROUP_H
#define FAIRWAY_LIB_GRAPH_ATTENTIONGROUP_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SetVector.h"

namespace fairway {

/// If `root` is the last op of an attention, all ops of it, `root` first:
/// - a contraction of scores, masked, exponentiated or whatever else is done
///   to them row by row, with values; `root` is this or an element-wise op on
///   its result;
/// - what computes the scores, up to another contraction;
/// - the transpositions of operands of both that nobody else reads.
/// One kernel can compute them for a tile of rows. Empty if `root` is
/// something else.
llvm::SetVector<mlir::Operation *> findAttention(mlir::linalg::GenericOp root);

} // namespace fairway

#endif // FAIRWAY_LIB_GRAPH_ATTENTIONGROUP_H
