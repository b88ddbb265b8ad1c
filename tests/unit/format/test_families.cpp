// SPDX-License-Identifier: Apache-2.0
// Deciding the family by tensors and fields together, special tokens, shards and the caller's
// overrides, on models of a few hundred bytes.
#include "model/checkpoint.h"
#include "temporary_folder.h"

#include <cmath>
#include <cstring>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

extern "C" {
#include <cmocka.h>
}

using namespace temper;

namespace {

Result<Checkpoint> open_memory(const tiny::Model &model, const SpecOverrides &overrides = {}) {
  const auto file = std::make_shared<std::string>(tiny::safetensors_of(model.header, model.data));
  const std::span config(model.config.data(), model.config.size());
  const std::span weights(file->data(), file->size());
  return open_checkpoint_memory(std::as_bytes(config), std::as_bytes(weights), file, overrides);
}

Spec spec_of(const tiny::Model &model, const SpecOverrides &overrides = {}) {
  auto checkpoint = open_memory(model, overrides);
  if (!checkpoint.ok()) fail_msg("%s", checkpoint.status().message().c_str());
  return checkpoint.value().spec;
}

void expect_refused(const tiny::Model &model, temper_status code, const char *words,
                    const SpecOverrides &overrides = {}) {
  const auto checkpoint = open_memory(model, overrides);
  if (checkpoint.ok()) fail_msg("opened, expected: %s", words);
  if (checkpoint.status().code() != code ||
      checkpoint.status().message().find(words) == std::string::npos)
    fail_msg("got %d \"%s\", expected %d \"%s\"", checkpoint.status().code(),
             checkpoint.status().message().c_str(), code, words);
}

std::string why(const Spec &spec, const std::string &what) {
  for (const Assumption &line : spec.assumptions)
    if (line.what == what) return line.value + " | " + line.why;
  return "";
}

SpecOverrides family(const char *name) {
  SpecOverrides overrides;
  overrides.family = name;
  return overrides;
}

void gpt2_and_diffugpt(void **) {
  Spec spec = spec_of(tiny::gpt2());
  assert_string_equal(spec.family.c_str(), "gpt2");
  assert_true(spec.autoregressive && spec.context == Context::causal);
  for (const char *prefix : {"transformer.", "module.model.", "_orig_mod.transformer."})
    assert_string_equal(spec_of(tiny::gpt2(prefix)).family.c_str(), "gpt2");

  spec = spec_of(tiny::gpt2(), family("diffugpt"));
  assert_false(spec.autoregressive);
  assert_true(spec.context == Context::full && spec.window == Window::full && spec.shifted);
  assert_non_null(std::strstr(why(spec, "family").c_str(), "override"));

  tiny::Model model = tiny::gpt2();
  model.config.insert(1, R"("mask_token_id":3,)");
  spec = spec_of(model);
  assert_string_equal(spec.family.c_str(), "diffugpt");
  assert_int_equal(spec.mask_token, 3);
  model = tiny::gpt2();
  model.config.insert(1, R"("_name_or_path":"diffusionfamily/diffugpt-s",)");
  assert_string_equal(spec_of(model).family.c_str(), "diffugpt");
  model = tiny::gpt2();
  model.config.insert(1, R"("auto_map":{"AutoModel":"modeling_x.X"},)");
  expect_refused(model, TEMPER_E_UNSUPPORTED, "override family");
}

void hdlm_by_tensors(void **) {
  Spec spec = spec_of(tiny::ddit(tiny::hdlm_config("epsilon_hybrid"), false, false));
  assert_string_equal(spec.family.c_str(), "hdlm-epsilon");
  assert_true(spec.kappa_eff == 0.5 && !spec.carry_over);
  assert_int_equal(spec.block, 4);
  assert_int_equal(spec.mask_token, 5);
  // model_type lies: the tensors decide, and it is said.
  spec = spec_of(tiny::ddit(tiny::hdlm_config("gamma_hybrid"), false, false));
  assert_string_equal(spec.family.c_str(), "hdlm-epsilon");
  assert_non_null(std::strstr(why(spec, "family").c_str(), "although config.model_type"));
  spec = spec_of(tiny::ddit(tiny::hdlm_config("epsilon_hybrid"), true, false));
  assert_string_equal(spec.family.c_str(), "hdlm-gamma");
  expect_refused(tiny::ddit(tiny::hdlm_config("gamma_hybrid"), true, true), TEMPER_E_UNSUPPORTED,
                 "override family");

  tiny::Model model = tiny::ddit(tiny::hdlm_config("epsilon_hybrid"), false, false);
  const std::string plain = R"("training":{"visible_weighting":"plain",)";
  model.config.replace(model.config.find(R"("training":{)"), 12, plain);
  spec = spec_of(model);
  assert_true(std::isnan(spec.kappa_eff) && !spec.carry_over);
  model = tiny::ddit(tiny::hdlm_config("epsilon_hybrid"), false, false);
  model.config.replace(model.config.find("aligned"), 7, "shifted");
  spec = spec_of(model);
  assert_true(spec.shifted);
  assert_int_equal(spec.block, 5);
}

// What no path can be is the file's fault, and said when it is opened.
void impossible_paths(void **) {
  tiny::Model model = tiny::ddit(tiny::hdlm_config("epsilon_hybrid"), false, false);
  model.config.replace(model.config.find("\"epsilon\":0.1"), 13, "\"epsilon\":1");
  expect_refused(model, TEMPER_E_FORMAT, "training.epsilon");
  const auto sedd = [](const std::string &sigmas) {
    return tiny::ddit(R"({"tokens":6,"graph":{"type":"uniform"},"noise":{"type":"geometric",)" + sigmas +
                          R"(},"model":{"hidden_size":4,"cond_dim":2,"n_blocks":1,"n_heads":2}})",
                      true, true);
  };
  expect_refused(sedd(R"("sigma_min":7,"sigma_max":7)"), TEMPER_E_FORMAT, "sigma_min 7 isn't below");
  expect_refused(sedd(R"("sigma_min":101)"), TEMPER_E_FORMAT, "noise.sigma_min");
  expect_refused(sedd(R"("sigma_max":701)"), TEMPER_E_FORMAT, "noise.sigma_max");
  assert_non_null(std::strstr(why(spec_of(sedd(R"("sigma_max":700)")), "noise path").c_str(),
                              "uniform, geometric clock, sigma 0.0001 to 700"));
}

void peers_by_fields(void **) {
  const std::string sizes = R"("hidden_dim":4,"cond_dim":2,"n_blocks":1,"n_heads":2,"vocab_size":6)";
  Spec spec = spec_of(tiny::ddit(R"({"model_type":"mdlm",)" + sizes + "}", true, true));
  assert_string_equal(spec.family.c_str(), "mdlm");
  assert_int_equal(spec.max_positions, 0);
  const std::string bd3 = R"({"model_type":"bd3lm","cross_attn":true,)" + sizes;
  spec = spec_of(tiny::ddit(bd3 + R"(,"block_size":3})", true, true));
  assert_true(spec.window == Window::block && spec.block == 3);
  spec = spec_of(tiny::ddit(bd3 + R"(,"block_size":3,"adaln":false})", false, false));
  assert_true(spec.conditioning == Conditioning::none && !spec.modulated_head);
  expect_refused(tiny::ddit(bd3 + "}", true, true), TEMPER_E_ARGUMENT, "override block");
  SpecOverrides block;
  block.block = 2;
  assert_int_equal(spec_of(tiny::ddit(bd3 + "}", true, true), block).block, 2);
  // A relative (Duo: uniform noise) with the same tensors and fields.
  const std::string duo = R"({"model_type":"duo","time_conditioning":true,)" + sizes + "}";
  expect_refused(tiny::ddit(duo, true, true), TEMPER_E_UNSUPPORTED, "override family");
  assert_string_equal(spec_of(tiny::ddit(duo, true, true), family("mdlm")).family.c_str(), "mdlm");

  const std::string sedd = R"("noise":{"type":"geometric","sigma_min":0.001,"sigma_max":7},"model":)"
                           R"({"hidden_size":4,"cond_dim":2,"n_blocks":1,"n_heads":2}})";
  spec = spec_of(tiny::ddit(R"({"tokens":6,"graph":{"type":"uniform"},)" + sedd, true, true));
  assert_string_equal(spec.family.c_str(), "sedd");
  assert_true(spec.path.kind == PathKind::uniform && spec.path.clock == ClockKind::geometric);
  assert_true(spec.path.sigma_min == 0.001 && spec.path.sigma_max == 7.0);
  assert_int_equal(spec.mask_token, -1);
  spec = spec_of(tiny::ddit(R"({"tokens":5,"graph":{"type":"absorb"},)" + sedd, true, true));
  assert_int_equal(spec.mask_token, 5);
  assert_true(spec.scale_by_sigma);
}

void llama_layout(void **) {
  const std::string qwen2 = R"("model_type":"qwen2","architectures":["Qwen2ForCausalLM"],)";
  const std::string qwen3 = R"("model_type":"qwen3","architectures":["Qwen3ForCausalLM"],)";
  assert_string_equal(spec_of(tiny::llama(R"("model_type":"llama",)")).family.c_str(), "llama");
  assert_string_equal(spec_of(tiny::llama(qwen2, true)).family.c_str(), "qwen2");
  assert_true(spec_of(tiny::llama(qwen3, false, true)).qk_norm);
  expect_refused(tiny::llama(qwen2, false), TEMPER_E_FORMAT, "q_proj.bias is missing");
  expect_refused(tiny::llama(qwen3, false), TEMPER_E_FORMAT, "q_norm.weight is missing");
  // Types that lie: a bidirectional model under an autoregressive model's name.
  expect_refused(tiny::llama(R"("dlm_paradigm":"bidirectional",)" + qwen3, false, true),
                 TEMPER_E_UNSUPPORTED, "override family");
  expect_refused(tiny::llama(R"("model_type":"qwen3","architectures":["EfficientDLM"],)", false, true),
                 TEMPER_E_UNSUPPORTED, "override family");
  expect_refused(tiny::llama(""), TEMPER_E_UNSUPPORTED, "override family");

  Spec spec = spec_of(tiny::llama(R"("model_type":"sdar",)", false, true));
  assert_int_equal(spec.block, 4);
  assert_non_null(std::strstr(why(spec, "block size").c_str(), "published default"));
  assert_int_equal(spec.mask_token, -1);
  assert_non_null(std::strstr(why(spec, "mask token").c_str(), "override mask_token"));
  spec = spec_of(
      tiny::llama(R"("model_type":"sdar","_name_or_path":"JetLM/SDAR-4B-Chat-b16",)", false, true));
  assert_int_equal(spec.block, 16);
  spec = spec_of(tiny::llama(R"("model_type":"Fast_dLLM_Qwen",)", true));
  assert_true(spec.block == 32 && spec.shifted && spec.window == Window::block);
  spec = spec_of(tiny::llama(R"("model_type":"a2d-qwen3",)", false, true));
  assert_true(spec.context == Context::full && !spec.shifted && spec.block == 0);
  spec = spec_of(
      tiny::llama(R"("model_type":"a2d-qwen2","_name_or_path":"x-bd3lm-v0.1",)", true));
  assert_true(spec.context == Context::block_causal && spec.block == 32);
}

void overrides_win(void **) {
  SpecOverrides overrides;
  overrides.context = Context::block_causal;
  overrides.window = Window::full;
  overrides.shifted = false;
  overrides.noise_keys = true;
  overrides.mask_token = 2;
  overrides.block = 7;
  overrides.max_positions = 9;
  overrides.kappa_eff = 0.25;
  const Spec spec = spec_of(tiny::llama(R"("model_type":"llama",)"), overrides);
  assert_true(spec.context == Context::block_causal && spec.window == Window::full);
  assert_true(!spec.shifted && spec.noise_keys && !spec.autoregressive);
  assert_true(spec.mask_token == 2 && spec.block == 7 && spec.max_positions == 9);
  assert_true(spec.kappa_eff == 0.25);
  for (const char *what : {"context rule", "window rule", "prediction offset", "noise keys",
                           "mask token", "block size", "trained length", "head kind"})
    assert_non_null(std::strstr(why(spec, what).c_str(), "override by the caller"));

  SpecOverrides wrong;
  wrong.mask_token = 6;
  expect_refused(tiny::gpt2(), TEMPER_E_ARGUMENT, "mask_token", wrong);
  wrong = {};
  wrong.max_positions = 6;
  expect_refused(tiny::gpt2(), TEMPER_E_ARGUMENT, "learned positions", wrong);
  expect_refused(tiny::gpt2(), TEMPER_E_ARGUMENT, "not known", family("gpt5"));
  expect_refused(tiny::gpt2(), TEMPER_E_ARGUMENT, "not those of sdar", family("sdar"));
  wrong = {};
  wrong.window = Window::block;
  expect_refused(tiny::gpt2(), TEMPER_E_ARGUMENT, "override block", wrong);
  // A network that mixes the mask into every token can't be without one.
  wrong = {};
  wrong.mask_token = -1;
  expect_refused(tiny::ddit(tiny::hdlm_config("gamma_hybrid"), true, false), TEMPER_E_ARGUMENT, "mask_token", wrong);
}

void tokens_from_other_files(void **) {
  tiny::Model model = tiny::llama(R"("model_type":"Fast_dLLM_Qwen",)", true);
  model.files["generation_config.json"] = R"({"eos_token_id":[4,1],"bos_token_id":0})";
  model.files["tokenizer_config.json"] =
      R"({"added_tokens_decoder":{"3":{"content":"<M>"}},"mask_token":{"content":"<M>"}})";
  TemporaryFolder folder;
  folder.write(model);
  auto checkpoint = open_checkpoint(folder.path(), {});
  assert_true(checkpoint.ok());
  const Spec &spec = checkpoint.value().spec;
  assert_int_equal(spec.mask_token, 3);
  assert_int_equal(spec.eos_token, 4);
  assert_int_equal(spec.bos_token, 0);
  assert_int_equal(spec.end_tokens.size(), 2);
  folder.write("tokenizer_config.json", "{}");
  folder.write("added_tokens.json", R"({"|<MASK>|":2})");
  assert_int_equal(open_checkpoint(folder.path(), {}).value().spec.mask_token, 2);
  // Keys that are no ids are passed over.
  for (const char *key : {"", "99999999999999999999", "3x", "-1"}) {
    folder.write("tokenizer_config.json", R"({"mask_token":"<M>","added_tokens_decoder":{")" + std::string(key) +
                                              R"(":{"content":"<M>"}}})");
    folder.write("added_tokens.json", R"({"<M>":4})");
    assert_int_equal(open_checkpoint(folder.path(), {}).value().spec.mask_token, 4);
  }
}

