/*===- fairway/Runtime/artefact.h - binary layout of a compiled model -------===
 *
 * Part of the Fairway project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A compiled model is an ELF shared library that exports exactly one symbol,
 * `fairway_artefact`, a constant of type `fairway_artefact_t`. The compiler
 * writes it (lib/Target), the runtime reads it (lib/Runtime); nothing else
 * couples the two. Plain C11, no dependencies.
 *
 * The execution plan is data: a list of steps, each a kernel and the buffers it
 * works on. A worker walks the list, runs its share of every kernel and meets
 * the other workers at a barrier where `FAIRWAY_STEP_BARRIER` asks for it.
 *===------------------------------------------------------------------------*/
#ifndef FAIRWAY_RUNTIME_ARTEFACT_H
#define FAIRWAY_RUNTIME_ARTEFACT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** First field of every artefact: "FWY1" read as a little-endian word. */
#define FAIRWAY_ARTEFACT_MAGIC 0x31595746u

/** Changes whenever a structure below changes in any way. */
#define FAIRWAY_ARTEFACT_ABI 4u

/** Every buffer in the arena and every constant starts at such a multiple. */
#define FAIRWAY_BUFFER_ALIGNMENT 64u

/** Element types. The numbers are part of the ABI. */
typedef enum fairway_dtype {
  FAIRWAY_BOOL = 0, /**< one byte, 0 or 1 */
  FAIRWAY_INT8 = 1,
  FAIRWAY_INT16 = 2,
  FAIRWAY_INT32 = 3,
  FAIRWAY_INT64 = 4,
  FAIRWAY_UINT8 = 5,
  FAIRWAY_UINT16 = 6,
  FAIRWAY_UINT32 = 7,
  FAIRWAY_UINT64 = 8,
  FAIRWAY_FLOAT16 = 9,
  FAIRWAY_BFLOAT16 = 10,
  FAIRWAY_FLOAT32 = 11,
  FAIRWAY_FLOAT64 = 12
} fairway_dtype;

/** Most sizes that a model may leave open. */
#define FAIRWAY_MAX_SIZES 8u

/** A size that each call decides: a symbolic dimension of the model. */
typedef struct fairway_size {
  const char *name;
  int64_t minimum; /**< 0 or more */
  int64_t maximum; /**< INT64_MAX if there is no limit */
} fairway_size;

/** `coefficient` times the product of all sizes, each to its power. */
typedef struct fairway_term {
  int64_t coefficient;
  uint8_t powers[FAIRWAY_MAX_SIZES];
} fairway_term;

/** A number that the sizes decide: a sum of terms. */
typedef struct fairway_expression {
  const fairway_term *terms;
  uint64_t num_terms;
} fairway_expression;

/** A field of the description that has another value for other sizes. */
typedef enum fairway_field {
  FAIRWAY_INPUT_EXTENT = 0,     /**< `inputs[index].shape[part]` */
  FAIRWAY_OUTPUT_EXTENT = 1,    /**< `outputs[index].shape[part]` */
  FAIRWAY_ALLOCATION_BYTES = 2, /**< `run.allocations[index].bytes` */
  FAIRWAY_BUFFER_OFFSET = 3,    /**< `run.steps[index].buffers[part].offset` */
  FAIRWAY_BUFFER_BYTES = 4,     /**< `run.steps[index].buffers[part].bytes` */
  FAIRWAY_STEP_FLOPS = 5,       /**< `run.steps[index].flops` */
  FAIRWAY_STEP_BYTES = 6,       /**< `run.steps[index].bytes` */
  FAIRWAY_STEP_EXTENT = 7,  /**< `run.steps[index].dimensions[part].extent` */
  FAIRWAY_SCRATCH_BYTES = 8 /**< `run.scratch_bytes`: the largest of those */
} fairway_field;

/** Says that a field is the value of expression number `expression`. */
typedef struct fairway_varying {
  uint32_t field; /**< a `fairway_field` */
  uint32_t expression;
  uint32_t index;
  uint32_t part;
} fairway_varying;

/** A tensor of the model's interface: dense, row-major. */
typedef struct fairway_tensor_desc {
  const char *name;
  uint32_t dtype; /**< a `fairway_dtype` */
  uint32_t rank;
  const int64_t *shape; /**< `rank` extents; NULL when rank is 0 */
  uint64_t bytes;       /**< size of the dense tensor */
} fairway_tensor_desc;

/**
 * A constant that the run plan reads: either parameter number `parameter` as
 * the framework gave it, or (when `parameter` is -1) output number `prepared`
 * of the prepare plan.
 */
typedef struct fairway_constant_desc {
  fairway_tensor_desc tensor;
  int32_t parameter;
  int32_t prepared;
  uint64_t offset; /**< place in the weights section, if there is one */
} fairway_constant_desc;

/** Where a kernel's buffer lives. */
typedef enum fairway_space {
  /** `offset` bytes into the plan's arena, or into its allocation `index` where
   * the plan has allocations. */
  FAIRWAY_SPACE_ARENA = 0,
  FAIRWAY_SPACE_INPUT = 1,    /**< input `index` of the plan */
  FAIRWAY_SPACE_OUTPUT = 2,   /**< output `index` of the plan */
  FAIRWAY_SPACE_CONSTANT = 3, /**< constant `index` (run plan only) */
  /** The values of all expressions, as int64 (run plan only). */
  FAIRWAY_SPACE_SIZES = 4
} fairway_space;

