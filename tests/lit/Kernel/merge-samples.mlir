// RUN: fairway-opt %s --fairway-merge-samples --split-input-file --verify-diagnostics | FileCheck %s

// What is the same in all samples stays; what is not is loaded.

// CHECK: fairway.expressions = {{\[\[}}[1, 1]], {{\[\[}}512, 0]], {{\[\[}}576, 0]], []]
// CHECK-SAME: fairway.scratch = [2, 3]
// CHECK: func.func private @scale(%[[SIZES:.*]]: memref<0xi64> {fairway.sizes}, %[[X:.*]]: memref<0xf32>, %{{.*}}: memref<8xf32>, %[[Y:.*]]: memref<0xf32>)
// CHECK: %[[LOADED:.*]] = memref.load %[[SIZES]][%c0
// CHECK: %[[BATCH:.*]] = arith.index_cast %[[LOADED]]
// CHECK: memref.reinterpret_cast %[[Y]] to offset: [0], sizes: [%[[BATCH]], 8], strides: [8, 1] : memref<0xf32> to memref<?x8xf32, strided<[8, 1]>>
// CHECK: memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[BATCH]], 8]
// CHECK: scf.forall (%[[I:.*]]) = (0) to (%[[BATCH]]) step (16)
// CHECK: affine.min #{{.*}}(%[[I]])[%[[BATCH]]]
// CHECK: memref.alloc(%{{.*}}) {fairway.bound = 1 : i64} : memref<?x8xf32>
// The constant that was the size is computed from it.
// CHECK: arith.divf %{{.*}}, %[[MEAN:.*]] : f32
// CHECK: func.func private @same(%{{.*}}: memref<8xf32>, %{{.*}}: memref<8xf32>)
module {
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1009}]} {
    func.func private @scale(%x: memref<1009x8xf32>, %w: memref<8xf32>, %y: memref<1009x8xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.flops = 16144 : i64, fairway.bytes = 64608 : i64} {
      %size = arith.constant 1009 : index
      %mean = arith.constant 1009.0 : f32
      scf.forall (%i) = (0) to (1009) step (16) {
        %rows = affine.min affine_map<(d0) -> (-d0 + 1009, 16)>(%i)
        %from = memref.subview %x[%i, 0] [%rows, 8] [1, 1] : memref<1009x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
        %to = memref.subview %y[%i, 0] [%rows, 8] [1, 1] : memref<1009x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
        %own = memref.alloc(%rows) : memref<?x8xf32>
        linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%from, %w : memref<?x8xf32, strided<[8, 1], offset: ?>>, memref<8xf32>) outs(%own : memref<?x8xf32>) {
        ^bb0(%a: f32, %b: f32, %c: f32):
          %m = arith.mulf %a, %b : f32
          %d = arith.divf %m, %mean : f32
          linalg.yield %d : f32
        }
        memref.copy %own, %to : memref<?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      }
      return
    }
    func.func private @same(%x: memref<8xf32>, %y: memref<8xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
      memref.copy %x, %y : memref<8xf32> to memref<8xf32>
      return
    }
  }
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1082}]} {
    func.func private @scale(%x: memref<1082x8xf32>, %w: memref<8xf32>, %y: memref<1082x8xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.flops = 17312 : i64, fairway.bytes = 69280 : i64} {
      %size = arith.constant 1082 : index
      %mean = arith.constant 1082.0 : f32
      scf.forall (%i) = (0) to (1082) step (16) {
        %rows = affine.min affine_map<(d0) -> (-d0 + 1082, 16)>(%i)
        %from = memref.subview %x[%i, 0] [%rows, 8] [1, 1] : memref<1082x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
        %to = memref.subview %y[%i, 0] [%rows, 8] [1, 1] : memref<1082x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
        %own = memref.alloc(%rows) : memref<?x8xf32>
        linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%from, %w : memref<?x8xf32, strided<[8, 1], offset: ?>>, memref<8xf32>) outs(%own : memref<?x8xf32>) {
        ^bb0(%a: f32, %b: f32, %c: f32):
          %m = arith.mulf %a, %b : f32
          %d = arith.divf %m, %mean : f32
          linalg.yield %d : f32
        }
        memref.copy %own, %to : memref<?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      }
      return
    }
    func.func private @same(%x: memref<8xf32>, %y: memref<8xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
      memref.copy %x, %y : memref<8xf32> to memref<8xf32>
      return
    }
  }
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1151}]} {
    func.func private @scale(%x: memref<1151x8xf32>, %w: memref<8xf32>, %y: memref<1151x8xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.flops = 18416 : i64, fairway.bytes = 73696 : i64} {
      %size = arith.constant 1151 : index
      %mean = arith.constant 1151.0 : f32
      scf.forall (%i) = (0) to (1151) step (16) {
        %rows = affine.min affine_map<(d0) -> (-d0 + 1151, 16)>(%i)
        %from = memref.subview %x[%i, 0] [%rows, 8] [1, 1] : memref<1151x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
        %to = memref.subview %y[%i, 0] [%rows, 8] [1, 1] : memref<1151x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
        %own = memref.alloc(%rows) : memref<?x8xf32>
        linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%from, %w : memref<?x8xf32, strided<[8, 1], offset: ?>>, memref<8xf32>) outs(%own : memref<?x8xf32>) {
        ^bb0(%a: f32, %b: f32, %c: f32):
          %m = arith.mulf %a, %b : f32
          %d = arith.divf %m, %mean : f32
          linalg.yield %d : f32
        }
        memref.copy %own, %to : memref<?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      }
      return
    }
    func.func private @same(%x: memref<8xf32>, %y: memref<8xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
      memref.copy %x, %y : memref<8xf32> to memref<8xf32>
      return
    }
  }
}

