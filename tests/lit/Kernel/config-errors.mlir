// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s --pass-pipeline='builtin.module(func.func(fairway-tile-kernels))' -split-input-file -verify-diagnostics
//
// Configurations that make no sense, or do not fit their kernel.

// expected-error @+1 {{a tile size of -4 makes no sense}}
func.func private @negative() attributes {fairway.config = #fairway.kernel_config<tile = [-4]>, fairway.kernel = "x"}

// -----

// expected-error @+1 {{'rows' is 0, not from 1 to 32}}
func.func private @no_rows() attributes {fairway.config = #fairway.kernel_config<rows = 0>, fairway.kernel = "x"}

// -----

// expected-error @+1 {{'vectors' is 9, not from 1 to 8}}
func.func private @many_vectors() attributes {fairway.config = #fairway.kernel_config<vectors = 9>, fairway.kernel = "x"}

// -----

// expected-error @+1 {{'piece' is -1, not from 0 to}}
func.func private @negative_piece() attributes {fairway.config = #fairway.kernel_config<piece = -1>, fairway.kernel = "x"}

// -----

// expected-error @+1 {{'prefetch' is 100, not from 0 to 8}}
func.func private @far_ahead() attributes {fairway.config = #fairway.kernel_config<prefetch = 100>, fairway.kernel = "x"}

// -----

// expected-error @+1 {{'fairway.config' is no #fairway.kernel_config}}
func.func private @other_attribute() attributes {fairway.config = [4, 0], fairway.kernel = "x"}

// -----

// expected-error @+1 {{'fairway.config' is only for kernels}}
func.func private @no_kernel() attributes {fairway.config = #fairway.kernel_config<rows = 4>}

// -----

#id = affine_map<(a, b) -> (a, b)>
func.func private @wrong_rank(%x: tensor<64x64xf32>, %out: tensor<64x64xf32>) -> tensor<64x64xf32>
    attributes {fairway.config = #fairway.kernel_config<tile = [4]>, fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
  // expected-error @+1 {{has 2 loops, 'tile' in the kernel's configuration is for 1}}
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<64x64xf32>) outs(%out : tensor<64x64xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<64x64xf32>
  return %0 : tensor<64x64xf32>
}

// -----

#x = affine_map<(a, b) -> (a, b)>
#row = affine_map<(a, b) -> (a)>
func.func private @reduction(%x: tensor<64x64xf32>, %out: tensor<64xf32>) -> tensor<64xf32>
    attributes {fairway.config = #fairway.kernel_config<tile = [16, 16]>, fairway.kernel = "reduction", fairway.num_outs = 1 : i64} {
  // expected-error @+1 {{cannot be divided along loop 1}}
  %0 = linalg.generic {indexing_maps = [#x, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<64x64xf32>) outs(%out : tensor<64xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %o : f32
    linalg.yield %s : f32
  } -> tensor<64xf32>
  return %0 : tensor<64xf32>
}

// -----

// expected-error @+1 {{a kernel with several results or none has no 'tile'}}
func.func private @concat(%a: tensor<1024x256xf32>, %b: tensor<1024x256xf32>, %out: tensor<1024x512xf32>) -> tensor<1024x512xf32>
    attributes {fairway.config = #fairway.kernel_config<tile = [64, 0]>, fairway.kernel = "insert", fairway.num_outs = 1 : i64} {
  %0 = tensor.insert_slice %a into %out[0, 0] [1024, 256] [1, 1] : tensor<1024x256xf32> into tensor<1024x512xf32>
  %1 = tensor.insert_slice %b into %0[0, 256] [1024, 256] [1, 1] : tensor<1024x256xf32> into tensor<1024x512xf32>
  return %1 : tensor<1024x512xf32>
}

// -----

// The border must be there before what lies inside: tiles cannot be right.
// expected-error @+1 {{the kernel cannot be tiled as its configuration says}}
func.func private @pad(%a: tensor<1024x256xf32>, %out: tensor<1026x256xf32>) -> tensor<1026x256xf32>
    attributes {fairway.config = #fairway.kernel_config<tile = [64, 0]>, fairway.kernel = "insert", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%out : tensor<1026x256xf32>) -> tensor<1026x256xf32>
  %0 = tensor.insert_slice %a into %fill[1, 0] [1024, 256] [1, 1] : tensor<1024x256xf32> into tensor<1026x256xf32>
  return %0 : tensor<1026x256xf32>
}