/** The kernel writes this buffer (and may read it); it only reads others. */
#define FAIRWAY_BUFFER_WRITTEN 1u

/** A buffer: its space, its number there, and a byte range of it. */
typedef struct fairway_buffer_ref {
  uint32_t space; /**< a `fairway_space` */
  uint32_t index;
  uint64_t offset;
  uint64_t bytes;
  uint32_t flags; /**< FAIRWAY_BUFFER_* */
  /** In the arena: first and last step that uses what this is a part of. */
  uint32_t first_step;
  uint32_t last_step;
  uint32_t reserved;
} fairway_buffer_ref;

/**
 * A dimension of what a step computes: every tile covers `tile` of its `extent`
 * elements (the last one fewer if they do not divide). A dimension that is not
 * divided has a `tile` of `extent`, or of INT64_MAX where `extent` varies.
 */
typedef struct fairway_dimension {
  uint64_t extent;
  uint64_t tile;
} fairway_dimension;

/**
 * A kernel. `buffers` are the resolved addresses of the step's buffers in
 * order; `scratch` points to at least the plan's `scratch_bytes` bytes that
 * this worker alone may write. Called once by each worker in [0, workers).
 */
typedef void (*fairway_kernel_fn)(void *const *buffers, void *scratch,
                                  int64_t worker, int64_t workers);

/** All workers must have finished every earlier step before this one starts. */
#define FAIRWAY_STEP_BARRIER 1u

/** One kernel call of a plan. */
typedef struct fairway_step {
  const char *name; /**< kernel name, e.g. "conv2d_7"; equal kernels share it */
  fairway_kernel_fn kernel;
  const fairway_buffer_ref *buffers;
  uint32_t num_buffers;
  uint32_t flags; /**< FAIRWAY_STEP_* */
  uint64_t tiles; /**< units of parallel work; 1 means worker 0 does it all */
  uint64_t flops; /**< arithmetic operations, for profiles */
  uint64_t bytes; /**< bytes read and written, for profiles */
  /** How the first result is divided into tiles, outermost dimension first. */
  const fairway_dimension *dimensions;
  uint32_t num_dimensions; /**< 0 if the result is not divided */
  uint32_t reserved;
  /** How the kernel was made, e.g. "tile = [64, 3], rows = 6"; may be NULL. */
  const char *config;
} fairway_step;

/**
 * A part of the arena of a plan whose sizes vary: laid out once they are known.
 * Two whose lifetimes have no meeting in common may share memory.
 */
typedef struct fairway_allocation {
  uint64_t bytes;
  /** How often workers have met before its first and its last use. */
  uint32_t first_meeting;
  uint32_t last_meeting;
} fairway_allocation;

/** A list of steps with the memory that they need. */
typedef struct fairway_plan {
  const fairway_step *steps;
  uint64_t num_steps;
  uint64_t arena_bytes;   /**< shared by all workers */
  uint64_t scratch_bytes; /**< for each worker */
  /** If there are any, `arena_bytes` is 0 and buffers refer to them. */
  const fairway_allocation *allocations;
  uint64_t num_allocations;
} fairway_plan;

/** The artefact: what the symbol `fairway_artefact` is. */
typedef struct fairway_artefact_t {
  uint32_t magic;              /**< FAIRWAY_ARTEFACT_MAGIC */
  uint32_t abi;                /**< FAIRWAY_ARTEFACT_ABI */
  const char *fairway_version; /**< version of the compiler that wrote it */
  const char *triple;          /**< e.g. "x86_64-unknown-linux-gnu" */
  const char *cpu;             /**< the CPU it was tuned for */
  const char *features; /**< required CPU features: "avx2,fma", may be empty */

  const fairway_tensor_desc *inputs;
  const fairway_tensor_desc *outputs;
  const fairway_tensor_desc *parameters; /**< what the prepare plan reads */
  const fairway_constant_desc *constants;
  uint32_t num_inputs;
  uint32_t num_outputs;
  uint32_t num_parameters;
  uint32_t num_constants;
  uint32_t num_prepared; /**< outputs of the prepare plan */
  uint32_t reserved;

  fairway_plan run;     /**< inputs, constants -> outputs */
  fairway_plan prepare; /**< parameters (its inputs) -> prepared (outputs) */

  /** JSON written by the front end (pytrees, kernels); not NUL-terminated. */
  const char *metadata;
  uint64_t metadata_bytes;

  /**
   * All constants, page-aligned, each at its `offset`; NULL in an artefact
   * that gets its parameters from the process that compiled it.
   */
  const unsigned char *weights;
  uint64_t weights_bytes;

  /**
   * What calls decide. The first `num_sizes` expressions are the sizes
   * themselves. A field that varies holds the value for some sizes within the
   * range, which serves as an example.
   */
  const fairway_size *sizes;
  const fairway_expression *expressions;
  const fairway_varying *varying;
  uint32_t num_sizes;
  uint32_t num_expressions;
  uint64_t num_varying;

  /**
   * A call with more than `slice` of size number `sliced_size` runs the plan
   * for slices of so many, one after the other: the first extent of every
   * output, and of the inputs that depend on that size, counts samples that
   * have nothing to do with each other, and a slice stays in the cache. 0: no
   * slices.
   */
  int64_t slice;
  uint32_t sliced_size;
  uint32_t reserved2;
} fairway_artefact_t;

#ifdef __cplusplus
}
#endif
#endif /* FAIRWAY_RUNTIME_ARTEFACT_H */
