// SPDX-License-Identifier: Apache-2.0
// Models of a known shape with random weights, made in memory: for measuring speed and for trying things
// where no trained model is at hand.
#ifndef TEMPER_PROGRAM_RANDOM_MODEL_H
#define TEMPER_PROGRAM_RANDOM_MODEL_H

#include <cstdint>
#include <string>
#include <vector>

namespace program {

struct RandomModel {
  std::string config;                  ///< config.json
  std::vector<unsigned char> weights;  ///< model.safetensors
};

/// Names that make_random_model() knows.
std::vector<std::string> random_shapes();

/// @p shape "hdlm-base" (768 wide, 12 blocks, 50257 tokens and the mask, a head of its own), "gpt2-124m"
/// or "tiny" (an HDLM of 64 wide, 2 blocks, 257 tokens and the mask). @p bf16: weights in 16 bits.
RandomModel make_random_model(const std::string &shape, bool bf16, uint64_t seed);

/// An HDLM of one narrow block with a vocabulary of @p tokens and the mask: little more than its head, so that
/// what is done with the logits can be measured.
RandomModel make_narrow_model(int64_t tokens, uint64_t seed);

/// Writes a model folder: config.json, model.safetensors, and a tokenizer whose tokens are the 256 bytes
/// and an end token.
void write_random_model(const RandomModel &model, const std::string &folder);

} // namespace program

#endif
