/*===- run_resnet50.c - run a saved ResNet-50 with its own header -----------===
 *
 * Part of the Fairway project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *   run_resnet50 image.raw scores.raw
 *
 * What a user's program looks like: sizes and indices come from the header that
 * was written beside the model, the rest from the runtime. The test that saves
 * the model names its input "image" and its output "scores" by these macros.
 *===------------------------------------------------------------------------*/
#include "resnet50.h"

#include "fairway/Runtime/runtime.h"

#include <stdio.h>

static _Alignas(64) resnet50_input_image_t image[RESNET50_INPUT_IMAGE_ELEMENTS];
static _Alignas(64)
    resnet50_output_scores_t scores[RESNET50_OUTPUT_SCORES_ELEMENTS];

int main(int argc, char **argv) {
  if (argc != 3)
    return fprintf(stderr, "usage: %s image.raw scores.raw\n", argv[0]), 2;

  FILE *file = fopen(argv[1], "rb");
  if (!file ||
      fread(image, 1, sizeof image, file) != RESNET50_INPUT_IMAGE_BYTES)
    return perror(argv[1]), 1;
  fclose(file);

  fairway_model *model;
  if (fairway_model_load("./resnet50.so", &model) != FAIRWAY_OK)
    return fprintf(stderr, "%s\n", fairway_last_error()), 1;
  const void *inputs[RESNET50_NUM_INPUTS];
  void *outputs[RESNET50_NUM_OUTPUTS];
  inputs[RESNET50_INPUT_IMAGE_INDEX] = image;
  outputs[RESNET50_OUTPUT_SCORES_INDEX] = scores;
  if (fairway_model_run(model, inputs, RESNET50_NUM_INPUTS, outputs,
                        RESNET50_NUM_OUTPUTS, 0) != FAIRWAY_OK)
    return fprintf(stderr, "%s\n", fairway_last_error()), 1;
  fairway_model_destroy(model);

  file = fopen(argv[2], "wb");
  if (!file || fwrite(scores, 1, sizeof scores, file) != sizeof scores ||
      fclose(file) != 0)
    return perror(argv[2]), 1;
  return 0;
}
