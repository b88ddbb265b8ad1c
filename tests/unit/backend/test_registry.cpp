// SPDX-License-Identifier: Apache-2.0
// The list of backends: ranking, names, reasons, what is loaded when, and files that aren't backends.
#include "harness.h"

#include <dlfcn.h>
#include <set>

using temper::BackendInfo;
using temper::BackendRegistry;
using temper::Module;

namespace {

bool is_loaded(const std::string &path) {
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (handle != nullptr) (void)dlclose(handle);
  return handle != nullptr;
}

// Must come first: later tests load modules, some of which stay for ever.
void nothing_is_loaded_until_somebody_asks(void **) {
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  BackendRegistry &backends = *registry.value();
  for (int32_t i = 0; i < backends.count(); ++i) {
    assert_false(backends.name(i).empty());
    if (!backends.path(i).empty()) assert_false(is_loaded(backends.path(i)));
  }
  // The first that opens is the only one that is loaded.
  int32_t opened = 0;
  std::shared_ptr<const Module> module;
  for (; module == nullptr; ++opened)
    if (auto tried = backends.open(opened); tried.ok()) module = tried.value();
  for (int32_t i = opened; i < backends.count(); ++i)
    if (!backends.path(i).empty()) assert_false(is_loaded(backends.path(i)));
}

void best_comes_first(void **) {
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  const BackendRegistry &backends = *registry.value();
  assert_true(backends.count() >= 1);
  std::set<std::string> names;
  int32_t before = INT32_MAX;
  for (int32_t i = 0; i < backends.count(); ++i) {
    const BackendInfo &info = backends.info(i);
    print_message("%s: %d %s%s %s\n", backends.name(i).c_str(), info.score, info.description.c_str(),
                  info.reason.c_str(), info.path.c_str());
    assert_true((info.score > 0) == info.reason.empty());
    assert_true((info.score > 0) == !info.description.empty());
    if (info.score > 0) {
      assert_true(before >= info.score);
      before = info.score;
    }
    assert_int_equal(backends.find(backends.name(i)), i);
    assert_true(names.insert(backends.name(i)).second);
    auto opened = backends.open(i);
    assert_int_equal(opened.ok(), info.score > 0);
    if (opened.ok()) assert_string_equal(opened.value()->table().name, backends.name(i).c_str());
  }
  assert_true(names.count("reference") == 1);
}

// The own kernels are always listed, in every kind of build, and linked in.
void own_kernels_need_no_module(void **) {
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  const BackendRegistry &backends = *registry.value();
  const int32_t own = backends.find("cpu");
  assert_true(own >= 0 && own < backends.find("reference"));
  for (const char *faster : {"cuda", "onednn"}) assert_true(backends.find(faster) < own);
  if (const int32_t other = backends.find("openblas"); other >= 0) assert_true(own < other);
  const BackendInfo &info = backends.info(own);
  assert_true(info.path.empty());
  if (info.score == 0) assert_true(info.reason.find("Highway") != std::string::npos);
}

// The module that tests of the library use for memory that isn't the host's.
void memory_apart_comes_as_a_module(void **) {
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  BackendRegistry &backends = *registry.value();
  assert_int_equal(backends.find("apart"), -1);
  assert_true(backends.load(TEMPER_APART_MODULE).ok());
  const int32_t apart = backends.find("apart");
  assert_true(apart > backends.find("reference"));
  auto opened = backends.open(apart);
  assert_true(opened.ok());
  assert_int_equal(opened.value()->table().flags, 0);
}

void others_are_errors_with_reasons(void **) {
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  BackendRegistry &backends = *registry.value();
  assert_int_equal(backends.find("nonesuch"), -1);
  for (int32_t i = 0; i < backends.count(); ++i)
    if (backends.info(i).score == 0)
      assert_true(backends.open(i).status().message().find(backends.info(i).reason) != std::string::npos);
  assert_int_equal(backends.load("libtemper-onednn.so").code(), TEMPER_E_ARGUMENT);
  assert_int_equal(backends.load("").code(), TEMPER_E_ARGUMENT);
  assert_int_equal(backends.load("/nonexistent/libtemper-x.so").code(), TEMPER_E_BACKEND);
  // A library that is no backend.
  Dl_info libc{};
  assert_true(dladdr(reinterpret_cast<void *>(&std::malloc), &libc) != 0);
  if (libc.dli_fname[0] == '/') assert_int_equal(backends.load(libc.dli_fname).code(), TEMPER_E_BACKEND);
}

// What isn't there says where it was looked for.
void a_missing_module_tells_the_folders(void **) {
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  const int32_t cuda = registry.value()->find("cuda");
  if (cuda < 0 || registry.value()->info(cuda).score > 0 || !registry.value()->path(cuda).empty()) return;
  const std::string &reason = registry.value()->info(cuda).reason;
  assert_true(reason.find("libtemper-cuda.so") != std::string::npos);
  assert_true(reason.find("/tests/unit/backend/temper") != std::string::npos);
}

// The path of some usable module; empty when all backends are linked in.
std::string some_module() {
  auto registry = BackendRegistry::create();
  if (!registry.ok()) return {};
  for (int32_t i = 0; i < registry.value()->count(); ++i)
    if (registry.value()->info(i).score > 0 && !registry.value()->path(i).empty()) return registry.value()->path(i);
  return {};
}

// Returns whether there was a module to try: skipping jumps out, past every destructor.
bool load_again() {
  const std::string path = some_module();
  if (path.empty()) return false;
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  BackendRegistry &backends = *registry.value();
  const int32_t before = backends.count();
  std::vector<const std::string *> strings;
  std::vector<std::string> copies;
  for (int32_t i = 0; i < before; ++i)
    for (const std::string *text : {&backends.name(i), &backends.path(i), &backends.info(i).reason,
                                    &backends.info(i).description, &backends.info(i).path}) {
      strings.push_back(text);
      copies.push_back(*text);
    }
  for (int repeat = 0; repeat < 3; ++repeat) assert_true(backends.load(path).ok());
  assert_int_equal(backends.count(), before);
  // What was handed out before lives on.
  for (size_t i = 0; i < strings.size(); ++i) assert_string_equal(strings[i]->c_str(), copies[i].c_str());
  return true;
}

void loading_again_replaces(void **) {
  if (!load_again()) skip();
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_loaded_until_somebody_asks),
      cmocka_unit_test(best_comes_first),
      cmocka_unit_test(own_kernels_need_no_module),
      cmocka_unit_test(memory_apart_comes_as_a_module),
      cmocka_unit_test(others_are_errors_with_reasons),
      cmocka_unit_test(a_missing_module_tells_the_folders),
      cmocka_unit_test(loading_again_replaces),
  };
  return cmocka_run_group_tests_name("backend registry", tests, nullptr, nullptr);
}
