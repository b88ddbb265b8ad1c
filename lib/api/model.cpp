// SPDX-License-Identifier: Apache-2.0
#include "api/model.h"

#include "api/guard.h"
#include "api/runtime.h"
#include "api/tokenizer.h"
#include "session/defaults.h"

#include <temper/model.h>
#include <temper/tokenizer.h>

using temper::guard;
using temper::Status;

namespace {

temper::Result<temper_model *> make_model(std::shared_ptr<temper::Device> device, temper::Checkpoint checkpoint,
                                          const temper_model_options &options) {
  TEMPER_ASSIGN(std::shared_ptr<const temper::Model> network,
                temper::Model::create(std::move(device), std::move(checkpoint), options.storage));
  return new temper_model{std::make_shared<temper::SharedModel>(std::move(network), options.tokens)};
}

Status set_option(temper_model_options &options, int32_t key, int64_t value) {
  auto in_range = [&](int64_t low, int64_t high, const char *name) -> Status {
    if (value >= low && value <= high) return Status();
    return temper::fail(TEMPER_E_ARGUMENT, "%s must be %lld to %lld, not %lld", name, static_cast<long long>(low),
                        static_cast<long long>(high), static_cast<long long>(value));
  };
  temper::SpecOverrides &overrides = options.overrides;
  switch (key) {
    case TEMPER_MODEL_OPTION_CONTEXT:
      TEMPER_TRY(in_range(TEMPER_CONTEXT_CAUSAL, TEMPER_CONTEXT_FULL, "context"));
      overrides.context = static_cast<temper::Context>(value);
      return Status();
    case TEMPER_MODEL_OPTION_WINDOW:
      TEMPER_TRY(in_range(TEMPER_WINDOW_FULL, TEMPER_WINDOW_BLOCK, "window"));
      overrides.window = static_cast<temper::Window>(value);
      return Status();
    case TEMPER_MODEL_OPTION_SHIFTED:
      TEMPER_TRY(in_range(0, 1, "shifted"));
      overrides.shifted = value != 0;
      return Status();
    case TEMPER_MODEL_OPTION_NOISE_KEYS:
      TEMPER_TRY(in_range(0, 1, "noise keys"));
      overrides.noise_keys = value != 0;
      return Status();
    case TEMPER_MODEL_OPTION_MASK_TOKEN:
      TEMPER_TRY(in_range(-1, INT32_MAX, "mask token"));
      overrides.mask_token = value;
      return Status();
    case TEMPER_MODEL_OPTION_BLOCK:
      TEMPER_TRY(in_range(1, INT32_MAX, "block"));
      overrides.block = value;
      return Status();
    case TEMPER_MODEL_OPTION_MAX_LENGTH:
      TEMPER_TRY(in_range(1, INT32_MAX, "length"));
      overrides.max_positions = value;
      return Status();
    case TEMPER_MODEL_OPTION_STORAGE:
      TEMPER_TRY(in_range(TEMPER_STORAGE_AUTO, TEMPER_STORAGE_BF16, "storage"));
      options.storage = static_cast<temper::Storage>(value);
      return Status();
    case TEMPER_MODEL_OPTION_TOKENS:
      TEMPER_TRY(in_range(0, INT32_MAX, "tokens"));
      options.tokens = value;
      return Status();
    default: return temper::fail(TEMPER_E_ARGUMENT, "unknown model option %d", key);
  }
}

const temper_model_options &or_default(const temper_model_options *options) {
  static const temper_model_options none;
  return options == nullptr ? none : *options;
}

std::string or_auto(const char *backend) { return backend == nullptr ? "auto" : backend; }

// Gives borrowed memory back exactly once, whatever happens.
std::shared_ptr<const void> borrow(const void *memory, temper_release_fn release, void *user) {
  if (release == nullptr) return std::shared_ptr<const void>(memory, [](const void *) {});
  return std::shared_ptr<const void>(memory, [release, user](const void *) { release(user); });
}

}  // namespace

extern "C" {

temper_status temper_model_options_create(temper_model_options **out, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    *out = new temper_model_options();
    return Status();
  });
}

