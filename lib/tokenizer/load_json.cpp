// SPDX-License-Identifier: Apache-2.0
// tokenizer.json of the Hugging Face tokenizers library, for models of type BPE.
#include "tokenizer/builder.h"
#include "tokenizer/json_fields.h"

namespace temper {
namespace {

Status read_merges(const Json &model, std::vector<MergePair> &merges) {
  TEMPER_ASSIGN(const Json *list, array_field(model, "merges"));
  merges.reserve(list->members.size());
  for (const JsonMember &member : list->members) {
    const Json &merge = member.value;
    if (merge.kind == Json::Kind::text) {
      const std::string_view text = merge.text;
      const size_t space = text.find(' ');
      if (space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos) {
        merges.emplace_back(text.substr(0, space), text.substr(space + 1));
        continue;
      }
    } else if (merge.kind == Json::Kind::array && merge.members.size() == 2) {
      const Json &left = merge.members[0].value;
      const Json &right = merge.members[1].value;
      if (left.kind == Json::Kind::text && right.kind == Json::Kind::text) {
        merges.emplace_back(left.text, right.text);
        continue;
      }
    }
    return fail(TEMPER_E_FORMAT, "tokenizer: merge %zu isn't two texts", merges.size());
  }
  return Status();
}

Status read_model(const Json &model, TokenizerBuilder &builder) {
  const Json *type = model.find("type");
  if (type != nullptr && (type->kind != Json::Kind::text || type->text != "BPE"))
    return fail(TEMPER_E_UNSUPPORTED, "tokenizer: model type \"%.40s\" isn't supported, only BPE",
                type->text.c_str());
  const Json *vocabulary = model.find("vocab");
  if (vocabulary == nullptr) return Status(TEMPER_E_FORMAT, "tokenizer: the model has no vocabulary");
  TEMPER_TRY(builder.read_vocabulary(*vocabulary));
  TEMPER_TRY(read_merges(model, builder.merges));
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const Json *affix = model.find(key);
    if (!is_absent(affix) && (affix->kind != Json::Kind::text || !affix->text.empty()))
      return fail(TEMPER_E_UNSUPPORTED, "tokenizer: \"%s\" isn't supported", key);
  }
  if (!is_absent(model.find("unk_token"))) {
    TEMPER_ASSIGN(builder.unknown, text_field(model, "unk_token"));
  }
  TEMPER_ASSIGN(builder.bpe.byte_fallback, flag_field(model, "byte_fallback", false));
  TEMPER_ASSIGN(builder.bpe.fuse_unknown, flag_field(model, "fuse_unk", false));
  TEMPER_ASSIGN(builder.bpe.ignore_merges, flag_field(model, "ignore_merges", false));
  return Status();
}

// Ids that stand before and after a single text.
struct Template {
  std::vector<int64_t> prefix;
  std::vector<int64_t> suffix;
  bool given = false;
};

// RobertaProcessing and BertProcessing: "cls": [text, id] before, "sep": [text, id] after.
Result<int64_t> marked_id(const Json &json, const char *key) {
  TEMPER_ASSIGN(const Json *pair, array_field(json, key));
  if (pair->members.size() != 2 || pair->members[1].value.kind != Json::Kind::integer)
    return fail(TEMPER_E_FORMAT, "tokenizer: \"%s\" isn't a token and its id", key);
  return pair->members[1].value.integer;
}

Status read_template(const Json &json, Template &result) {
  TEMPER_ASSIGN(const Json *single, array_field(json, "single"));
  const Json *tokens = json.find("special_tokens");
  result = {};
  result.given = true;
  bool after_text = false;
  for (const JsonMember &member : single->members) {
    if (member.value.find("Sequence") != nullptr) {
      if (after_text) return Status(TEMPER_E_UNSUPPORTED, "tokenizer: a template repeats the text");
      after_text = true;
      continue;
    }
    const Json *special = member.value.find("SpecialToken");
    if (special == nullptr) return Status(TEMPER_E_FORMAT, "tokenizer: a template's item is no token or text");
    TEMPER_ASSIGN(const std::string name, text_field(*special, "id"));
    const Json *token = tokens == nullptr ? nullptr : tokens->find(name);
    if (token == nullptr)
      return fail(TEMPER_E_FORMAT, "tokenizer: the template's token \"%.60s\" isn't listed", name.c_str());
    TEMPER_ASSIGN(const Json *ids, array_field(*token, "ids"));
    for (const JsonMember &id : ids->members) {
      if (id.value.kind != Json::Kind::integer)
        return Status(TEMPER_E_FORMAT, "tokenizer: a template's id isn't an integer");
      (after_text ? result.suffix : result.prefix).push_back(id.value.integer);
    }
  }
  if (!after_text) return Status(TEMPER_E_FORMAT, "tokenizer: a template leaves out the text");
  return Status();
}

Status read_post_processor(const Json *json, Template &result) {
  if (is_absent(json)) return Status();
  TEMPER_ASSIGN(const std::string type, type_of(*json, "post-processor"));
  if (type == "Sequence") {
    // The JSON reader bounds the depth, and with it this recursion.
    TEMPER_ASSIGN(const Json *list, array_field(*json, "processors"));
    for (const JsonMember &member : list->members) TEMPER_TRY(read_post_processor(&member.value, result));
    return Status();
  }
  if (type == "ByteLevel") return Status();  // concerns offsets only
  if (type == "TemplateProcessing") return read_template(*json, result);
  if (type == "RobertaProcessing" || type == "BertProcessing") {
    TEMPER_ASSIGN(const int64_t first, marked_id(*json, "cls"));
    TEMPER_ASSIGN(const int64_t last, marked_id(*json, "sep"));
    result = {{first}, {last}, true};
    return Status();
  }
  return fail(TEMPER_E_UNSUPPORTED, "tokenizer: post-processor \"%.60s\" isn't supported", type.c_str());
}

Status keep_ids(const std::vector<int64_t> &ids, const Vocabulary &vocabulary, std::vector<int32_t> &out) {
  for (const int64_t id : ids) {
    if (vocabulary.entry(id) == nullptr)
      return fail(TEMPER_E_FORMAT, "tokenizer: the template's id %lld isn't in the vocabulary",
                  static_cast<long long>(id));
    out.push_back(static_cast<int32_t>(id));
  }
  return Status();
}

}  // namespace

