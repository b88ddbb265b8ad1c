// SPDX-License-Identifier: Apache-2.0
// Traces read again. Nothing in the file is trusted.
#include "files.h"
#include "json_fields.h"
#include "trace.h"

#include <sstream>

namespace program {
namespace {

constexpr int64_t most_positions = int64_t{1} << 24;

void read_header(const nlohmann::json &line, Recording &out) {
  if (!line.is_object() || !line.contains("trace")) {
    throw Failure("this isn't a trace");
  }
  if (line.at("trace").get<int>() != 1) {
    throw Failure("a trace of a newer format");
  }
  out.settings = line.at("settings").get<Settings>();
  out.ids = line.at("ids").get<bool>();
  const nlohmann::json &model = line.at("model");
  out.opening.path = model.at("path").get<std::string>();
  take(model, "family", out.opening.family);
  take(model, "context", out.opening.context);
  take(model, "window_attention", out.opening.window);
  take(model, "storage", out.opening.storage);
  take(model, "shifted", out.opening.shifted);
  take(model, "noise_keys", out.opening.noise_keys);
  take(model, "mask_token", out.opening.mask_token);
  take(model, "block", out.opening.block);
  take(model, "max_length", out.opening.max_length);
  take(model, "tokens", out.opening.tokens);
  take(model, "backend", out.opening.backend);
  take(model, "mask", out.mask);
}

void read_bytes_of(const nlohmann::json &line, std::map<int32_t, std::string> &bytes) {
  const nlohmann::json table = line.value("bytes", nlohmann::json::object());
  for (const auto &[token, text] : table.items()) {
    const std::vector<int32_t> ids = parse_ids(token);
    if (ids.size() != 1) {
      throw Failure("a token without an id");
    }
    if (text.is_string()) {
      bytes[ids[0]] = text.get<std::string>();
    } else {
      const std::vector<unsigned char> numbers = text.get<std::vector<unsigned char>>();
      bytes[ids[0]] = {numbers.begin(), numbers.end()};
    }
  }
}

std::string place(const nlohmann::json &line) {
  return line.contains("step") ? "step " + line.at("step").dump() : std::string("the end");
}

/// The first position whose token differs, of two lists of [position, token].
std::string token_difference(const nlohmann::json &recorded, const nlohmann::json &now) {
  std::map<int64_t, int32_t> before, after;
  for (const nlohmann::json &pair : recorded) {
    before[pair.at(0).get<int64_t>()] = pair.at(1).get<int32_t>();
  }
  for (const nlohmann::json &pair : now) {
    after[pair.at(0).get<int64_t>()] = pair.at(1).get<int32_t>();
  }
  for (const auto &[position, token] : before) {
    const auto found = after.find(position);
    if (found == after.end()) {
      return "position " + std::to_string(position) + " didn't change, recorded was token " + std::to_string(token);
    }
    if (found->second != token) {
      return "position " + std::to_string(position) + " has token " + std::to_string(found->second) +
             ", recorded was " +
             std::to_string(token);
    }
    after.erase(found);
  }
  if (!after.empty()) {
    return "position " + std::to_string(after.begin()->first) + " has token " + std::to_string(after.begin()->second) +
           ", recorded was no change";
  }
  return "";
}

/// Records of tokens: whole numbers equal, probabilities nearly so.
std::string record_difference(const nlohmann::json &recorded, const nlohmann::json &now) {
  if (recorded.size() != now.size()) {
    return std::to_string(now.size()) + " tokens, recorded were " + std::to_string(recorded.size());
  }
  for (size_t i = 0; i < recorded.size(); ++i) {
    for (size_t k = 0; k < 5; ++k) {
      const double a = recorded.at(i).at(k).get<double>(), b = now.at(i).at(k).get<double>();
      if (!(k < 4 ? a == b : std::abs(a - b) <= 1e-3)) {
        return "token " + std::to_string(i) + " came about as " + now.at(i).dump() + ", recorded was " +
               recorded.at(i).dump();
      }
    }
  }
  return "";
}

} // namespace

Recording read_trace(const std::string &path) {
  std::istringstream lines(read_text(path));
  Recording out;
  std::string text;
  for (int number = 1; std::getline(lines, text); ++number) {
    try {
      nlohmann::json line = nlohmann::json::parse(text);
      if (number == 1) {
        read_header(line, out);
      } else if (!out.end.is_null()) {
        throw Failure("goes on after its end");
      } else if (line.contains("end")) {
        out.end = line;
      } else {
        static_cast<void>(line.at("step").get<int>());
        out.steps.push_back(line);
      }
      read_bytes_of(line, out.bytes);
    } catch (const std::exception &error) {
      throw Failure(path + ", line " + std::to_string(number) + ": " + error.what());
    }
  }
  if (out.settings.rows.empty()) {
    throw Failure(path + ": this isn't a trace");
  }
  return out;
}

std::string difference(const nlohmann::json &recorded, const nlohmann::json &now) {
  const nlohmann::json &before = recorded.at("rows"), &after = now.at("rows");
  for (size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    const std::string where = place(recorded) + ", row " + after.at(i).at("row").dump() + ": ";
    if (after.at(i).contains("provenance")) {
      const std::string found = record_difference(before.at(i).at("provenance"), after.at(i).at("provenance"));
      if (!found.empty()) {
        return where + found;
      }
    }
    if (after.at(i).contains("tokens")) {
      const std::string found = token_difference(before.at(i).at("tokens"), after.at(i).at("tokens"));
      if (!found.empty()) {
        return where + found;
      }
    }
    for (const char *key : {"row", "call", "settled", "window", "finished"}) {
      if (after.at(i).contains(key) && before.at(i).at(key) != after.at(i).at(key)) {
        return where + key + " is " + after.at(i).at(key).dump() + ", recorded was " + before.at(i).at(key).dump();
      }
    }
  }
  if (before.size() != after.size()) {
    return place(recorded) + ": " + std::to_string(after.size()) + " rows, recorded were " +
           std::to_string(before.size());
  }
  return "";
}

Recorded::Recorded(const Recording &recording)
    : Progress(recording.settings.rows, recording.mask), recording_(recording) {
  for (const Prompt &prompt : prompts_) {
    known_.push_back(prompt.tokens);
  }
}

bool Recorded::step() {
  if (steps_.size() == recording_.steps.size()) {
    return false;
  }
  const nlohmann::json &line = recording_.steps[steps_.size()];
  Step step{};
  step.info.step = line.at("step").get<int>();
  for (const nlohmann::json &entry : line.at("rows")) {
    const size_t index = entry.at("row").get<size_t>();
    Row &row = rows_.at(index);
    std::vector<int32_t> &known = known_.at(index);
    const int64_t begin = entry.at("settled").at(0).get<int64_t>(), end = entry.at("settled").at(1).get<int64_t>(),
                  last = entry.at("window").at(1).get<int64_t>();
    const int64_t done = static_cast<int64_t>(prompts_[index].tokens.size() + row.tokens.size());
    if (begin != done || end < begin || last < end || last > most_positions) {
      throw Failure("the trace's " + place(line) + " doesn't follow from the step before");
    }
    known.resize(std::max(known.size(), static_cast<size_t>(last)), -1);
    for (const nlohmann::json &pair : entry.at("tokens")) {
      known.at(pair.at(0).get<size_t>()) = pair.at(1).get<int32_t>();
    }
    row.tokens.insert(row.tokens.end(), known.begin() + begin, known.begin() + end);
    row.window.assign(known.begin() + end, known.begin() + last);
    row.call = entry.at("call").get<int64_t>();
    row.finished = entry.at("finished").get<int32_t>();
  }
  steps_.push_back(step);
  return true;
}

} // namespace program