void temper_model_options_destroy(temper_model_options *options) { delete options; }

temper_status temper_model_options_set_i64(temper_model_options *options, int32_t key, int64_t value,
                                           temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(options != nullptr, "options is NULL");
    return set_option(*options, key, value);
  });
}

temper_status temper_model_options_set_family(temper_model_options *options, const char *family,
                                              temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(options != nullptr, "options is NULL");
    options->overrides.family = family == nullptr ? "" : family;
    return Status();
  });
}

temper_status temper_model_open_with(temper_runtime *runtime, const char *path, const char *backend,
                                     const temper_model_options *options, temper_model **out,
                                     temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    TEMPER_REQUIRE(runtime != nullptr, "runtime is NULL");
    TEMPER_REQUIRE(path != nullptr, "path is NULL");
    const temper_model_options &chosen = or_default(options);
    TEMPER_ASSIGN(temper::Checkpoint checkpoint, temper::open_checkpoint(path, chosen.overrides));
    TEMPER_ASSIGN(std::shared_ptr<temper::Device> device, runtime->impl->open_device(or_auto(backend)));
    TEMPER_ASSIGN(*out, make_model(std::move(device), std::move(checkpoint), chosen));
    return Status();
  });
}

temper_status temper_model_open(temper_runtime *runtime, const char *path, const char *backend,
                                temper_model **out, temper_error *error) {
  return temper_model_open_with(runtime, path, backend, nullptr, out, error);
}

temper_status temper_model_open_memory(temper_runtime *runtime, const void *config, size_t config_size,
                                       const void *weights, size_t weights_size, temper_release_fn release,
                                       void *user, const char *backend, const temper_model_options *options,
                                       temper_model **out, temper_error *error) {
  // Making the holder may itself run out of memory; shared_ptr then calls the deleter, so the memory
  // goes back to its owner in that case too.
  return guard(error, [&]() -> Status {
    const std::shared_ptr<const void> storage = borrow(weights, release, user);
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    TEMPER_REQUIRE(runtime != nullptr, "runtime is NULL");
    TEMPER_REQUIRE(config != nullptr, "config is NULL");
    TEMPER_REQUIRE(weights != nullptr, "weights is NULL");
    const temper_model_options &chosen = or_default(options);
    TEMPER_ASSIGN(temper::Checkpoint checkpoint,
                  temper::open_checkpoint_memory({static_cast<const std::byte *>(config), config_size},
                                                 {static_cast<const std::byte *>(weights), weights_size}, storage,
                                                 chosen.overrides));
    TEMPER_ASSIGN(std::shared_ptr<temper::Device> device, runtime->impl->open_device(or_auto(backend)));
    TEMPER_ASSIGN(*out, make_model(std::move(device), std::move(checkpoint), chosen));
    return Status();
  });
}

void temper_model_destroy(temper_model *model) { delete model; }

temper_status temper_model_estimate(temper_runtime *runtime, const char *path, const char *backend,
                                    const temper_model_options *options, int64_t *bytes, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(runtime != nullptr, "runtime is NULL");
    TEMPER_REQUIRE(path != nullptr, "path is NULL");
    TEMPER_REQUIRE(bytes != nullptr, "bytes is NULL");
    const temper_model_options &chosen = or_default(options);
    TEMPER_ASSIGN(const temper::Checkpoint checkpoint, temper::open_checkpoint(path, chosen.overrides));
    TEMPER_ASSIGN(const std::shared_ptr<temper::Device> device, runtime->impl->open_device(or_auto(backend)));
    TEMPER_ASSIGN(*bytes, temper::Model::estimate(*device, checkpoint, chosen.storage));
    return Status();
  });
}

