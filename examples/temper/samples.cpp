// SPDX-License-Identifier: Apache-2.0
#include "samples.h"

#include "files.h"
#include "handles.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <map>
#include <set>

namespace program {

Samples read_samples(const std::string &path, const std::string &split) {
  const std::string content = read_text(path);
  Samples out;
  const nlohmann::json document = nlohmann::json::parse(content, nullptr, false);
  if (document.is_object() && document.contains("rows")) {
    try {
      for (const nlohmann::json &row : document.at("rows")) {
        Sample sample;
        sample.prompt = row.value("prompt", "");
        sample.text = row.at("text").get<std::string>();
        sample.tokens = row.value("tokens", std::vector<int32_t>());
        out.list.push_back(std::move(sample));
      }
      if (document.contains("steps")) {
        out.model_calls = out.rows = 0;
        for (const nlohmann::json &step : document.at("steps")) {
          out.model_calls += step.at("model_calls").get<int64_t>();
          out.rows += step.at("rows_computed").get<int64_t>();
        }
      }
    } catch (const nlohmann::json::exception &error) {
      throw Failure(path + ": not a document of temper generate --json: " + error.what());
    }
    return out;
  }
  for (size_t at = 0; at <= content.size();) {
    const size_t next = split.empty() ? content.size() : std::min(content.find(split, at), content.size());
    Sample sample;
    sample.text = content.substr(at, next - at);
    if (sample.text.find_first_not_of(" \t\r\n") != std::string::npos) {
      out.list.push_back(std::move(sample));
    }
    at = next + std::max<size_t>(1, split.size());
  }
  return out;
}

double unigram_entropy(const std::vector<int32_t> &tokens) {
  std::map<int32_t, size_t> counts;
  for (const int32_t token : tokens) {
    ++counts[token];
  }
  double entropy = 0;
  for (const auto &[token, count] : counts) {
    const double share = static_cast<double>(count) / static_cast<double>(tokens.size());
    entropy -= share * std::log(share);
  }
  return entropy;
}

double distinct(const std::vector<std::vector<int32_t>> &samples, size_t n) {
  std::set<std::vector<int32_t>> seen;
  size_t all = 0;
  for (const std::vector<int32_t> &tokens : samples) {
    for (size_t at = 0; at + n <= tokens.size(); ++at, ++all) {
      const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(at);
      seen.insert({first, first + static_cast<std::ptrdiff_t>(n)});
    }
  }
  return all > 0 ? static_cast<double>(seen.size()) / static_cast<double>(all) : NAN;
}

} // namespace program
