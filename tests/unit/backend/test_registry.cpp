// SPDX-License-Identifier: Apache-2.0
// The list of backends: ranking, names, reasons, and files that aren't backends.
#include "harness.h"

#include <dlfcn.h>

using temper::BackendInfo;
using temper::BackendRegistry;

namespace {

void best_comes_first(void **) {
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  const auto list = registry.value()->list();
  assert_true(list.size() >= 1);
  bool reference = false;
  for (size_t i = 0; i < list.size(); ++i) {
    const BackendInfo &info = list[i];
    print_message("%s: %d %s%s %s\n", info.name.c_str(), info.score, info.description.c_str(), info.reason.c_str(),
                  info.path.c_str());
    if (i > 0) assert_true(list[i - 1].score >= info.score);
    assert_true((info.score > 0) == info.reason.empty());
    reference = reference || info.name == "reference";
  }
  assert_true(reference);
  auto best = registry.value()->choose("auto");
  assert_true(best.ok());
  assert_string_equal(best.value()->name, list[0].name.c_str());
  auto named = registry.value()->choose("reference");
  assert_true(named.ok());
  assert_string_equal(named.value()->name, "reference");
}

void others_are_errors_with_reasons(void **) {
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  assert_false(registry.value()->choose("nonesuch").ok());
  for (const BackendInfo &info : registry.value()->list())
    if (info.score == 0) {
      auto chosen = registry.value()->choose(info.name);
      assert_false(chosen.ok());
      assert_true(chosen.status().message().find(info.reason) != std::string::npos);
    }
  assert_int_equal(registry.value()->load("libtemper-onednn.so").code(), TEMPER_E_ARGUMENT);
  assert_int_equal(registry.value()->load("").code(), TEMPER_E_ARGUMENT);
  assert_int_equal(registry.value()->load("/nonexistent/libtemper-x.so").code(), TEMPER_E_BACKEND);
  // A library that is no backend.
  Dl_info libc{};
  assert_true(dladdr(reinterpret_cast<void *>(&std::malloc), &libc) != 0);
  if (libc.dli_fname[0] == '/') assert_int_equal(registry.value()->load(libc.dli_fname).code(), TEMPER_E_BACKEND);
}

// The path of some loaded module; empty when all backends are linked in.
std::string some_module() {
  auto registry = BackendRegistry::create();
  if (!registry.ok()) return {};
  for (const BackendInfo &info : registry.value()->list())
    if (info.table != nullptr && !info.path.empty()) return info.path;
  return {};
}

// Returns whether there was a module to try: skipping jumps out, past every destructor.
bool load_again() {
  const std::string path = some_module();
  if (path.empty()) return false;
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  const size_t before = registry.value()->list().size();
  assert_true(registry.value()->load(path).ok());
  assert_int_equal(registry.value()->list().size(), before);
  return true;
}

void loading_again_replaces(void **) {
  if (!load_again()) skip();
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(best_comes_first),
      cmocka_unit_test(others_are_errors_with_reasons),
      cmocka_unit_test(loading_again_replaces),
  };
  return cmocka_run_group_tests_name("backend registry", tests, nullptr, nullptr);
}
