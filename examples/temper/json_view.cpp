// SPDX-License-Identifier: Apache-2.0
// A generation as one JSON document.
#include "views.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace program {
namespace {

class JsonView : public View {
public:
  JsonView(const Generation &generation, const temper_model *model, const Words &words, uint64_t seed)
      : generation_(generation), model_(model), words_(words), seed_(seed) {}

  void begin() override {}
  void step() override {}

  void end() override {
    nlohmann::json report = {{"version", temper_version_string()},
                             {"model", model_text(model_, TEMPER_MODEL_PATH)},
                             {"family", model_text(model_, TEMPER_MODEL_FAMILY)},
                             {"backend", model_text(model_, TEMPER_MODEL_BACKEND)},
                             {"seed", seed_},
                             {"cancelled", generation_.cancelled()},
                             {"rows", nlohmann::json::array()},
                             {"steps", nlohmann::json::array()}};
    for (size_t i = 0; i < generation_.rows().size(); ++i) {
      const Row &row = generation_.rows()[i];
      nlohmann::json entry = {{"prompt_tokens", generation_.prompts()[i].tokens},
                              {"tokens", row.tokens},
                              {"finished", finished_text(row.finished)}};
      if (!words_.ids()) {
        entry["prompt"] = generation_.prompts()[i].text;
        entry["text"] = words_.text(row.tokens);
      }
      for (const temper_token_record &record : generation_.provenance(i)) {
        entry["provenance"].push_back({{"token", record.token},
                                       {"set_call", record.set_call},
                                       {"settled_call", record.settled_call},
                                       {"changes", record.changes},
                                       {"probability", record.probability}});
      }
      report["rows"].push_back(std::move(entry));
    }
    double difference = -1.0;
    for (const Step &step : generation_.steps()) {
      difference = std::max(difference, step.info.cache_difference);
      report["steps"].push_back({{"step", step.info.step},
                                 {"rows_running", step.info.rows_running},
                                 {"model_calls", step.info.model_calls},
                                 {"rows_computed", step.info.rows_computed},
                                 {"rows_cached", step.info.rows_cached},
                                 {"logit_rows", step.info.logit_rows},
                                 {"settled", step.info.settled},
                                 {"changed", step.info.changed},
                                 {"logits_reused", step.info.logits_reused != 0},
                                 {"rows_stale", step.info.rows_stale},
                                 {"ms", step.seconds * 1e3}});
    }
    if (difference >= 0.0) { // the largest of all steps
      report["cache_difference"] = difference;
    }
    const double seconds = generation_.seconds();
    report["timing"] = {{"seconds", seconds},
                        {"tokens", generation_.tokens()},
                        {"tokens_per_second",
                         seconds > 0.0 ? static_cast<double>(generation_.tokens()) / seconds : 0.0}};
    // Bytes of a character cut in the middle become the replacement character: JSON is UTF-8.
    std::printf("%s\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  }

private:
  const Generation &generation_;
  const temper_model *model_;
  const Words &words_;
  uint64_t seed_;
};

} // namespace

std::unique_ptr<View> make_json_view(const Generation &generation, const temper_model *model, const Words &words,
                                     uint64_t seed) {
  return std::make_unique<JsonView>(generation, model, words, seed);
}

} // namespace program
