/*===- fairway/Runtime/runtime.h - load and run compiled models -------------===
 *
 * Part of the Fairway project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The C interface of libfairway_runtime. C11, no dependency but the C library.
 *
 *   fairway_model *model;
 *   if (fairway_model_load("model.so", &model) != FAIRWAY_OK)
 *     return puts(fairway_last_error()), 1;
 *   const void *inputs[] = {image};
 *   void *outputs[] = {scores};
 *   if (fairway_model_run(model, inputs, 1, outputs, 1, 0) != FAIRWAY_OK)
 *     return puts(fairway_last_error()), 1;
 *   fairway_model_destroy(model);
 *
 * Errors: every function that can fail returns a `fairway_status` and leaves a
 * message for `fairway_last_error`. A call that fails changes nothing, unless
 * its comment says otherwise. No C++ exception leaves the library.
 *
 * Memory: inputs, outputs and parameters belong to the caller. They are used
 * in place when they start at a multiple of FAIRWAY_BUFFER_ALIGNMENT bytes;
 * others are copied through aligned memory, which is correct but slower.
 *
 * Open sizes: a model may leave sizes such as "batch" to its calls; its
 * artefact lists them in `sizes`. Such a model is bound to sizes before it
 * runs:
 *
 *   int64_t sizes[1], shape[] = {8, 224, 224, 3};
 *   const int64_t *shapes[] = {shape};
 *   fairway_binding *at;
 *   if (fairway_model_find_sizes(model, shapes, 1, sizes, 1) != FAIRWAY_OK ||
 *       fairway_model_bind(model, sizes, 1, &at) != FAIRWAY_OK)
 *     return puts(fairway_last_error()), 1;
 *   void *scores = malloc(fairway_binding_artefact(at)->outputs[0].bytes);
 *   ... fairway_binding_run(at, inputs, 1, &scores, 1, 0) ...
 *   fairway_binding_destroy(at);
 *
 * Threads: any number of threads may call `fairway_model_run`,
 * `fairway_model_bind`, every function of bindings and every query on one model
 * at once. `fairway_model_set_parameters`, `fairway_model_prepare` and
 * `fairway_model_destroy` need the model for themselves: no other call on it or
 * its bindings may be running. `fairway_binding_destroy` needs its binding for
 * itself. Different models are independent. A model may be used in a child
 * process after fork().
 *===------------------------------------------------------------------------*/
#ifndef FAIRWAY_RUNTIME_RUNTIME_H
#define FAIRWAY_RUNTIME_RUNTIME_H

#include "fairway/Runtime/artefact.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FAIRWAY_API __attribute__((visibility("default")))
#else
#define FAIRWAY_API
#endif

/** What a call ended with. The numbers are part of the ABI. */
typedef enum fairway_status {
  FAIRWAY_OK = 0,
  /** A null pointer, a wrong count, overlapping buffers. */
  FAIRWAY_INVALID_ARGUMENT = 1,
  /** The file does not exist or may not be read. */
  FAIRWAY_FILE_NOT_FOUND = 2,
  /** The file is no compiled model: not ELF, or without `fairway_artefact`. */
  FAIRWAY_NOT_AN_ARTEFACT = 3,
  /** The file is shorter than its own headers say. */
  FAIRWAY_TRUNCATED = 4,
  /** Compiled for another architecture than this process runs on. */
  FAIRWAY_WRONG_ARCHITECTURE = 5,
  /** Written by a Fairway whose artefacts this runtime does not read. */
  FAIRWAY_WRONG_ABI = 6,
  /** Needs a CPU feature that this machine (or its kernel) lacks. */
  FAIRWAY_MISSING_CPU_FEATURE = 7,
  /** The model's description contradicts itself. */
  FAIRWAY_CORRUPT = 8,
  /** Parameters are needed first: call set_parameters, then prepare. */
  FAIRWAY_NOT_PREPARED = 9,
  FAIRWAY_OUT_OF_MEMORY = 10,
  /** The system refused something else, e.g. the dynamic linker. */
  FAIRWAY_SYSTEM_ERROR = 11
} fairway_status;

