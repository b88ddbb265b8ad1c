// SPDX-License-Identifier: Apache-2.0
// Which ids mean mask, begin and end. The configuration comes first, then
// generation_config.json, then the tokenizer's files, then what the family is published with.
#include "model/families/draft.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace temper {
namespace {

struct Found {
  int64_t id = -1;
  std::string why;
};

std::optional<int64_t> usable(const Draft &draft, const Json *json) {
  if (json == nullptr) return std::nullopt;
  const std::optional<int64_t> id = whole_number(*json);
  if (id && *id >= 0 && *id < draft.spec.vocabulary) return id;
  return std::nullopt;
}

// "mask_token": "<mask>" or {"content": "<mask>"}
std::string token_content(const Json *json) {
  if (json != nullptr && json->kind == Json::Kind::object) json = json->find("content");
  return json != nullptr && json->kind == Json::Kind::text ? json->text : std::string();
}

// The id of an added token in the tokenizer's files.
Found id_of_content(Draft &draft, const std::string &content) {
  if (content.empty()) return {};
  const std::string quoted = " (\"" + content.substr(0, 40) + "\")";
  if (const Json *config = draft.side_file("tokenizer_config.json"))
    if (const Json *decoder = config->find("added_tokens_decoder"))
      for (const JsonMember &member : decoder->members) {
        if (token_content(&member.value) != content) continue;
        Json id;
        id.kind = Json::Kind::integer;
        const char *end = member.key.data() + member.key.size();
        const auto parsed = std::from_chars(member.key.data(), end, id.integer);
        if (parsed.ec != std::errc() || parsed.ptr != end) continue;
        if (const auto good = usable(draft, &id))
          return {*good, "tokenizer_config.json added_tokens_decoder" + quoted};
      }
  if (const Json *added = draft.side_file("added_tokens.json"))
    if (const auto id = usable(draft, added->find(content)))
      return {*id, "added_tokens.json" + quoted};
  if (const Json *tokenizer = draft.side_file("tokenizer.json"))
    if (const Json *added = tokenizer->find("added_tokens"))
      for (const JsonMember &member : added->members)
        if (token_content(&member.value) == content)
          if (const auto id = usable(draft, member.value.find("id")))
            return {*id, "tokenizer.json added_tokens" + quoted};
  if (const Json *vocab = draft.side_file("vocab.json"))
    if (const auto id = usable(draft, vocab->find(content))) return {*id, "vocab.json" + quoted};
  return {};
}

Found by_tokenizer(Draft &draft, const char *name) {
  for (const char *file : {"tokenizer_config.json", "special_tokens_map.json"})
    if (const Json *json = draft.side_file(file))
      if (Found found = id_of_content(draft, token_content(json->find(name))); found.id >= 0)
        return found;
  return {};
}

// An id, or the first of a list of ids.
Found by_number(const Draft &draft, const Json *json, const std::string &why) {
  if (json != nullptr && json->kind == Json::Kind::array && !json->members.empty())
    json = &json->members.front().value;
  if (const auto id = usable(draft, json)) return {*id, why};
  return {};
}

Found ordinary_token(Draft &draft, const std::string &name) {
  const std::string key = name + "_id";
  Found found = by_number(draft, draft.config.find(key), draft.config.file() + " " + key);
  if (found.id >= 0) return found;
  if (const Json *generation = draft.side_file("generation_config.json"))
    found = by_number(draft, generation->find(key), "generation_config.json " + key);
  return found.id >= 0 ? found : by_tokenizer(draft, name.c_str());
}

void add_end_tokens(Draft &draft, const Json *json) {
  if (json == nullptr) return;
  std::vector<int64_t> &ends = draft.spec.end_tokens;
  const auto add = [&](const Json &value) {
    const auto id = usable(draft, &value);
    if (id && std::find(ends.begin(), ends.end(), *id) == ends.end()) ends.push_back(*id);
  };
  add(*json);
  for (const JsonMember &member : json->members)
    if (json->kind == Json::Kind::array) add(member.value);
}

void read_mask(Draft &draft, int64_t fallback, const char *fallback_why) {
  for (const char *key : {"mask_token_id", "mask_id", "mask_index"}) {
    const Json *json = draft.config.find(key);
    if (json == nullptr) continue;
    if (const auto id = usable(draft, json)) {
      draft.set_mask(*id, draft.config.file() + " " + key);
      return;
    }
    if (draft.overrides.mask_token) break;
    draft.refuse(TEMPER_E_FORMAT, "%s is not a token of the vocabulary (%lld)", key,
                 static_cast<long long>(draft.spec.vocabulary));
    return;
  }
  if (const Json *generation = draft.side_file("generation_config.json"))
    if (const auto id = usable(draft, generation->find("mask_token_id"))) {
      draft.set_mask(*id, "generation_config.json mask_token_id");
      return;
    }
  if (const Found found = by_tokenizer(draft, "mask_token"); found.id >= 0) {
    draft.set_mask(found.id, found.why);
    return;
  }
  // Some files add the token without naming its role.
  for (const char *content : {"<|MASK|>", "<|mask|>", "|<MASK>|", "<|mdm_mask|>", "[MASK]", "<mask>"})
    if (const Found found = id_of_content(draft, content); found.id >= 0) {
      draft.set_mask(found.id, found.why);
      return;
    }
  if (fallback >= 0 && fallback < draft.spec.vocabulary)
    draft.set_mask(fallback, fallback_why);
  else if (fallback >= 0)
    draft.set_mask(-1, std::string(fallback_why) + " is " + std::to_string(fallback) +
                           ", beyond the vocabulary; give the override mask_token");
  else
    draft.set_mask(-1, std::string(fallback_why) + "; the override mask_token gives one");
}

}  // namespace

void read_special_tokens(Draft &draft, int64_t mask_default, const char *mask_default_why) {
  if (!draft.ok()) return;
  Spec &spec = draft.spec;
  if (mask_default_why != nullptr)
    read_mask(draft, mask_default, mask_default_why);
  else
    draft.set_mask(-1, "this noise path has none");

  const struct {
    const char *name;
    const char *what;
    int64_t *place;
  } roles[] = {{"bos_token", "begin token", &spec.bos_token},
               {"eos_token", "end token", &spec.eos_token}};
  // The diffusion transformers published with GPT-2's tokenizer say so only by their size.
  const int64_t gpt2_tokens = 50257;
  const bool gpt2 = spec.vocabulary == gpt2_tokens || spec.vocabulary == gpt2_tokens + 1;
  for (const auto &role : roles) {
    Found found = ordinary_token(draft, role.name);
    if (found.id < 0 && gpt2)
      found = {gpt2_tokens - 1, "GPT-2's vocabulary, by its size"};
    *role.place = found.id;
    if (found.id >= 0) draft.note(role.what, std::to_string(found.id), found.why);
  }
  add_end_tokens(draft, draft.config.find("eos_token_id"));
  if (const Json *generation = draft.side_file("generation_config.json"))
    add_end_tokens(draft, generation->find("eos_token_id"));
  if (spec.eos_token >= 0 && spec.end_tokens.empty()) spec.end_tokens.push_back(spec.eos_token);
  std::string ends;
  for (const int64_t id : spec.end_tokens) ends += (ends.empty() ? "" : ", ") + std::to_string(id);
  draft.note("end tokens", ends.empty() ? "none" : ends,
             ends.empty() ? "no file names one" : "all that the files list as eos_token_id");
}

}  // namespace temper
