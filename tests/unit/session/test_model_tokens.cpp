// SPDX-License-Identifier: Apache-2.0
// A model folder whose tokenizer has fewer tokens than the head has rows, through the public interface: what is drawn
// has a text, the caller may say otherwise, and a tokenizer that can't be read stops nothing.
#include "../format/temporary_folder.h"
#include "support/random_model.h"

#include <temper/temper.h>

#include <algorithm>
#include <cstring>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

using temper::test::ModelChoice;
using temper::test::random_model;
using temper::test::RandomModel;

namespace {

// Of 19 tokens and the mask, 19; the configuration names 18 as the end.
const std::vector<int32_t> holes = {3, 7, 8, 17, 18};
constexpr int32_t end = 18;

RandomModel model() {
  RandomModel made = random_model(ModelChoice());
  made.config.insert(made.config.find('{') + 1, "\"eos_token_id\":" + std::to_string(end) + ",");
  return made;
}

std::string vocabulary(int32_t first, int32_t last) {
  std::string json;
  for (int32_t id = first; id < last; ++id) {
    if (std::binary_search(holes.begin(), holes.end(), id)) continue;
    json += (json.empty() ? "{\"" : ",\"") + std::string(1, static_cast<char>('a' + id - first)) + "\":" + std::to_string(id);
  }
  return json + "}";
}

void write(const TemporaryFolder &folder, const std::string &vocab_json, const std::string &merges = "") {
  const RandomModel made = model();
  folder.write("config.json", made.config);
  folder.write("model.safetensors", std::string(reinterpret_cast<const char *>(made.weights->data()), made.weights->size()));
  if (vocab_json.empty()) return;
  folder.write("vocab.json", vocab_json);
  folder.write("merges.txt", "#version: 0.2\n" + merges);
}

void good(temper_status status, const temper_error &error) {
  if (status < 0) fail_msg("%s", error.message);
}

// A runtime that keeps what the log says, and a model with or without a number of tokens.
struct World {
  std::string log;
  temper_runtime *runtime = nullptr;
  temper_model *opened = nullptr;
  temper_error error{};

  World() {
    good(temper_runtime_create(nullptr, &runtime, &error), error);
    good(temper_runtime_set_log(runtime, TEMPER_LOG_WARNING, [](void *user, int32_t, const char *message) {
      static_cast<std::string *>(user)->append(message).append("\n");
    }, &log, &error), error);
  }
  World(const World &) = delete;
  World &operator=(const World &) = delete;
  ~World() {
    temper_model_destroy(opened);
    temper_runtime_destroy(runtime);
  }

  void open(const std::string &path, int64_t tokens = 0) {
    temper_model_destroy(opened);
    temper_model_options *options = nullptr;
    good(temper_model_options_create(&options, &error), error);
    good(temper_model_options_set_i64(options, TEMPER_MODEL_OPTION_TOKENS, tokens, &error), error);
    good(temper_model_open_with(runtime, path.c_str(), "reference", options, &opened, &error), error);
    temper_model_options_destroy(options);
  }

  int64_t without_token() {
    int64_t count = -1;
    good(temper_model_get_i64(opened, TEMPER_MODEL_WITHOUT_TOKEN, &count, &error), error);
    return count;
  }

  // How often each id comes out of a few sessions.
  std::vector<int> drawn() {
    std::vector<int> counts(20, 0);
    for (uint64_t seed = 0; seed < 4; ++seed) {
      temper_session *session = nullptr;
      good(temper_session_create(opened, nullptr, nullptr, nullptr, 4, 60, seed, &session, &error), error);
      good(temper_session_set_i64(session, TEMPER_SESSION_IGNORE_END, 1, &error), error);
      temper_status status = TEMPER_OK;
      while (status == TEMPER_OK) status = temper_session_step(session, nullptr, &error);
      good(status, error);
      for (int32_t row = 0; row < 4; ++row) {
        int32_t tokens[64];
        size_t count = 0;
        good(temper_session_read(session, row, tokens, 64, &count, &error), error);
        for (size_t i = 0; i < count; ++i) ++counts.at(static_cast<size_t>(tokens[i]));
      }
      temper_session_destroy(session);
    }
    return counts;
  }
};

void what_is_drawn_has_a_text(void **) {
  const TemporaryFolder folder;
  write(folder, vocabulary(0, 19));
  World world;
  for (const std::string &path : {folder.path(), folder.path() + "/model.safetensors"}) {
    world.open(path);
    assert_int_equal(world.without_token(), 4);  // a row can still end
    const std::vector<int> counts = world.drawn();
    for (int32_t id = 0; id < 19; ++id) {
      const bool hole = std::binary_search(holes.begin(), holes.end(), id) && id != end;
      if ((counts[static_cast<size_t>(id)] > 0) == hole) fail_msg("id %d: %d times", id, counts[static_cast<size_t>(id)]);
    }
  }
  assert_string_equal(world.log.c_str(), "");
}

void the_caller_knows_better(void **) {
  const TemporaryFolder folder;
  write(folder, vocabulary(0, 19));
  World world;
  world.open(folder.path(), INT32_MAX);
  assert_int_equal(world.without_token(), 0);
  assert_true(world.drawn()[7] > 0);
  world.open(folder.path(), 10);
  assert_int_equal(world.without_token(), 8);
  const std::vector<int> counts = world.drawn();
  assert_true(counts[7] > 0 && counts[9] > 0 && counts[end] > 0);
  for (size_t id = 10; id < end; ++id) assert_int_equal(counts[id], 0);
}

// The same as without any tokenizer: everything may be drawn.
void nothing_is_stopped(void **) {
  World world;
  const TemporaryFolder without;
  write(without, "");
  world.open(without.path());
  assert_int_equal(world.without_token(), 0);
  const std::vector<int> all = world.drawn();
  assert_true(all[7] > 0);
  assert_string_equal(world.log.c_str(), "");
  const std::pair<std::string, std::string> wrong[] = {
      {"[]", ""}, {vocabulary(0, 19), "a b\n"}, {vocabulary(0, 19), "x\n"}, {vocabulary(100, 119), ""}};
  for (const auto &[vocab_json, merges] : wrong) {
    world.log.clear();
    const TemporaryFolder folder;
    write(folder, vocab_json, merges);
    world.open(folder.path());
    assert_int_equal(world.without_token(), 0);
    assert_true(world.drawn() == all);
    // Said once, not for every session.
    if (std::count(world.log.begin(), world.log.end(), '\n') != 1 || world.log.find("every id may be drawn") != 0)
      fail_msg("the log says \"%s\"", world.log.c_str());
  }
}

void a_model_in_memory_is_told(void **) {
  World world;
  const RandomModel made = model();
  temper_model_options *options = nullptr;
  good(temper_model_options_create(&options, &world.error), world.error);
  good(temper_model_options_set_i64(options, TEMPER_MODEL_OPTION_TOKENS, 17, &world.error), world.error);
  good(temper_model_open_memory(world.runtime, made.config.data(), made.config.size(), made.weights->data(),
                                made.weights->size(), nullptr, nullptr, "reference", options, &world.opened, &world.error),
       world.error);
  temper_model_options_destroy(options);
  assert_int_equal(world.without_token(), 1);
  assert_int_equal(world.drawn()[17], 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_is_drawn_has_a_text),
      cmocka_unit_test(the_caller_knows_better),
      cmocka_unit_test(nothing_is_stopped),
      cmocka_unit_test(a_model_in_memory_is_told),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