/** A loaded model. Made by load or create, released by destroy. */
typedef struct fairway_model fairway_model;

/** A model at certain sizes. Made by bind, released by destroy. */
typedef struct fairway_binding fairway_binding;

/*===--- Library ---===*/

/** Version of this library, e.g. "0.1.0". Never NULL, lives for ever. */
FAIRWAY_API const char *fairway_runtime_version(void);

/**
 * What went wrong in the last call of this thread that failed: one English
 * sentence naming the file, input or feature concerned. Empty if none failed.
 * Valid until the next failing call of the same thread. Never NULL.
 */
FAIRWAY_API const char *fairway_last_error(void);

/** "FAIRWAY_OK" and so on; "unknown status" for other numbers. Never NULL. */
FAIRWAY_API const char *fairway_status_name(int status);

/** Bytes of one element of a `fairway_dtype`; 0 for other numbers. */
FAIRWAY_API size_t fairway_dtype_bytes(uint32_t dtype);

/** NumPy's name of a `fairway_dtype`, "float32"; NULL for other numbers. */
FAIRWAY_API const char *fairway_dtype_name(uint32_t dtype);

/**
 * Number of threads used where 0 is asked for: the physical cores among the
 * CPUs that the calling thread may run on, limited by the control group's CPU
 * quota. At least 1.
 */
FAIRWAY_API unsigned fairway_default_threads(void);

/**
 * Whether this machine has a CPU feature, by LLVM's name for it ("avx2",
 * "avx512f", "sse4.2", ...): 1 yes, 0 no, -1 the name is unknown. A feature
 * whose registers the operating system does not save counts as missing.
 */
FAIRWAY_API int fairway_cpu_has_feature(const char *name);

/*===--- Models ---===*/

/**
 * Loads a compiled model from a file.
 *
 * The file is checked first (an ELF shared library for this architecture, all
 * of it there, exporting `fairway_artefact`), so that a damaged file is an
 * error and not a crash; then it is loaded privately and its description is
 * checked. As with every shared library, loading a model is trusting it.
 *
 * A model whose weights are in the file, or which needs none, can be run at
 * once. Required features whose names this runtime does not know are taken for
 * tuning hints and ignored.
 *
 * @param path   file name; may be relative.
 * @param model  receives the model; the caller destroys it. NULL on failure.
 * @return FAIRWAY_OK, or FAIRWAY_INVALID_ARGUMENT, _FILE_NOT_FOUND,
 *   _NOT_AN_ARTEFACT, _TRUNCATED, _WRONG_ARCHITECTURE, _WRONG_ABI,
 *   _MISSING_CPU_FEATURE, _CORRUPT, _OUT_OF_MEMORY, _SYSTEM_ERROR.
 */
FAIRWAY_API fairway_status fairway_model_load(const char *path,
                                              fairway_model **model);

/**
 * Makes a model from an artefact that is already in memory, e.g. linked into
 * the program. `artefact` must stay valid until the model is destroyed.
 *
 * @return as `fairway_model_load`, less the errors that concern files.
 */
FAIRWAY_API fairway_status
fairway_model_create(const fairway_artefact_t *artefact, fairway_model **model);

/**
 * Releases a model with its prepared weights and working memory. Pointers got
 * from it die with it. NULL is ignored. No call on the model may be running.
 */
FAIRWAY_API void fairway_model_destroy(fairway_model *model);

/**
 * The model's description: inputs, outputs, parameters, constants, steps,
 * versions, metadata. Owned by the model, constant, checked by load: counts
 * match, names are not NULL, `bytes` agrees with shape and type. What `varying`
 * names depends on the sizes: such a field holds an example here and its value
 * in `fairway_binding_artefact`.
 */
FAIRWAY_API const fairway_artefact_t *
fairway_model_artefact(const fairway_model *model);

/** Input, output or parameter `index`; NULL if there is no such one. */
FAIRWAY_API const fairway_tensor_desc *
fairway_model_input(const fairway_model *model, size_t index);
FAIRWAY_API const fairway_tensor_desc *
fairway_model_output(const fairway_model *model, size_t index);
FAIRWAY_API const fairway_tensor_desc *
fairway_model_parameter(const fairway_model *model, size_t index);

