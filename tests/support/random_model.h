// SPDX-License-Identifier: Apache-2.0
// Checkpoints of every family with tiny random weights, made in memory: configuration text and
// safetensors bytes laid out as the published files of that family.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace temper::test {

struct ModelChoice {
  std::string family = "hdlm-epsilon";  // as Spec::family; see random_families()
  std::string context = "causal";       // hdlm-*: annealing.attention.context_type
  std::string window = "full";          // hdlm-*: annealing.attention.block_type
  bool shifted = false;                 // hdlm-*
  int64_t block = 4;                    // width of the windows or blocks it "was trained on"
  bool timed = false;                   // mdlm, bd3lm: time_conditioning
  bool uniform = false;                 // sedd: the uniform graph
  double mix = 0.1;                     // epsilon, gamma, p_uniform
  int64_t tokens = 19;                  // real tokens; a mask comes on top where the family has one
  int64_t positions = 96;               // trained length
  int64_t condition_width = 6;          // where the network is told its noise
  uint64_t seed = 1;
  double sharpness = 1.0;               // scales the head: how far apart the logits are
};

struct RandomModel {
  std::string config;
  std::shared_ptr<std::vector<std::byte>> weights;
  int64_t mask_token = -1;  // to be given as an override when the files name none
};

RandomModel random_model(const ModelChoice &choice);

// Every family that random_model() knows.
const std::vector<std::string> &random_families();

// A safetensors file of float32 tensors, by name.
struct NamedTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};
std::shared_ptr<std::vector<std::byte>> safetensors_bytes(const std::vector<NamedTensor> &tensors);

}  // namespace temper::test
