// SPDX-License-Identifier: Apache-2.0
// A checkpoint family as data. One transformer (engine/forward.cpp) executes every Spec; a family
// (families/*.cpp) only fills one in from config fields and tensor names. No code path anywhere asks
// which family a model belongs to.
#pragma once

#include "sampler/head.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace temper {

enum class Norm { layer, rms };
enum class Activation { gelu_tanh, gelu_erf, swiglu };

// What a settled row attends to (MATH 3.5).
enum class Context { causal, block_causal, full };

// What an active row attends to.
//  full:   every row of the call and everything settled (HDLM, MDLM, LLaDA)
//  causal: slots up to its own (GPT-2, Llama)
//  block:  slots up to the end of its block, and the settled rows of that block do the same
//          (BD3-LM, SDAR, Fast-dLLM v2: attention is by block index alone)
enum class Window { full, causal, block };

// What the model is told about the noise of a row.
enum class Conditioning { none, zero, sigma, time };

// The path a checkpoint was trained on; the session's default noise mix.
enum class PathKind { absorbing, uniform, epsilon_hybrid, gamma_hybrid, gidd };
enum class ClockKind { linear, log_linear, geometric, cosine };
struct PathSpec {
  PathKind kind = PathKind::absorbing;
  ClockKind clock = ClockKind::linear;
  double mix = 0.0;         // epsilon, gamma or p_uniform
  double e0 = 0.0;          // log-linear offset
  double sigma_min = 1e-4;  // geometric
  double sigma_max = 20.0;
};

struct Assumption {
  std::string what;  // "context rule"
  std::string value; // "block_causal, block 8"
  std::string why;   // "config.annealing.attention.context_type"
};

struct Spec {
  std::string family;  // "hdlm-epsilon", "gpt2", ...

  // Sizes.
  int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_dim = 0, mlp_width = 0;
  int64_t vocabulary = 0;  // rows of the embedding
  int64_t columns = 0;     // columns of the logits
  int64_t max_positions = 0;  // trained length; 0: unknown

  // Blocks.
  Norm norm = Norm::layer;
  float norm_epsilon = 1e-5F;
  Activation activation = Activation::gelu_tanh;
  bool rotary = true;         // otherwise learned positions
  double rotary_theta = 10000.0;
  bool qk_norm = false;       // RMS norm of each head before rotary

  // Conditioning (adaLN).
  Conditioning conditioning = Conditioning::none;
  int64_t condition_width = 0;  // width of the sigma map's output
  int64_t frequency_width = 256;
  bool modulated_blocks = false, modulated_head = false;
  bool mixed_embedding = false;  // gamma: w*E[token] + (1-w)*E[mask], w = exp(-mix*sigma)
  bool scale_by_sigma = false;   // score heads: logits -= log(e^sigma - 1) + log(columns - 1)
  double settled_time = 0.0;     // t that a settled row's conditioning is computed from
  // Trained with one level per sequence: settled rows are told the window's instead.
  bool shared_conditioning = false;

  // What it was trained to do.
  Context context = Context::causal;
  Window window = Window::full;
  int64_t block = 0;      // block size of block rules, 0: none
  bool shifted = false;   // row i predicts token i+1
  bool noise_keys = true; // inputs at level T are attended to (false: drop_noise_keys of MATH 3.5)
  HeadForm head = HeadForm::posterior;  // how logits are read (MATH 2)
  double kappa_eff = std::numeric_limits<double>::quiet_NaN();  // NaN: the path's own kappa_t
  bool carry_over = true;  // visible tokens keep themselves: the head is ignored at real tokens
  PathSpec path;

  // Special tokens; -1: none.
  int64_t mask_token = -1, bos_token = -1, eos_token = -1;
  std::vector<int64_t> end_tokens;  // all that end a row

  // Defaults a session takes when the caller names none.
  int64_t default_width = 0, default_levels = 0;  // 0: none recorded
  bool autoregressive = false;  // only quench makes sense

  std::vector<Assumption> assumptions;  // what was decided and why, for temper_model_get_text
};

// What the caller knows better than the files.
struct SpecOverrides {
  std::optional<Context> context;
  std::optional<Window> window;
  std::optional<bool> shifted;
  std::optional<bool> noise_keys;
  std::optional<int64_t> mask_token, block, max_positions;
  std::optional<double> kappa_eff;
  std::string family;  // "" = detect
};

}  // namespace temper
