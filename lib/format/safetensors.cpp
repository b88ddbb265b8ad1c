// SPDX-License-Identifier: Apache-2.0
#include "format/safetensors.h"

#include "format/json.h"

#include <algorithm>
#include <array>
#include <optional>

namespace temper {
namespace {

// The format's own limit is 100 MB; no published checkpoint comes near this one.
constexpr uint64_t header_limit = uint64_t{32} << 20;
constexpr size_t rank_limit = 8;

constexpr std::array known_types = {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::f64, Dtype::i64,
                                    Dtype::i32, Dtype::i16, Dtype::i8,   Dtype::u8,  Dtype::boolean};

std::optional<Dtype> dtype_of(std::string_view text) {
  for (const Dtype dtype : known_types)
    if (text == dtype_name(dtype)) return dtype;
  return std::nullopt;
}

struct Range {
  uint64_t begin = 0, end = 0;
  const std::string *name = nullptr;
};

// One header entry after its checks; `bytes` is the whole data part.
class Entry {
 public:
  Entry(const std::string &file, const std::string &tensor) : file_(file), tensor_(tensor) {}

  Status read(const Json &json, std::span<const std::byte> data) {
    const Json *type = json.find("dtype");
    const Json *shape = json.find("shape");
    const Json *offsets = json.find("data_offsets");
    if (type == nullptr || type->kind != Json::Kind::text) return error("no dtype");
    if (shape == nullptr || shape->kind != Json::Kind::array) return error("no shape");
    if (offsets == nullptr || offsets->kind != Json::Kind::array || offsets->members.size() != 2)
      return error("no pair of data_offsets");
    TEMPER_TRY(read_shape(*shape));
    TEMPER_TRY(read_offsets(*offsets, data.size()));
    type_text = type->text;
    known = dtype_of(type->text);
    view.bytes = data.subspan(range.begin, range.end - range.begin);
    if (!known) return {};
    view.dtype = *known;
    uint64_t size = 0;
    if (__builtin_mul_overflow(elements_, static_cast<uint64_t>(dtype_size(*known)), &size))
      return error("size of the shape overflows");
    if (size != view.bytes.size()) return error("shape and data_offsets disagree");
    return {};
  }

  TensorView view;
  std::optional<Dtype> known;
  std::string type_text;
  Range range;

 private:
  Status error(const char *what) const {
    return fail(TEMPER_E_FORMAT, "%s: tensor %.80s: %s", file_.c_str(), tensor_.c_str(), what);
  }

  Status read_shape(const Json &shape) {
    if (shape.members.size() > rank_limit) return error("more than 8 dimensions");
    for (const JsonMember &member : shape.members) {
      if (member.value.kind != Json::Kind::integer || member.value.integer < 0)
        return error("a dimension is not a whole number");
      const int64_t size = member.value.integer;
      if (__builtin_mul_overflow(elements_, static_cast<uint64_t>(size), &elements_) ||
          elements_ > static_cast<uint64_t>(INT64_MAX))
        return error("size of the shape overflows");
      view.shape.push_back(size);
    }
    return {};
  }

  Status read_offsets(const Json &offsets, uint64_t data_size) {
    const Json &begin = offsets.members[0].value;
    const Json &end = offsets.members[1].value;
    if (begin.kind != Json::Kind::integer || end.kind != Json::Kind::integer ||
        begin.integer < 0 || end.integer < begin.integer)
      return error("data_offsets are no range");
    range = {static_cast<uint64_t>(begin.integer), static_cast<uint64_t>(end.integer), nullptr};
    if (range.end > data_size) return error("data_offsets reach beyond the end of the file");
    return {};
  }

  const std::string &file_;
  const std::string &tensor_;
  uint64_t elements_ = 1;
};

Status check_cover(std::vector<Range> ranges, uint64_t size, const std::string &file) {
  std::sort(ranges.begin(), ranges.end(), [](const Range &a, const Range &b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t reached = 0;
  for (const Range &range : ranges) {
    if (range.begin != reached)
      return fail(TEMPER_E_FORMAT, "%s: tensor %.80s %s", file.c_str(), range.name->c_str(),
                  range.begin < reached ? "overlaps another one" : "follows a hole in the data");
    reached = range.end;
  }
  if (reached != size)
    return fail(TEMPER_E_FORMAT, "%s: %llu bytes after the last tensor", file.c_str(),
                static_cast<unsigned long long>(size - reached));
  return {};
}

}  // namespace

const TensorView *TensorSet::find(std::string_view name) const {
  const auto place = tensors.find(name);
  return place == tensors.end() ? nullptr : &place->second;
}

bool TensorSet::has_prefix(std::string_view prefix) const {
  const auto place = tensors.lower_bound(prefix);
  if (place != tensors.end() && place->first.starts_with(prefix)) return true;
  const auto other = opaque.lower_bound(prefix);
  return other != opaque.end() && other->first.starts_with(prefix);
}

Result<TensorSet> parse_safetensors(std::span<const std::byte> bytes, const std::string &name) {
  if (bytes.size() < 8)
    return fail(TEMPER_E_FORMAT, "%s: too short for safetensors (%zu bytes)", name.c_str(),
                bytes.size());
  uint64_t length = 0;
  for (size_t i = 8; i-- > 0;) length = (length << 8) | std::to_integer<uint64_t>(bytes[i]);
  if (length > header_limit || length > bytes.size() - 8)
    return fail(TEMPER_E_FORMAT, "%s: header length %llu is beyond the %s", name.c_str(),
                static_cast<unsigned long long>(length),
                length > header_limit ? "limit of 32 MiB" : "end of the file");
  const auto header_bytes = bytes.subspan(8, static_cast<size_t>(length));
  const auto data = bytes.subspan(8 + static_cast<size_t>(length));
  if (header_bytes.empty() || header_bytes[0] != std::byte{'{'})
    return fail(TEMPER_E_FORMAT, "%s: the header does not begin with {", name.c_str());
  TEMPER_ASSIGN(const Json header, parse_json(header_bytes, name,
                                              {.bytes = header_limit, .depth = 8}));

  TensorSet set;
  std::vector<Range> ranges;
  for (const JsonMember &member : header.members) {
    if (member.key == "__metadata__") {
      if (member.value.kind != Json::Kind::object)
        return fail(TEMPER_E_FORMAT, "%s: __metadata__ is not an object", name.c_str());
      continue;
    }
    Entry entry(name, member.key);
    TEMPER_TRY(entry.read(member.value, data));
    ranges.push_back({entry.range.begin, entry.range.end, &member.key});
    if (entry.known)
      set.tensors.emplace(member.key, std::move(entry.view));
    else
      set.opaque.emplace(member.key, std::move(entry.type_text));
  }
  TEMPER_TRY(check_cover(std::move(ranges), data.size(), name));
  return set;
}

}  // namespace temper