temper_status temper_model_get_i64(const temper_model *model, int32_t key, int64_t *value, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(model != nullptr, "model is NULL");
    TEMPER_REQUIRE(value != nullptr, "value is NULL");
    const temper::Model &network = *model->impl->network;
    const temper::Spec &spec = network.spec();
    const temper::ScheduleDefault schedule = temper::default_schedule(spec);
    switch (key) {
      case TEMPER_MODEL_VOCABULARY: *value = spec.vocabulary; break;
      case TEMPER_MODEL_COLUMNS: *value = spec.columns; break;
      case TEMPER_MODEL_MASK_TOKEN: *value = spec.mask_token; break;
      case TEMPER_MODEL_BOS_TOKEN: *value = spec.bos_token; break;
      case TEMPER_MODEL_EOS_TOKEN: *value = spec.eos_token; break;
      case TEMPER_MODEL_MAX_LENGTH: *value = spec.max_positions; break;
      case TEMPER_MODEL_LAYERS: *value = spec.layers; break;
      case TEMPER_MODEL_WIDTH: *value = spec.width; break;
      case TEMPER_MODEL_HEADS: *value = spec.heads; break;
      case TEMPER_MODEL_KV_HEADS: *value = spec.kv_heads; break;
      case TEMPER_MODEL_HEAD_DIM: *value = spec.head_dim; break;
      case TEMPER_MODEL_MLP_WIDTH: *value = spec.mlp_width; break;
      case TEMPER_MODEL_PARAMETERS: *value = network.parameters(); break;
      case TEMPER_MODEL_WEIGHT_BYTES: *value = network.weight_bytes(); break;
      case TEMPER_MODEL_STEP_BYTES: *value = network.step_bytes(); break;
      case TEMPER_MODEL_STEP_PRODUCTS: *value = network.step_products(); break;
      case TEMPER_MODEL_CONTEXT: *value = static_cast<int64_t>(spec.context); break;
      case TEMPER_MODEL_WINDOW: *value = static_cast<int64_t>(spec.window); break;
      case TEMPER_MODEL_BLOCK: *value = spec.block; break;
      case TEMPER_MODEL_SHIFTED: *value = spec.shifted ? 1 : 0; break;
      case TEMPER_MODEL_AUTOREGRESSIVE: *value = spec.autoregressive ? 1 : 0; break;
      case TEMPER_MODEL_STORAGE:
        *value = network.storage() == temper::Storage::bf16 ? TEMPER_STORAGE_BF16 : TEMPER_STORAGE_F32;
        break;
      case TEMPER_MODEL_DEFAULT_WIDTH: *value = schedule.width; break;
      case TEMPER_MODEL_DEFAULT_LEVELS: *value = schedule.levels; break;
      case TEMPER_MODEL_DEFAULT_SCHEDULE: *value = schedule.kind; break;
      case TEMPER_MODEL_WITHOUT_TOKEN: {
        TEMPER_ASSIGN(const temper::SharedModel::Ids ids, model->impl->ids_without_token());
        *value = ids == nullptr ? 0 : static_cast<int64_t>(ids->size());
        break;
      }
      default: return temper::fail(TEMPER_E_ARGUMENT, "unknown model key %d", key);
    }
    return Status();
  });
}

const char *temper_model_get_text(const temper_model *model, int32_t key) {
  if (model == nullptr) return nullptr;
  const temper::Model &network = *model->impl->network;
  switch (key) {
    case TEMPER_MODEL_FAMILY: return network.spec().family.c_str();
    case TEMPER_MODEL_BACKEND: return network.device()->ops().name;
    case TEMPER_MODEL_BACKEND_DESCRIPTION: return network.device()->ops().describe();
    case TEMPER_MODEL_ASSUMPTIONS: return model->impl->assumptions.c_str();
    case TEMPER_MODEL_PATH: return network.source().folder().c_str();
    case TEMPER_MODEL_NOISE: return model->impl->noise.c_str();
    default: return nullptr;
  }
}

temper_status temper_model_tokenizer(const temper_model *model, temper_tokenizer **out, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    TEMPER_REQUIRE(model != nullptr, "model is NULL");
    TEMPER_ASSIGN(temper::Tokenizer::Shared tokenizer, model->impl->tokenizer());
    *out = new temper_tokenizer{std::move(tokenizer)};
    return Status();
  });
}

}  // extern "C"
