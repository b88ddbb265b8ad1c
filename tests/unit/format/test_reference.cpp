// SPDX-License-Identifier: Apache-2.0
// Every model folder of the shared reference cases opens as what it is.
#include "base/mapped_file.h"
#include "model/checkpoint.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#ifndef SOURCE_ROOT
#define SOURCE_ROOT "."
#endif

using namespace temper;

namespace {

using HeadChoice = decltype(Spec::head);

int failures = 0;
std::string current;

void expect(bool good, const char *what) {
  if (good) return;
  std::printf("%s: wrong %s\n", current.c_str(), what);
  ++failures;
}

constexpr double path_kappa = std::numeric_limits<double>::quiet_NaN();

struct Row {
  const char *folder, *family;
  // layers width heads kv_heads head_dim mlp vocabulary positions
  int64_t layers, width, heads, kv_heads, head_dim, mlp, vocabulary, positions;
  Context context;
  Window window;
  int64_t block;
  bool shifted, noise_keys, autoregressive;
  HeadChoice head;
  double kappa_eff;
  bool carry_over;
  PathKind path;
  ClockKind clock;
  Conditioning conditioning;
  bool modulated_head;
  int64_t mask, eos;
};

constexpr Context causal = Context::causal, by_block = Context::block_causal, full = Context::full;
constexpr HeadChoice posterior = HeadChoice::posterior;
constexpr PathKind absorbing = PathKind::absorbing;
constexpr ClockKind linear = ClockKind::linear, log_linear = ClockKind::log_linear;

const Row rows[] = {
    {"hdlm_epsilon", "hdlm-epsilon", 3, 64, 4, 4, 16, 256, 258, 40, by_block, Window::full, 8, false,
     true, false, posterior, 0.5, false, PathKind::epsilon_hybrid, linear, Conditioning::none, false,
     257, -1},
    {"hdlm_gamma", "hdlm-gamma", 3, 64, 4, 4, 16, 256, 258, 40, by_block, Window::full, 8, false,
     true, false, HeadChoice::score_official_gamma, path_kappa, false, PathKind::gamma_hybrid,
     log_linear, Conditioning::sigma, false, 257, -1},
    {"mdlm_time", "mdlm", 2, 64, 4, 4, 16, 256, 258, 32, full, Window::full, 0, false, true, false,
     posterior, path_kappa, true, absorbing, log_linear, Conditioning::sigma, true, 257, -1},
    {"mdlm_notime", "mdlm", 2, 64, 4, 4, 16, 256, 258, 32, full, Window::full, 0, false, true, false,
     posterior, path_kappa, true, absorbing, log_linear, Conditioning::zero, true, 257, -1},
    {"sedd", "sedd", 2, 64, 4, 4, 16, 256, 258, 32, full, Window::full, 0, false, true, false,
     HeadChoice::score_exact, path_kappa, true, absorbing, log_linear, Conditioning::sigma, true, 257,
     -1},
    {"bd3lm", "bd3lm", 2, 64, 4, 4, 16, 256, 258, 32, by_block, Window::block, 8, false, true, false,
     posterior, path_kappa, true, absorbing, linear, Conditioning::zero, true, 257, -1},
    {"gidd", "gidd", 2, 64, 4, 4, 16, 256, 258, 32, full, Window::full, 0, false, true, false,
     HeadChoice::leave_one_out, path_kappa, false, PathKind::gidd, linear, Conditioning::time, true,
     257, -1},
    {"gpt2", "gpt2", 3, 64, 4, 4, 16, 256, 257, 48, causal, Window::causal, 0, true, false, true,
     posterior, path_kappa, true, absorbing, linear, Conditioning::none, false, -1, 256},
    {"llama", "llama", 3, 64, 4, 2, 16, 120, 261, 2048, causal, Window::causal, 0, true, false, true,
     posterior, path_kappa, true, absorbing, linear, Conditioning::none, false, -1, 2},
    {"llama_tied", "llama", 3, 64, 4, 2, 16, 120, 264, 2048, causal, Window::causal, 0, true, false,
     true, posterior, path_kappa, true, absorbing, linear, Conditioning::none, false, -1, 2},
    {"llada", "llada", 3, 64, 4, 4, 16, 120, 264, 256, full, Window::full, 0, false, true, false,
     posterior, path_kappa, true, absorbing, linear, Conditioning::none, false, 258, 255},
    {"dream", "dream", 3, 64, 4, 2, 16, 120, 264, 2048, full, Window::full, 0, true, true, false,
     posterior, path_kappa, true, absorbing, linear, Conditioning::none, false, 258, 254},
    {"sdar", "sdar", 3, 64, 4, 2, 24, 120, 264, 2048, by_block, Window::block, 4, false, true, false,
     posterior, path_kappa, true, absorbing, linear, Conditioning::none, false, 258, 254},
    {"fast_dllm_v2", "fast-dllm-v2", 3, 64, 4, 2, 16, 120, 264, 2048, by_block, Window::block, 8,
     true, true, false, posterior, path_kappa, true, absorbing, linear, Conditioning::none, false, -1,
     256},
};

void check_sizes(const Row &row, const Checkpoint &checkpoint) {
  const Spec &spec = checkpoint.spec;
  expect(spec.layers == row.layers, "layers");
  expect(spec.width == row.width, "width");
  expect(spec.heads == row.heads && spec.kv_heads == row.kv_heads, "heads");
  expect(spec.head_dim == row.head_dim, "head_dim");
  expect(spec.mlp_width == row.mlp, "mlp_width");
  expect(spec.vocabulary == row.vocabulary && spec.columns == row.vocabulary, "vocabulary");
  expect(spec.max_positions == row.positions, "max_positions");
  const Weights &weights = checkpoint.weights;
  expect(static_cast<int64_t>(weights.layers.size()) == row.layers, "number of layers' weights");
  expect(weights.positions.has_value() != spec.rotary, "learned positions");
  expect(weights.head_modulation.present() == row.modulated_head, "head modulation");
  expect(!weights.head.parts.empty() && weights.head.parts[0].weight.bytes.data() != nullptr, "head");
  const std::string folder = row.folder;
  const bool tied = folder == "gpt2" || folder == "llama_tied";
  expect(tied == (weights.head.parts[0].weight.bytes.data() == weights.embedding.bytes.data()), "tied head");
  expect(weights.storage != nullptr, "storage");
}

void check_rules(const Row &row, const Spec &spec) {
  expect(spec.family == row.family, "family");
  expect(spec.context == row.context, "context");
  expect(spec.window == row.window, "window");
  expect(spec.block == row.block, "block");
  expect(spec.shifted == row.shifted, "shifted");
  expect(spec.noise_keys == row.noise_keys, "noise_keys");
  expect(spec.autoregressive == row.autoregressive, "autoregressive");
  expect(spec.head == row.head, "head");
  expect(std::isnan(row.kappa_eff) ? std::isnan(spec.kappa_eff) : spec.kappa_eff == row.kappa_eff,
         "kappa_eff");
  expect(spec.carry_over == row.carry_over, "carry_over");
  expect(spec.path.kind == row.path && spec.path.clock == row.clock, "path");
  expect(spec.conditioning == row.conditioning, "conditioning");
  expect(spec.modulated_head == row.modulated_head, "modulated_head");
  expect(spec.mask_token == row.mask, "mask_token");
  expect(spec.eos_token == row.eos, "eos_token");
  expect(spec.end_tokens.size() == (row.eos >= 0 ? 1U : 0U), "end_tokens");
}

// Nothing essential may be decided without a line that says why.
void check_assumptions(const Spec &spec) {
  for (const char *what :
       {"family", "context rule", "window rule", "block size", "prediction offset", "noise keys",
        "mask token", "noise path", "head kind", "conditioning", "trained length", "end tokens"}) {
    bool found = false;
    for (const Assumption &line : spec.assumptions)
      found = found || (line.what == what && !line.value.empty() && !line.why.empty());
    expect(found, what);
  }
}

void check_particulars(const std::string &folder, const Spec &spec) {
  if (folder == "hdlm_epsilon") {
    expect(spec.path.mix == 0.01, "epsilon");
    expect(spec.default_width == 8 && spec.default_levels == 16, "defaults");
    expect(spec.rotary && spec.norm == Norm::layer && spec.rotary_theta == 10000.0, "blocks");
  }
  if (folder == "hdlm_gamma") {
    expect(spec.path.mix == 0.05 && spec.path.e0 == 5e-3, "gamma path");
    expect(spec.mixed_embedding && spec.scale_by_sigma, "gamma conditioning");
    expect(spec.settled_time == 1e-4, "settled_time");
    expect(spec.condition_width == 32 && spec.frequency_width == 256, "condition widths");
    expect(!spec.shared_conditioning, "shared conditioning");
  }
  if (folder == "sedd")
    expect(spec.scale_by_sigma && spec.path.e0 == 1e-3 && spec.shared_conditioning, "score scaling");
  if (folder == "gidd") expect(spec.path.mix == 0.1, "p_uniform");
  if (folder == "gpt2") expect(!spec.rotary, "positions");
  if (folder == "llama") expect(spec.rotary_theta == 500000.0, "theta");
  if (folder == "sdar") expect(spec.qk_norm && spec.norm_epsilon == 1e-6F, "q/k norms");
  if (folder == "dream") expect(!spec.qk_norm && spec.norm == Norm::rms, "norms");
}

// A bias that isn't in the file is reported: filling in zeros would silently be another model.
void check_missing_bias(const std::string &root) {
  current = "gpt2 without a bias";
  const auto config = MappedFile::open(root + "/gpt2/config.json");
  const auto weights = MappedFile::open(root + "/gpt2/model.safetensors");
  if (!config.ok() || !weights.ok()) return expect(false, "files of gpt2");
  std::vector<std::byte> bytes(weights.value().bytes().begin(), weights.value().bytes().end());
  const std::string_view name = "h.0.attn.c_attn.bias";
  const std::string_view all(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  const size_t place = all.find(name);
  if (place == std::string_view::npos) return expect(false, "names of gpt2's tensors");
  bytes[place + name.size() - 1] = std::byte{'z'};
  const auto damaged = open_checkpoint_memory(config.value().bytes(), bytes, nullptr, {});
  expect(damaged.status().code() == TEMPER_E_FORMAT &&
             std::strstr(damaged.status().message().c_str(), "h.0.attn.c_attn.bias is missing") != nullptr,
         "outcome: h.0.attn.c_attn.bias should be reported missing");
}

}  // namespace

int main() {
  const char *shared = std::getenv("TEMPER_SHARED");
  const std::string root =
      std::string(shared != nullptr ? shared : SOURCE_ROOT "/../shared") + "/reference";
  if (!is_folder(root)) {
    std::printf("skipped: no reference folder (%s)\n", root.c_str());
    return 77;
  }
  int opened = 0;
  for (const Row &row : rows) {
    current = row.folder;
    const auto checkpoint = open_checkpoint(root + "/" + row.folder, {});
    if (!checkpoint.ok()) {
      std::printf("%s: %s\n", row.folder, checkpoint.status().message().c_str());
      ++failures;
      continue;
    }
    ++opened;
    check_sizes(row, checkpoint.value());
    check_rules(row, checkpoint.value().spec);
    check_assumptions(checkpoint.value().spec);
    check_particulars(row.folder, checkpoint.value().spec);
    if (std::getenv("TEMPER_SHOW") != nullptr)
      for (const Assumption &line : checkpoint.value().spec.assumptions)
        std::printf("%s: %s = %s (%s)\n", row.folder, line.what.c_str(), line.value.c_str(),
                    line.why.c_str());
  }
  check_missing_bias(root);
  std::printf("%d models opened, %d failures\n", opened, failures);
  return failures == 0 ? 0 : 1;
}