/** Number of the input, output or parameter called `name`; -1 if none is. */
FAIRWAY_API int64_t fairway_model_find_input(const fairway_model *model,
                                             const char *name);
FAIRWAY_API int64_t fairway_model_find_output(const fairway_model *model,
                                              const char *name);
FAIRWAY_API int64_t fairway_model_find_parameter(const fairway_model *model,
                                                 const char *name);

/** 1 if the model's weights are in its file, else 0. */
FAIRWAY_API int fairway_model_has_weights(const fairway_model *model);

/** 1 if the model can be run, 0 if it needs set_parameters and prepare. */
FAIRWAY_API int fairway_model_is_prepared(const fairway_model *model);

/*===--- Parameters ---===*/

/**
 * Gives the model its parameters: `count` dense tensors in the order of
 * `fairway_model_parameter`. The pointers are only stored; `prepare` reads the
 * values. The memory must stay valid and unchanged until `prepare` returns;
 * that of a parameter to which some constant refers (its `parameter` is not
 * -1) until the model is destroyed or prepared with other parameters.
 *
 * @return FAIRWAY_OK, or FAIRWAY_INVALID_ARGUMENT (wrong count, NULL for a
 *   parameter that has elements).
 */
FAIRWAY_API fairway_status fairway_model_set_parameters(
    fairway_model *model, const void *const *parameters, size_t count);

/**
 * Computes the prepared weights from the parameters, in parallel, into memory
 * that the model owns. Needed once before the first run unless
 * `fairway_model_is_prepared`; may be repeated after new parameters were set,
 * which then replace the old ones (also those that were in the file).
 *
 * @param threads  as for `fairway_model_run`.
 * @return FAIRWAY_OK, or FAIRWAY_INVALID_ARGUMENT, FAIRWAY_NOT_PREPARED (no
 *   parameters were set), FAIRWAY_OUT_OF_MEMORY.
 */
FAIRWAY_API fairway_status fairway_model_prepare(fairway_model *model,
                                                 unsigned threads);

/**
 * Where the value of constant `index` is: in the file, in the model's memory,
 * or in the caller's parameter. Valid until the model is destroyed or prepared
 * again. To save a model with its weights, write each constant at its
 * `fairway_constant_desc.offset`.
 *
 * @return FAIRWAY_OK, or FAIRWAY_INVALID_ARGUMENT, FAIRWAY_NOT_PREPARED.
 */
FAIRWAY_API fairway_status fairway_model_constant(const fairway_model *model,
                                                  size_t index,
                                                  const void **data);

/*===--- Running ---===*/

/**
 * Computes the outputs from the inputs.
 *
 * The calling thread works itself; up to `threads - 1` others of a pool that
 * all models of the process share help it. A call takes the helpers that are
 * idle at that moment and never waits for those of another call, so a call that
 * runs beside others may get fewer threads than it asked for; results do not
 * depend on it. Helpers run on the CPUs that the calling thread may run on,
 * spin for a fraction of a millisecond after their work, then sleep. Each call
 * has its own working memory, which the model keeps for later calls.
 *
 * @param inputs   `num_inputs` dense tensors in the order and of the sizes of
 *   `fairway_model_input`; only read. An entry may be NULL if it has no
 *   elements.
 * @param outputs  `num_outputs` tensors, likewise; overwritten. They may
 *   overlap neither the inputs nor each other. Undefined after an error.
 * @param threads  most threads to use; 0 means `fairway_default_threads()`.
 *   There are never more than CPUs that the calling thread may run on.
 * @return FAIRWAY_OK, or FAIRWAY_INVALID_ARGUMENT (also if the model leaves
 *   sizes open: bind it first), FAIRWAY_NOT_PREPARED, FAIRWAY_OUT_OF_MEMORY.
 */
FAIRWAY_API fairway_status fairway_model_run(
    fairway_model *model, const void *const *inputs, size_t num_inputs,
    void *const *outputs, size_t num_outputs, unsigned threads);

