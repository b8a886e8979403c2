/*===- run_model.c - run a saved model from C -------------------------------===
 *
 * Part of the Fairway project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *   run_model model.so [size=number...] in0.raw [in1.raw...] out_prefix
 *
 * Reads each input from a file of raw bytes (dense, row-major, this machine's
 * byte order), runs the model and writes output i to out_prefix<i>.raw. The
 * model must have been saved with its weights. Every size that it leaves open
 * is given by its name, e.g. batch=8.
 *===------------------------------------------------------------------------*/
#include "fairway/Runtime/runtime.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *allocate(uint64_t bytes) {
  size_t unit = FAIRWAY_BUFFER_ALIGNMENT;
  void *memory = aligned_alloc(unit, (size_t)(bytes / unit + 1) * unit);
  if (!memory) {
    fprintf(stderr, "out of memory\n");
    exit(1);
  }
  return memory;
}

static void print_tensor(const char *role, const fairway_tensor_desc *tensor) {
  printf("%s %s: %s[", role, tensor->name, fairway_dtype_name(tensor->dtype));
  for (uint32_t i = 0; i < tensor->rank; ++i)
    printf("%s%" PRId64, i ? ", " : "", tensor->shape[i]);
  printf("]\n");
}

/* Reads exactly the tensor's bytes; ends the program if the file differs. */
static void *read_tensor(const char *path, const fairway_tensor_desc *tensor) {
  void *data = allocate(tensor->bytes);
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    exit(1);
  }
  size_t got = fread(data, 1, (size_t)tensor->bytes, file);
  if (got != tensor->bytes || fgetc(file) != EOF) {
    fprintf(stderr, "%s: input '%s' has %" PRIu64 " bytes, the file does not\n",
            path, tensor->name, tensor->bytes);
    exit(1);
  }
  fclose(file);
  return data;
}

static void write_tensor(const char *prefix, size_t index, const void *data,
                         const fairway_tensor_desc *tensor) {
  char path[4096];
  snprintf(path, sizeof path, "%s%zu.raw", prefix, index);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(data, 1, (size_t)tensor->bytes, file) != tensor->bytes ||
      fclose(file) != 0) {
    perror(path);
    exit(1);
  }
}

/* Binds the model to sizes that `texts` give as name=number. */
static fairway_binding *bind_model(fairway_model *model, char **texts,
                                   size_t count) {
  const fairway_artefact_t *artefact = fairway_model_artefact(model);
  int64_t sizes[FAIRWAY_MAX_SIZES] = {0};
  fairway_binding *binding;
  for (uint32_t i = 0; i < artefact->num_sizes; ++i) {
    const char *name = artefact->sizes[i].name;
    size_t length = strlen(name), t = 0;
    while (t < count &&
           (strncmp(texts[t], name, length) != 0 || texts[t][length] != '='))
      ++t;
    if (t == count) {
      fprintf(stderr, "the model leaves its size '%s' open: give %s=NUMBER\n",
              name, name);
      exit(2);
    }
    sizes[i] = strtoll(texts[t] + length + 1, NULL, 10);
  }
  if (fairway_model_bind(model, sizes, count, &binding) != FAIRWAY_OK) {
    fprintf(stderr, "%s\n", fairway_last_error());
    exit(1);
  }
  return binding;
}

int main(int argc, char **argv) {
  fairway_model *model;
  if (argc < 3) {
    fprintf(stderr,
            "usage: %s model.so [size=number ...] [in0.raw ...] out_prefix\n",
            argv[0]);
    return 2;
  }
  if (fairway_model_load(argv[1], &model) != FAIRWAY_OK) {
    fprintf(stderr, "%s\n", fairway_last_error());
    return 1;
  }
  char **sizes = argv + 2, **files = sizes;
  while (files < argv + argc - 1 && strchr(*files, '='))
    ++files;
  fairway_binding *binding = bind_model(model, sizes, (size_t)(files - sizes));
  const fairway_artefact_t *artefact = fairway_binding_artefact(binding);
  size_t num_files = (size_t)(argv + argc - 1 - files);
  if (num_files != artefact->num_inputs) {
    fprintf(stderr, "the model has %" PRIu32 " inputs, %zu files were given\n",
            artefact->num_inputs, num_files);
    return 2;
  }

  void **inputs = allocate(artefact->num_inputs * sizeof(void *));
  void **outputs = allocate(artefact->num_outputs * sizeof(void *));
  for (uint32_t i = 0; i < artefact->num_inputs; ++i) {
    print_tensor("input", &artefact->inputs[i]);
    inputs[i] = read_tensor(files[i], &artefact->inputs[i]);
  }
  for (uint32_t i = 0; i < artefact->num_outputs; ++i)
    outputs[i] = allocate(artefact->outputs[i].bytes);

  if (fairway_binding_run(binding, (const void *const *)inputs,
                          artefact->num_inputs, outputs, artefact->num_outputs,
                          0) != FAIRWAY_OK) {
    fprintf(stderr, "%s\n", fairway_last_error());
    return 1;
  }

  for (uint32_t i = 0; i < artefact->num_outputs; ++i) {
    print_tensor("output", &artefact->outputs[i]);
    write_tensor(argv[argc - 1], i, outputs[i], &artefact->outputs[i]);
    free(outputs[i]);
  }
  for (uint32_t i = 0; i < artefact->num_inputs; ++i)
    free(inputs[i]);
  free(inputs);
  free(outputs);
  fairway_binding_destroy(binding);
  fairway_model_destroy(model);
  return 0;
}
