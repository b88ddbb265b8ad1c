// SPDX-License-Identifier: Apache-2.0
#include "model/families/draft.h"

#include "base/text.h"

#include <cstdarg>
#include <limits>

namespace temper {
namespace {

std::string shape_text(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

bool is_float(Dtype dtype) noexcept {
  return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16 || dtype == Dtype::f64;
}

}  // namespace

void Draft::refuse(temper_status code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const std::string text = format_shortened(std::numeric_limits<size_t>::max(), format, arguments);
  va_end(arguments);
  fail_with(fail(code, "%s: %s", config.file().c_str(), text.c_str()));
}

int64_t Draft::size_of(const std::string &name, size_t dimension) {
  const TensorView *tensor = tensors.find(name);
  if (tensor != nullptr && dimension < tensor->shape.size() && tensor->shape[dimension] > 0 &&
      tensor->shape[dimension] <= id_limit)
    return tensor->shape[dimension];
  if (tensor != nullptr)
    fail_with(fail(TEMPER_E_FORMAT, "tensor %s has shape %s", name.c_str(),
                   shape_text(tensor->shape).c_str()));
  else
    take(name, {});  // words the error
  return 1;
}

TensorView Draft::take(const std::string &name, std::initializer_list<int64_t> shape) {
  if (!ok()) return {};
  const TensorView *tensor = tensors.find(name);
  if (tensor == nullptr) {
    if (const auto opaque = tensors.opaque.find(name); opaque != tensors.opaque.end())
      fail_with(fail(TEMPER_E_UNSUPPORTED, "tensor %s is stored as %.20s, which isn't read",
                     name.c_str(), opaque->second.c_str()));
    else
      fail_with(fail(TEMPER_E_FORMAT, "tensor %s is missing", name.c_str()));
    return {};
  }
  if (!is_float(tensor->dtype))
    fail_with(fail(TEMPER_E_FORMAT, "tensor %s is %s; weights are F32, F16, BF16 or F64",
                   name.c_str(), dtype_name(tensor->dtype)));
  const std::vector<int64_t> expected(shape);
  if (tensor->shape != expected)
    fail_with(fail(TEMPER_E_FORMAT, "tensor %s has shape %s, expected %s", name.c_str(),
                   shape_text(tensor->shape).c_str(), shape_text(expected).c_str()));
  if (!ok()) return {};
  parameters += tensor->elements();
  return *tensor;
}

MatrixView::Part Draft::linear(const std::string &base, int64_t outputs, int64_t inputs, bool bias,
                               bool input_major) {
  MatrixView::Part part;
  part.weight = input_major ? take(base + ".weight", {inputs, outputs})
                            : take(base + ".weight", {outputs, inputs});
  if (bias) part.bias = take(base + ".bias", {outputs});
  return part;
}

MatrixView Draft::matrix(const std::string &base, int64_t outputs, int64_t inputs, bool bias,
                         bool input_major) {
  MatrixView view;
  view.input_major = input_major;
  view.parts.push_back(linear(base, outputs, inputs, bias, input_major));
  return view;
}

void Draft::refuse_more_layers(const std::string &prefix) {
  const std::string next = prefix + std::to_string(spec.layers) + ".";
  if (tensors.has_prefix(next))
    fail_with(fail(TEMPER_E_FORMAT, "there are tensors %s*, but the configuration has %lld layers",
                   next.c_str(), static_cast<long long>(spec.layers)));
}

const Json *Draft::side_file(const std::string &name) {
  if (const auto known = side_files_.find(name); known != side_files_.end())
    return known->second.kind == Json::Kind::object ? &known->second : nullptr;
  Json &place = side_files_[name];
  const auto file = source_.side_file(name);
  if (!file.ok()) fail_with(file.status());
  if (!file.ok() || !file.value()) return nullptr;
  // tokenizer.json holds a vocabulary and its merges.
  auto json = parse_json(file.value()->bytes, name,
                         {.bytes = size_t{64} << 20, .values = size_t{2} << 20});
  if (!json.ok()) {
    fail_with(json.status());
    return nullptr;
  }
  place = std::move(json.value());
  return place.kind == Json::Kind::object ? &place : nullptr;
}

std::string Draft::names() const {
  std::string text = source_.name();
  if (const Json *name = config.find("_name_or_path");
      name != nullptr && name->kind == Json::Kind::text)
    text += " " + name->text.substr(0, 512);
  return text;
}

bool Draft::name_hints(std::string_view word) const { return contains_word(names(), word); }

void check_sizes(Draft &draft) {
  const Spec &spec = draft.spec;
  if (!draft.ok()) return;
  const auto refuse = [&draft](const char *what, int64_t a, int64_t b) {
    draft.refuse(TEMPER_E_FORMAT, "%s (%lld and %lld)", what, static_cast<long long>(a), static_cast<long long>(b));
  };
  if (spec.head_dim <= 0)
    refuse("heads do not divide the width", spec.width, spec.heads);
  else if (spec.kv_heads > spec.heads || spec.heads % spec.kv_heads != 0)
    refuse("key/value heads do not divide the heads", spec.heads, spec.kv_heads);
  else if (spec.rotary && spec.head_dim % 2 != 0)
    refuse("rotary positions need an even head size", spec.head_dim, spec.heads);
}

}  // namespace temper
