// SPDX-License-Identifier: Apache-2.0
#include "model/families/names.h"

#include <string_view>

namespace temper {
namespace {

std::string_view stripped(std::string_view name) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view prefix :
         {"module.", "_orig_mod.", "backbone.", "model.", "transformer."}) {
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      again = true;
    }
  }
  return name;
}

}  // namespace

Result<TensorSet> strip_prefixes(TensorSet set) {
  TensorSet out;
  out.storage = std::move(set.storage);
  for (auto &[name, tensor] : set.tensors) {
    const auto [place, fresh] = out.tensors.emplace(stripped(name), std::move(tensor));
    if (!fresh)
      return fail(TEMPER_E_FORMAT, "tensor %.80s is there twice, under different prefixes",
                  place->first.c_str());
  }
  for (auto &[name, type] : set.opaque) {
    std::string shorter(stripped(name));
    if (out.tensors.contains(shorter) || out.opaque.contains(shorter))
      return fail(TEMPER_E_FORMAT, "tensor %.80s is there twice, under different prefixes",
                  shorter.c_str());
    out.opaque.emplace(std::move(shorter), std::move(type));
  }
  return out;
}

}  // namespace temper
