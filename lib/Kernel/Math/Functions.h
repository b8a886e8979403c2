//===- Functions.h - own vector math --------------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// Single-precision functions, each at most 2 ulp from the exact value for all
/// arguments (denormals, infinities and NaN included) on targets with fused
/// multiply-add. Coefficients come from `tools/math/minimax.py`.
///
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_MATH_FUNCTIONS_H
#define FAIRWAY_LIB_KERNEL_MATH_FUNCTIONS_H

#include "FloatBuilder.h"

namespace fairway {

// Exponential.cpp
mlir::Value emitExp(FloatBuilder &f, mlir::Value x);
mlir::Value emitExp2(FloatBuilder &f, mlir::Value x);
mlir::Value emitExpM1(FloatBuilder &f, mlir::Value x);

// Sigmoidal.cpp
mlir::Value emitSigmoid(FloatBuilder &f, mlir::Value x);
mlir::Value emitTanh(FloatBuilder &f, mlir::Value x);

// Erf.cpp
mlir::Value emitErf(FloatBuilder &f, mlir::Value x);
/// `x (1 + erf (x / sqrt 2)) / 2`; for negative x as exact as that sum.
mlir::Value emitGelu(FloatBuilder &f, mlir::Value x);
/// The same with tanh (sqrt (2 / pi) (x + 0.044715 x^3)) for erf.
mlir::Value emitGeluTanh(FloatBuilder &f, mlir::Value x);

// Logarithm.cpp
mlir::Value emitLog(FloatBuilder &f, mlir::Value x);
mlir::Value emitLog2(FloatBuilder &f, mlir::Value x);
mlir::Value emitLog10(FloatBuilder &f, mlir::Value x);
mlir::Value emitLog1P(FloatBuilder &f, mlir::Value x);

// Trigonometric.cpp
mlir::Value emitSin(FloatBuilder &f, mlir::Value x);
mlir::Value emitCos(FloatBuilder &f, mlir::Value x);

// Power.cpp
/// x^y as IEEE 754 defines pow, special cases included.
mlir::Value emitPow(FloatBuilder &f, mlir::Value x, mlir::Value y);

/// x = 2^exponent (1 + fraction), 1 + fraction between the roots of 1/2 and of
/// 2; the exponent as f32.
struct Split {
  mlir::Value exponent, fraction;
};

/// Splits positive numbers, denormal ones too.
Split splitExponent(FloatBuilder &f, mlir::Value x);

/// 2^k for the integer in the lowest bits of `rounded`: a shift moves it to the
/// exponent, and all other bits out.
mlir::Value powerOfTwo(FloatBuilder &f, mlir::Value rounded);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_MATH_FUNCTIONS_H
