// SPDX-License-Identifier: Apache-2.0
// temper tokenize: text to token ids and back.
#include "commands.h"
#include "files.h"
#include "text.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace program {
namespace {

struct TokenizeOptions {
  std::string path, file;
  std::vector<std::string> words;
  bool decode = false, ids = false, count = false, json = false;
  bool add_special = false, parse_special = false, skip_special = false;
};

/// What is to be worked on: the arguments, a file, or standard input.
std::string input(const TokenizeOptions &options) {
  if (!options.file.empty()) {
    return read_text(options.file);
  }
  if (options.words.empty() || (options.words.size() == 1 && options.words[0] == "-")) {
    return read_text("-");
  }
  std::string text;
  for (const std::string &word : options.words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

std::string dump(const nlohmann::json &document) {
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

int run_decode(const TokenizeOptions &options, const temper_tokenizer *tokenizer) {
  const std::vector<int32_t> ids = parse_ids(input(options));
  const std::string text = decode(tokenizer, ids, options.skip_special ? TEMPER_TOKENIZER_SKIP_SPECIAL : 0);
  if (options.json) {
    std::printf("%s\n", dump({{"ids", ids}, {"count", ids.size()}, {"text", text}}).c_str());
  } else if (options.count) {
    std::printf("%zu\n", text.size());
  } else { // the exact bytes, with nothing added
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  return 0;
}

int run_encode(const TokenizeOptions &options, const temper_tokenizer *tokenizer) {
  const int32_t flags = (options.add_special ? TEMPER_TOKENIZER_ADD_SPECIAL : 0) |
                        (options.parse_special ? TEMPER_TOKENIZER_PARSE_SPECIAL : 0);
  const std::string text = input(options);
  const std::vector<int32_t> ids = encode(tokenizer, text, flags);
  if (options.json) {
    nlohmann::json pieces = nlohmann::json::array();
    for (const int32_t id : ids) {
      pieces.push_back(spelling(tokenizer, id));
    }
    std::printf("%s\n", dump({{"ids", ids}, {"count", ids.size()}, {"tokens", pieces}}).c_str());
  } else if (options.count) {
    std::printf("%zu\n", ids.size());
  } else if (options.ids) {
    std::printf("%s\n", join_ids(ids).c_str());
  } else {
    for (const int32_t id : ids) {
      std::printf("%8d  %s\n", id, spelling(tokenizer, id).c_str());
    }
  }
  return 0;
}

int run_tokenize(const TokenizeOptions &options) {
  const std::string folder = options.path.empty() ? bundled_model() : options.path;
  if (folder.empty()) {
    throw Failure("no model comes with this program; name one with --model");
  }
  const Tokenizer tokenizer = open_tokenizer(folder);
  return options.decode ? run_decode(options, tokenizer.get()) : run_encode(options, tokenizer.get());
}

} // namespace

void add_tokenize(CLI::App &program, int &status) {
  CLI::App *command = program.add_subcommand("tokenize", "Turn text into token ids, or ids into text");
  auto options = std::make_shared<TokenizeOptions>();
  command->add_option("TEXT", options->words, "Text, or with --decode ids; nothing or -: standard input");
  command->add_option("-f,--file", options->file, "Read it from this file");
  command->add_option("-m,--model", options->path,
                      "Model folder or tokenizer.json (default: the model that comes with the program)");
  command->add_flag("-d,--decode", options->decode, "Ids to text: the exact bytes");
  command->add_flag("--ids", options->ids, "Only the ids, on one line");
  command->add_flag("-c,--count", options->count, "Only the number of tokens (with --decode: of bytes)");
  command->add_flag("--json", options->json, "One JSON document");
  command->add_flag("--add-special", options->add_special, "With the tokens that the model's files put around a text");
  command->add_flag("--parse-special", options->parse_special,
                    "Take special tokens spelled in the text for those tokens");
  command->add_flag("--skip-special", options->skip_special, "With --decode: special tokens give no text");
  command->callback([options, &status] { status = run_tokenize(*options); });
}

} // namespace program