void shards(void **) {
  std::vector<tiny::Tensor> first = tiny::gpt2_tensors(), second(first.begin() + 5, first.end());
  first.resize(5);
  const tiny::Model a = tiny::model_of(tiny::gpt2().config, first), b = tiny::model_of("", second);
  TemporaryFolder folder;
  folder.write("config.json", a.config);
  folder.write("model-1.safetensors", tiny::safetensors_of(a.header, a.data));
  folder.write("model-2.safetensors", tiny::safetensors_of(b.header, b.data));
  std::string index;
  for (const tiny::Tensor &tensor : first) index += "\"" + tensor.name + "\":\"model-1.safetensors\",";
  for (const tiny::Tensor &tensor : second) index += "\"" + tensor.name + "\":\"model-2.safetensors\",";
  index.back() = '}';
  folder.write("model.safetensors.index.json", R"({"weight_map":{)" + index + "}");
  const auto checkpoint = open_checkpoint(folder.path(), {});
  if (!checkpoint.ok()) fail_msg("%s", checkpoint.status().message().c_str());
  assert_int_equal(checkpoint.value().weights.layers.size(), 2);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(gpt2_and_diffugpt), cmocka_unit_test(hdlm_by_tensors),
      cmocka_unit_test(peers_by_fields),   cmocka_unit_test(llama_layout),
      cmocka_unit_test(overrides_win),     cmocka_unit_test(tokens_from_other_files),
      cmocka_unit_test(shards),            cmocka_unit_test(impossible_paths)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
