// SPDX-License-Identifier: Apache-2.0
#include "choices.h"

#include "json_fields.h"
#include "name_table.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace program {
namespace {

using Table = std::vector<std::pair<std::string, int32_t>>;

const Table noise_kinds = {{"absorbing", TEMPER_NOISE_ABSORBING},
                           {"uniform", TEMPER_NOISE_UNIFORM},
                           {"epsilon", TEMPER_NOISE_EPSILON},
                           {"gamma", TEMPER_NOISE_GAMMA},
                           {"gidd", TEMPER_NOISE_GIDD}};
const Table clocks = {{"linear", TEMPER_CLOCK_LINEAR},
                      {"log-linear", TEMPER_CLOCK_LOG_LINEAR},
                      {"geometric", TEMPER_CLOCK_GEOMETRIC},
                      {"cosine", TEMPER_CLOCK_COSINE}};
const Table grids = {{"even", TEMPER_GRID_EVEN}, {"official", TEMPER_GRID_OFFICIAL}, {"dream", TEMPER_GRID_DREAM}};

int32_t number(const Table &table, const std::string &name) {
  for (const auto &entry : table) {
    if (entry.first == name) {
      return entry.second;
    }
  }
  throw Usage("unknown: " + name);
}

template <class Handle, class Setter>
void set(Handle *handle, Setter setter, int32_t parameter, const std::optional<double> &value) {
  if (value) {
    call(setter, handle, parameter, *value);
  }
}

template <class T>
void put(nlohmann::json &out, const char *key, const std::optional<T> &value) {
  if (value) {
    out[key] = *value;
  }
}

} // namespace

const Table &schedule_kinds() {
  static const Table table = {{"quench", TEMPER_QUENCH},         {"flat", TEMPER_FLAT},
                              {"block", TEMPER_BLOCK},           {"slide", TEMPER_SLIDE},
                              {"slide-jump", TEMPER_SLIDE_JUMP}, {"hybrid", TEMPER_HYBRID},
                              {"slide-official", TEMPER_SLIDE_OFFICIAL}};
  return table;
}

std::string schedule_name(int64_t kind) {
  for (const auto &entry : schedule_kinds()) {
    if (entry.second == kind) {
      return entry.first;
    }
  }
  return kind == TEMPER_HYPERSCHEDULE_TABLE ? "table" : "callback";
}

void ScheduleChoice::add_to(CLI::App &app) {
  const std::string group = "Hyperschedule (default: the model's own)";
  app.add_option("-s,--schedule", kind, "How the noise goes down")
      ->check(CLI::IsMember(names_of(schedule_kinds())))
      ->group(group);
  app.add_option("-w,--width", width, "Positions of the window or block")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 31))
      ->group(group);
  app.add_option("-l,--levels", levels, "Noise levels: a position settles after so many calls")
      ->check(CLI::Range(1, 1 << 20))
      ->group(group);
}

ScheduleChoice ScheduleChoice::resolved(const temper_model *model) const {
  int64_t chosen = TEMPER_SLIDE, chosen_width = 8, chosen_levels = 8;
  if (model != nullptr) {
    chosen = model_number(model, TEMPER_MODEL_DEFAULT_SCHEDULE);
    chosen_width = model_number(model, TEMPER_MODEL_DEFAULT_WIDTH);
    chosen_levels = model_number(model, TEMPER_MODEL_DEFAULT_LEVELS);
  }
  ScheduleChoice out;
  out.kind = kind.empty() ? schedule_name(chosen) : kind;
  out.width = width.value_or(chosen_width > 0 ? chosen_width : 8);
  out.levels = levels.value_or(static_cast<int32_t>(chosen_levels > 0 ? chosen_levels : 8));
  return out;
}

Schedule ScheduleChoice::make(const temper_model *model) const {
  if (!given()) {
    return {};
  }
  const ScheduleChoice whole = resolved(model);
  temper_hyperschedule *made = nullptr;
  call(temper_hyperschedule_create, number(schedule_kinds(), whole.kind), *whole.width, *whole.levels, &made);
  return Schedule(made);
}

void NoiseChoice::add_to(CLI::App &app) {
  const std::string group = "Noise (default: what the model was trained on)";
  app.add_option("--noise", kind, "Kind of path")->check(CLI::IsMember(names_of(noise_kinds)))->group(group);
  app.add_option("--mix", mix, "Share of uniform noise: epsilon, gamma, or GIDD's p_u")->group(group);
  app.add_option("--clock", clock, "How much is left at which time")
      ->check(CLI::IsMember(names_of(clocks)))
      ->group(group);
  app.add_option("--grid", grid, "Times of the levels")->check(CLI::IsMember(names_of(grids)))->group(group);
  app.add_option("--e0", e0, "Log-linear clock: what is left at time 1")->group(group);
  app.add_option("--sigma-min", sigma_min, "Geometric clock: noise at time 0")->group(group);
  app.add_option("--sigma-max", sigma_max, "Geometric clock: noise at time 1")->group(group);
  app.add_option("--terminal-clamp", clamp, "1: the last level is pure noise exactly")
      ->check(CLI::Range(0, 1))
      ->group(group);
}