// -----

// Six rows, the last ones again: there are sizes that have fewer.
module {
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1009}]} {
    func.func private @shift(%y: memref<1009xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
      %zero = arith.constant 0.0 : f32
      scf.forall (%i) = (0) to (1009) step (6) {
        // expected-error @+1 {{unsupported operation: a number in it depends on sizes that are to stay open, and is no sum of products of them, or negative for some}}
        %from = affine.min affine_map<(d0) -> (d0, 1003)>(%i)
        %to = memref.subview %y[%from] [6] [1] : memref<1009xf32> to memref<6xf32, strided<[1], offset: ?>>
        linalg.fill ins(%zero : f32) outs(%to : memref<6xf32, strided<[1], offset: ?>>)
      }
      return
    }
  }
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1082}]} {
    func.func private @shift(%y: memref<1082xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
      %zero = arith.constant 0.0 : f32
      scf.forall (%i) = (0) to (1082) step (6) {
        %from = affine.min affine_map<(d0) -> (d0, 1076)>(%i)
        %to = memref.subview %y[%from] [6] [1] : memref<1082xf32> to memref<6xf32, strided<[1], offset: ?>>
        linalg.fill ins(%zero : f32) outs(%to : memref<6xf32, strided<[1], offset: ?>>)
      }
      return
    }
  }
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1151}]} {
    func.func private @shift(%y: memref<1151xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
      %zero = arith.constant 0.0 : f32
      scf.forall (%i) = (0) to (1151) step (6) {
        %from = affine.min affine_map<(d0) -> (d0, 1145)>(%i)
        %to = memref.subview %y[%from] [6] [1] : memref<1151xf32> to memref<6xf32, strided<[1], offset: ?>>
        linalg.fill ins(%zero : f32) outs(%to : memref<6xf32, strided<[1], offset: ?>>)
      }
      return
    }
  }
}

// -----

module {
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1009}]} {
    func.func private @half(%y: memref<1009xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
      %zero = arith.constant 0.0 : f32
      // expected-error @+1 {{unsupported operation: a number in it depends on sizes that are to stay open, and is no sum of products of them, or negative for some}}
      %to = memref.subview %y[504] [1] [1] : memref<1009xf32> to memref<1xf32, strided<[1], offset: 504>>
      linalg.fill ins(%zero : f32) outs(%to : memref<1xf32, strided<[1], offset: 504>>)
      return
    }
  }
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1082}]} {
    func.func private @half(%y: memref<1082xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
      %zero = arith.constant 0.0 : f32
      %to = memref.subview %y[541] [1] [1] : memref<1082xf32> to memref<1xf32, strided<[1], offset: 541>>
      linalg.fill ins(%zero : f32) outs(%to : memref<1xf32, strided<[1], offset: 541>>)
      return
    }
  }
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1151}]} {
    func.func private @half(%y: memref<1151xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
      %zero = arith.constant 0.0 : f32
      %to = memref.subview %y[575] [1] [1] : memref<1151xf32> to memref<1xf32, strided<[1], offset: 575>>
      linalg.fill ins(%zero : f32) outs(%to : memref<1xf32, strided<[1], offset: 575>>)
      return
    }
  }
}

// -----

// Two samples do not tell enough.
// expected-error @+2 {{a model of open sizes has three samples, not 2}}
module {
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1009}]} {
    func.func private @same(%x: memref<8xf32>, %y: memref<8xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
      memref.copy %x, %y : memref<8xf32> to memref<8xf32>
      return
    }
  }
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1082}]} {
    func.func private @same(%x: memref<8xf32>, %y: memref<8xf32>) attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
      memref.copy %x, %y : memref<8xf32> to memref<8xf32>
      return
    }
  }
}
