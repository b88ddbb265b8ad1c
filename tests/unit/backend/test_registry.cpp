// SPDX-License-Identifier: Apache-2.0
// The list of backends: ranking, names, reasons, what is loaded when, and files that aren't backends.
#include "harness.h"

#include <dlfcn.h>
#include <link.h>
#include <set>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using temper::BackendInfo;
using temper::BackendRegistry;
using temper::Module;
using temper::test::reference;

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

// Once nothing is kept for later any more, a module that is asked for the first time is loaded for it once: nothing is
// unloaded on the way. (Modules that stay mapped tell nothing here.)
void opening_unloads_nothing(void **) {
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  BackendRegistry &backends = *registry.value();
  backends.let_go();
  for (int32_t i = 0; i < backends.count(); ++i) {
    const auto unloaded = [] {
      unsigned long long count = 0;
      (void)dl_iterate_phdr(
          [](dl_phdr_info *info, size_t, void *to) {
            *static_cast<unsigned long long *>(to) = info->dlpi_subs;
            return 1;
          },
          &count);
      return count;
    };
    const unsigned long long before = unloaded();
    const auto module = backends.open(i);
    if (module.ok()) assert_true(unloaded() == before);
  }
}

// Every function but `answer` is called sooner or later.
void tables_are_whole(void **) {
  const temper_backend &whole = *reference();
  assert_true(Module::linked(&whole, "whole").ok());
  for (size_t at = offsetof(temper_backend, score); at <= offsetof(temper_backend, sync); at += sizeof(void (*)())) {
    temper_backend table = whole;
    std::memset(reinterpret_cast<unsigned char *>(&table) + at, 0, sizeof(void (*)()));
    assert_int_equal(Module::linked(&table, "a part").status().code(), TEMPER_E_BACKEND);
  }
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

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// OpenBLAS by a link with another name: it would ask for address space for ever.
int refused_by_link(const std::string &module) {
  alarm(30);
  char folder[] = "/tmp/temper-test-XXXXXX";
  if (mkdtemp(folder) == nullptr) return 2;
  const std::string link = std::string(folder) + "/blas.so";
  const rlimit limit{rlim_t{200} << 20, rlim_t{200} << 20};
  if (symlink(module.c_str(), link.c_str()) != 0 || setrlimit(RLIMIT_AS, &limit) != 0) return 3;
  const auto loaded = Module::load(link);
  unlink(link.c_str());
  rmdir(folder);
  return !loaded.ok() && loaded.status().message().find("ulimit") != std::string::npos ? 0 : 1;
}

void a_link_is_no_way_around(void **) {
  auto registry = BackendRegistry::create();
  assert_true(registry.ok());
  const int32_t openblas = registry.value()->find("openblas");
  if (openblas < 0 || registry.value()->path(openblas).empty()) return;
  const pid_t child = fork();
  if (child == 0) _exit(refused_by_link(registry.value()->path(openblas)));
  int status = 0;
  assert_true(child > 0 && waitpid(child, &status, 0) == child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

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
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
      cmocka_unit_test(a_link_is_no_way_around),
#endif
      cmocka_unit_test(opening_unloads_nothing),
      cmocka_unit_test(best_comes_first),
      cmocka_unit_test(own_kernels_need_no_module),
      cmocka_unit_test(tables_are_whole),
      cmocka_unit_test(memory_apart_comes_as_a_module),
      cmocka_unit_test(others_are_errors_with_reasons),
      cmocka_unit_test(a_missing_module_tells_the_folders),
      cmocka_unit_test(loading_again_replaces),
  };
  return cmocka_run_group_tests_name("backend registry", tests, nullptr, nullptr);
}