Result<Tokenizer::Shared> Tokenizer::from_tokenizer_json(std::string_view bytes, const TokenizerExtras &files) {
  TEMPER_ASSIGN(const Json json, parse_tokenizer_file(bytes, "tokenizer.json"));
  TEMPER_ASSIGN(const Extras extras, Extras::read(files));
  const Json *model = json.find("model");
  if (model == nullptr || model->kind != Json::Kind::object)
    return Status(TEMPER_E_FORMAT, "tokenizer.json: \"model\" is missing or isn't an object");
  TokenizerBuilder builder;
  TEMPER_TRY(read_model(*model, builder));
  if (!is_absent(json.find("added_tokens"))) {
    TEMPER_ASSIGN(const Json *added, array_field(json, "added_tokens"));
    for (const JsonMember &member : added->members) {
      TEMPER_ASSIGN(AddedToken token, read_added_token(member.value, std::nullopt));
      builder.added.push_back(std::move(token));
    }
  }
  TEMPER_ASSIGN(builder.parts.normalizer, Normalizer::read(json.find("normalizer")));
  TEMPER_ASSIGN(builder.parts.pre_tokenizer, PreTokenizer::read(json.find("pre_tokenizer")));
  Template text;
  TEMPER_TRY(read_post_processor(json.find("post_processor"), text));
  builder.has_template = text.given;
  for (const AddedToken &token : builder.added) TEMPER_TRY(builder.parts.vocabulary.add(token.content, token.id));
  TEMPER_TRY(keep_ids(text.prefix, builder.parts.vocabulary, builder.parts.prefix));
  TEMPER_TRY(keep_ids(text.suffix, builder.parts.vocabulary, builder.parts.suffix));
  builder.decoder = json.find("decoder");
  return builder.finish(extras);
}

}  // namespace temper
