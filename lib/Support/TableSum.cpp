//===- TableSum.cpp - sums with fixed factors -----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Support/TableSum.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fairway;

double TableSum::density() const {
  int64_t used =
      llvm::count_if(factors.getValues<APFloat>(),
                     [](const APFloat &factor) { return !factor.isZero(); });
  return double(used) / double(factors.getNumElements());
}

/// The constant that `value` is, or that lies where it points to.
static DenseElementsAttr getConstant(Value value) {
  DenseElementsAttr factors;
  if (matchPattern(value, m_Constant(&factors)))
    return factors;
  auto get = value.getDefiningOp<memref::GetGlobalOp>();
  if (!get)
    return {};
  auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
      get, get.getNameAttr());
  if (!global || !global.getConstant())
    return {};
  return dyn_cast_if_present<DenseElementsAttr>(global.getConstantInitValue());
}

/// Whether the body is `acc + a * b`.
static bool multipliesAndAdds(linalg::GenericOp op) {
  Block *body = op.getBody();
  auto add =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || body->getOperations().size() != 3)
    return false;
  Value acc = body->getArgument(2);
  Value product = add.getLhs() == acc ? add.getRhs() : add.getLhs();
  auto mul = product.getDefiningOp<arith::MulFOp>();
  return mul && (add.getLhs() == acc || add.getRhs() == acc) &&
         llvm::is_contained(mul.getOperands(), body->getArgument(0)) &&
         llvm::is_contained(mul.getOperands(), body->getArgument(1));
}

std::optional<TableSum> fairway::matchTableSum(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumDpsInputs() != 2 ||
      generic.getNumDpsInits() != 1 || generic.getNumReductionLoops() == 0 ||
      !multipliesAndAdds(generic))
    return std::nullopt;
  for (unsigned table : {0u, 1u}) {
    DenseElementsAttr factors = getConstant(generic.getInputs()[table]);
    if (factors && isa<FloatType>(factors.getElementType()))
      return TableSum{table, 1 - table, factors};
  }
  return std::nullopt;
}
