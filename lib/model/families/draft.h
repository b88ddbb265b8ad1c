// SPDX-License-Identifier: Apache-2.0
// A checkpoint being understood: what was read, and the Spec and Weights made of it so far. Every
// decision goes through a setter that also writes down why, for Spec::assumptions.
#pragma once

#include "format/fields.h"
#include "format/source.h"
#include "model/checkpoint.h"

#include <initializer_list>
#include <map>

namespace temper {

// Bounds that no real model comes near; products of any two of them fit 64 bits.
constexpr int64_t layer_limit = 4096;
constexpr int64_t width_limit = int64_t{1} << 20;
constexpr int64_t head_limit = int64_t{1} << 16;
constexpr int64_t id_limit = (int64_t{1} << 31) - 1;

class Draft {
 public:
  Draft(const Source &from, Fields fields, TensorSet set, const SpecOverrides &caller)
      : config(std::move(fields)), tensors(std::move(set)), overrides(caller), source_(from) {}

  Fields config;
  TensorSet tensors;  // names without wrappers' prefixes
  const SpecOverrides &overrides;
  Spec spec;
  Weights weights;
  int64_t parameters = 0;

  // The first error of configuration, tensors or side files; ok so far if there was none.
  bool ok() const noexcept { return config.status().ok(); }
  const Status &status() const noexcept { return config.status(); }
  void fail_with(Status status) { config.fail_with(std::move(status)); }
  // An error of the configuration: the message begins with its name.
  [[gnu::format(printf, 3, 4)]] void refuse(temper_status code, const char *format, ...);

  // Decisions. A later one about the same thing replaces the earlier.
  void note(const std::string &what, std::string value, const std::string &why);
  void set_context(Context context, const std::string &why);
  void set_window(Window window, const std::string &why);
  void set_block(int64_t block, const std::string &why);
  void set_shifted(bool shifted, const std::string &why);
  void set_noise_keys(bool keys, const std::string &why);
  void set_head(HeadForm head, double kappa_eff, bool carry_over, const std::string &why);
  void set_path(const PathSpec &path, const std::string &why);
  void set_conditioning(Conditioning conditioning, const std::string &why);
  void set_max_positions(int64_t positions, const std::string &why);
  void set_mask(int64_t token, const std::string &why);

  // Tensors. A missing one or a wrong shape is remembered as the error.
  bool has(std::string_view name) const { return tensors.find(name) || tensors.opaque.contains(name); }
  int64_t size_of(const std::string &name, size_t dimension);
  TensorView take(const std::string &name, std::initializer_list<int64_t> shape);
  // "<base>.weight" and, when asked for, "<base>.bias".
  MatrixView::Part linear(const std::string &base, int64_t outputs, int64_t inputs, bool bias,
                          bool input_major = false);
  MatrixView matrix(const std::string &base, int64_t outputs, int64_t inputs, bool bias,
                    bool input_major = false);
  // Layers beyond the configured number would be dropped silently: an error.
  void refuse_more_layers(const std::string &prefix);

  // A JSON file beside the configuration; null when it isn't there.
  const Json *side_file(const std::string &name);
  // Where the model's name may be written: the source's own and config._name_or_path.
  bool name_hints(std::string_view word) const;
  std::string names() const;

 private:
  const Source &source_;
  std::map<std::string, Json> side_files_;
};

// After the sizes are set and before tensors are taken: heads divide, rotary pairs exist, ...
void check_sizes(Draft &draft);

// Mask, begin and end tokens from the configuration and the files beside it.
// `mask_default` < 0: the family has none; why, for the note. Without a reason (null) there is no mask at all, whatever
// the files say: the noise path has none.
void read_special_tokens(Draft &draft, int64_t mask_default, const char *mask_default_why);

void apply_overrides(Draft &draft);

}  // namespace temper