Noise NoiseChoice::make() const {
  const bool parameters = mix || e0 || sigma_min || sigma_max || clamp || !clock.empty() || !grid.empty();
  if (kind.empty()) {
    if (parameters) {
      throw Usage("noise parameters need --noise: the path they belong to");
    }
    return {};
  }
  temper_noise *made = nullptr;
  call(temper_noise_create, number(noise_kinds, kind), &made);
  Noise noise(made);
  if (!clock.empty()) {
    set(made, temper_noise_set, TEMPER_NOISE_CLOCK, double(number(clocks, clock)));
  }
  if (!grid.empty()) {
    set(made, temper_noise_set, TEMPER_NOISE_GRID, double(number(grids, grid)));
  }
  set(made, temper_noise_set, TEMPER_NOISE_MIX, mix);
  set(made, temper_noise_set, TEMPER_NOISE_E0, e0);
  set(made, temper_noise_set, TEMPER_NOISE_SIGMA_MIN, sigma_min);
  set(made, temper_noise_set, TEMPER_NOISE_SIGMA_MAX, sigma_max);
  if (clamp) {
    set(made, temper_noise_set, TEMPER_NOISE_TERMINAL_CLAMP, double(*clamp));
  }
  return noise;
}

void to_json(nlohmann::json &out, const ScheduleChoice &choice) {
  out = nlohmann::json::object();
  if (!choice.kind.empty()) {
    out["kind"] = choice.kind;
  }
  put(out, "width", choice.width);
  put(out, "levels", choice.levels);
}

void from_json(const nlohmann::json &in, ScheduleChoice &choice) {
  choice.kind = in.value("kind", "");
  take(in, "width", choice.width);
  take(in, "levels", choice.levels);
}

void to_json(nlohmann::json &out, const NoiseChoice &choice) {
  out = nlohmann::json::object();
  for (const auto &[key, value] : {std::pair("kind", choice.kind), {"clock", choice.clock}, {"grid", choice.grid}}) {
    if (!value.empty()) {
      out[key] = value;
    }
  }
  put(out, "mix", choice.mix);
  put(out, "e0", choice.e0);
  put(out, "sigma_min", choice.sigma_min);
  put(out, "sigma_max", choice.sigma_max);
  put(out, "clamp", choice.clamp);
}

void from_json(const nlohmann::json &in, NoiseChoice &choice) {
  choice.kind = in.value("kind", "");
  choice.clock = in.value("clock", "");
  choice.grid = in.value("grid", "");
  take(in, "mix", choice.mix);
  take(in, "e0", choice.e0);
  take(in, "sigma_min", choice.sigma_min);
  take(in, "sigma_max", choice.sigma_max);
  take(in, "clamp", choice.clamp);
}

Grid grid_of(const temper_hyperschedule *schedule, int64_t length) {
  int64_t kind = 0, width = 0, levels = 0, steps = 0;
  call(temper_hyperschedule_get_i64, schedule, TEMPER_HYPERSCHEDULE_KIND, &kind);
  call(temper_hyperschedule_get_i64, schedule, TEMPER_HYPERSCHEDULE_WIDTH, &width);
  call(temper_hyperschedule_get_i64, schedule, TEMPER_HYPERSCHEDULE_LEVELS, &levels);
  call(temper_hyperschedule_steps, schedule, length, &steps);
  if (steps > 0 && length > (int64_t{1} << 26) / (steps + 1)) {
    throw Failure("a grid of " + std::to_string(steps) + " by " + std::to_string(length) +
                  " cells is too large to show");
  }
  Grid grid;
  grid.levels = static_cast<int>(levels);
  grid.length = static_cast<int>(length);
  for (int64_t step = 0; step <= steps; ++step) {
    std::vector<int> row;
    for (int64_t position = 0; position < length; ++position) {
      int32_t level = 0;
      call(temper_hyperschedule_level, schedule, step, position, &level);
      row.push_back(level);
    }
    grid.rows.push_back(std::move(row));
  }
  grid.title = schedule_name(kind);
  if (width > 0 && kind != TEMPER_QUENCH) {
    grid.title += ", width " + std::to_string(width);
  }
  if (kind != TEMPER_QUENCH) {
    grid.title += ", levels " + std::to_string(levels);
  }
  char text[96];
  std::snprintf(text, sizeof text, "%d calls, %.3g tokens a call", grid.calls(),
                grid.calls() > 0 ? static_cast<double>(length) / grid.calls() : 0.0);
  grid.subtitle = text;
  return grid;
}

} // namespace program