/**
 * Like `fairway_model_run`, and measures: `seconds[i]` receives the wall time
 * of step i of the artefact's run plan, from when all workers may start it to
 * when all have finished it. All workers meet before every step, so the sum is
 * somewhat more than an ordinary run takes.
 *
 * @param seconds    memory for `num_steps` numbers.
 * @param num_steps  must be `fairway_model_artefact(model)->run.num_steps`.
 * @return as `fairway_model_run`.
 */
FAIRWAY_API fairway_status fairway_model_profile(
    fairway_model *model, const void *const *inputs, size_t num_inputs,
    void *const *outputs, size_t num_outputs, unsigned threads, double *seconds,
    size_t num_steps);

/*===--- Open sizes ---===*/

/**
 * Finds the sizes that inputs of certain shapes have, and checks that the
 * model takes them: that every extent is what the sizes or the model ask for,
 * and that every size is between its `minimum` and `maximum`.
 *
 * @param shapes      the extents of each input, in the order and of the ranks
 *   of `fairway_model_input`. An entry may be NULL if the rank is 0.
 * @param num_inputs  must be the model's number of inputs.
 * @param sizes       receives the sizes in the order of the artefact's `sizes`.
 * @param num_sizes   must be the artefact's `num_sizes`; 0 is allowed.
 * @return FAIRWAY_OK, or FAIRWAY_INVALID_ARGUMENT with a message that names the
 *   input, the axis and the size, FAIRWAY_OUT_OF_MEMORY.
 */
FAIRWAY_API fairway_status fairway_model_find_sizes(
    const fairway_model *model, const int64_t *const *shapes, size_t num_inputs,
    int64_t *sizes, size_t num_sizes);

/**
 * Binds a model to sizes: the shapes of all tensors follow from them, and the
 * working memory is laid out. The model keeps what this computes for the sizes
 * of recent calls, so binding to them again takes about a microsecond; nothing
 * is ever compiled. A binding is small: bindings of one model share working
 * memory, which grows to what the largest one needs.
 *
 * A binding stays valid when the model gets other parameters. It must be
 * destroyed before its model.
 *
 * @param sizes      `num_sizes` sizes in the order of the artefact's `sizes`,
 *   from `fairway_model_find_sizes` or chosen. May be NULL if there are none.
 * @param num_sizes  must be the artefact's `num_sizes`. A model that leaves no
 *   size open can be bound to none.
 * @param binding    receives the binding; the caller destroys it. NULL on
 *   failure.
 * @return FAIRWAY_OK, or FAIRWAY_INVALID_ARGUMENT (wrong count, a size outside
 *   its limits, sizes for which some extent is negative or too large),
 *   FAIRWAY_CORRUPT, FAIRWAY_OUT_OF_MEMORY.
 */
FAIRWAY_API fairway_status fairway_model_bind(fairway_model *model,
                                              const int64_t *sizes,
                                              size_t num_sizes,
                                              fairway_binding **binding);

/** Releases a binding. Its description dies with it. NULL is ignored. */
FAIRWAY_API void fairway_binding_destroy(fairway_binding *binding);

/**
 * The model's description at the binding's sizes: shapes and bytes of inputs
 * and outputs, the run plan with every buffer's place in the arena. Nothing
 * varies any more: `varying` and `run.allocations` are empty. Owned by the
 * binding, constant.
 */
FAIRWAY_API const fairway_artefact_t *
fairway_binding_artefact(const fairway_binding *binding);

/**
 * Computes the outputs from the inputs, as `fairway_model_run` does; all
 * tensors have the sizes that `fairway_binding_artefact` says.
 */
FAIRWAY_API fairway_status fairway_binding_run(const fairway_binding *binding,
                                               const void *const *inputs,
                                               size_t num_inputs,
                                               void *const *outputs,
                                               size_t num_outputs,
                                               unsigned threads);

/** Like `fairway_binding_run`, and measures as `fairway_model_profile` does. */
FAIRWAY_API fairway_status fairway_binding_profile(
    const fairway_binding *binding, const void *const *inputs,
    size_t num_inputs, void *const *outputs, size_t num_outputs,
    unsigned threads, double *seconds, size_t num_steps);

#ifdef __cplusplus
}
#endif
#endif /* FAIRWAY_RUNTIME_RUNTIME_H */
