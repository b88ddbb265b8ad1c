// SPDX-License-Identifier: Apache-2.0
#include "trace.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace program {
namespace {

/// Name of a model's folder.
std::string folder_name(const std::string &path) {
  const std::filesystem::path folder = std::filesystem::path(path).lexically_normal();
  return (folder.has_filename() ? folder.filename() : folder.parent_path().filename()).string();
}

nlohmann::json opening_json(const Opening &opening) {
  nlohmann::json out = {{"path", opening.path}};
  for (const auto &[key, value] : {std::pair("family", opening.family), {"context", opening.context},
                                   {"window_attention", opening.window}, {"storage", opening.storage}}) {
    if (!value.empty()) {
      out[key] = value;
    }
  }
  for (const auto &[key, value] : {std::pair("shifted", opening.shifted), {"noise_keys", opening.noise_keys},
                                   {"mask_token", opening.mask_token}, {"block", opening.block},
                                   {"max_length", opening.max_length}, {"tokens", opening.tokens}}) {
    if (value) {
      out[key] = *value;
    }
  }
  return out;
}

} // namespace

Tracer::Tracer(const Generation &generation, const Words &words)
    : generation_(generation), words_(words), rows_(generation.rows().size()) {
  for (size_t i = 0; i < rows_.size(); ++i) {
    rows_[i].tokens = generation.prompts()[i].tokens;
    rows_[i].settled = static_cast<int64_t>(rows_[i].tokens.size());
  }
}

/// Adds the bytes of tokens that weren't met before.
void Tracer::spell(nlohmann::json &line, const std::vector<int32_t> &tokens) {
  if (words_.ids()) {
    return;
  }
  for (const int32_t token : tokens) {
    if (generation_.undecided(token) || !spelled_.insert(token).second) {
      continue;
    }
    const std::string bytes = bytes_of(words_.tokenizer(), token);
    nlohmann::json &entry = line["bytes"][std::to_string(token)];
    entry = bytes;
    try {
      static_cast<void>(entry.dump());
    } catch (const nlohmann::json::type_error &) { // part of a character: its bytes as numbers
      entry = std::vector<unsigned char>(bytes.begin(), bytes.end());
    }
  }
}

nlohmann::json Tracer::header(const Settings &settings, const Opening &opening, const temper_model *model) {
  nlohmann::json out = {{"trace", 1},
                        {"version", temper_version_string()},
                        {"model", opening_json(opening)},
                        {"ids", words_.ids()},
                        {"settings", settings}};
  out["model"]["name"] = folder_name(model_text(model, TEMPER_MODEL_PATH));
  out["model"]["detected_family"] = model_text(model, TEMPER_MODEL_FAMILY);
  out["model"]["backend"] = model_text(model, TEMPER_MODEL_BACKEND);
  out["model"]["mask"] = model_number(model, TEMPER_MODEL_MASK_TOKEN);
  out["settings"]["schedule"] = settings.schedule.resolved(model);
  for (const Prompt &prompt : settings.rows) {
    spell(out, prompt.fixed_tokens);
  }
  return out;
}

nlohmann::json Tracer::step() {
  nlohmann::json out = {{"step", generation_.steps().back().info.step}, {"rows", nlohmann::json::array()}};
  for (size_t i = 0; i < rows_.size(); ++i) {
    Known &known = rows_[i];
    const Row &row = generation_.rows()[i];
    if (known.finished) {
      continue;
    }
    known.finished = row.finished != TEMPER_ROW_RUNNING;
    const int64_t begin = known.settled, end = begin + static_cast<int64_t>(row.taken.size());
    std::vector<int32_t> shown = row.taken;
    shown.insert(shown.end(), row.window.begin(), row.window.end());
    nlohmann::json changes = nlohmann::json::array();
    std::vector<int32_t> changed;
    known.tokens.resize(std::max(known.tokens.size(), static_cast<size_t>(begin) + shown.size()), -1);
    for (size_t k = 0; k < shown.size(); ++k) {
      const int32_t token = generation_.undecided(shown[k]) ? -1 : shown[k];
      int32_t &before = known.tokens[static_cast<size_t>(begin) + k];
      if (before != token) {
        before = token;
        changes.push_back({begin + static_cast<int64_t>(k), token});
        changed.push_back(token);
      }
    }
    known.settled = end;
    out["rows"].push_back({{"row", i},
                           {"call", row.call},
                           {"settled", {begin, end}},
                           {"window", {end, end + static_cast<int64_t>(row.window.size())}},
                           {"tokens", std::move(changes)},
                           {"finished", row.finished}});
    spell(out, changed);
  }
  return out;
}

nlohmann::json Tracer::end() const {
  nlohmann::json out = {{"end", true}, {"cut_off", generation_.cancelled()}, {"rows", nlohmann::json::array()}};
  for (size_t i = 0; i < rows_.size(); ++i) {
    nlohmann::json records = nlohmann::json::array();
    for (const temper_token_record &record : generation_.provenance(i)) {
      records.push_back({record.token, record.set_call, record.settled_call, record.changes, record.probability});
    }
    if (generation_.rows()[i].finished == TEMPER_ROW_RUNNING) {
      out["cut_off"] = true;
    }
    out["rows"].push_back(
        {{"row", i}, {"finished", finished_text(generation_.rows()[i].finished)}, {"provenance", std::move(records)}});
  }
  return out;
}

LineFile::LineFile(const std::string &path) : path_(path), file_(std::fopen(path.c_str(), "wb")) {
  if (file_ == nullptr) {
    throw Failure(path + ": " + std::strerror(errno));
  }
}

LineFile::~LineFile() { std::fclose(file_); }

void LineFile::write(const nlohmann::json &line) {
  const std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() || std::fflush(file_) != 0) {
    throw Failure(path_ + ": " + std::strerror(errno));
  }
}

} // namespace program
