// SPDX-License-Identifier: Apache-2.0
// The backend whose memory is apart does what it is for: who touches it directly is found out.
#include "harness.h"

#include <sys/wait.h>
#include <unistd.h>

using namespace temper::test;

namespace {

// Whether a child that does this ends well.
template <typename Body>
bool survives(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) fail_msg("no child");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void direct_use_faults(void **) {
  const Opened on(temper_backend_apart(TEMPER_BACKEND_ABI), 1);
  const OnDevice memory(on, std::vector<float>{1.0F, 2.0F});
  volatile float *there = memory.floats();
  assert_true(survives([&] { (void)memory.read(); }));
  assert_false(survives([&] { (void)there[0]; }));
  assert_false(survives([&] { there[1] = 3.0F; }));
}

void memory_of_the_host_is_no_memory_of_the_device(void **) {
  const Opened on(temper_backend_apart(TEMPER_BACKEND_ABI), 1);
  StreamOf stream(on, 1, 1, 4);
  Rows rows = plain_rows(1);
  const temper_rows view = rows.view();
  check(on, on.ops->begin(stream.stream, &view));
  const temper_norm norm{TEMPER_NORM_RMS, 1e-5F, 4, nullptr, nullptr, {}};
  const OnDevice in(on, std::vector<float>(4)), out(on, std::vector<float>(4));
  std::vector<float> host(4);
  const auto run = [&](float *to, const float *from) {
    return survives([&] { (void)on.ops->norm(stream.stream, to, from, &norm, nullptr, 1); });
  };
  assert_true(run(out.floats(), in.floats()));
  assert_false(run(host.data(), in.floats()));
  assert_false(run(out.floats(), host.data()));
}

// The rows of a call are the caller's to change once it has begun.
void rows_are_copied(void **) {
  const Opened on(temper_backend_apart(TEMPER_BACKEND_ABI), 1);
  StreamOf stream(on, 2, 1, 4);
  Rows rows = plain_rows(2);
  const temper_rows view = rows.view();
  check(on, on.ops->begin(stream.stream, &view));
  std::fill(rows.token.begin(), rows.token.end(), 1000000);
  const OnDevice table(on, std::vector<float>{1.0F, 2.0F}), out(on, std::vector<float>(2));
  const temper_embedding embedding{table.raw(), TEMPER_DTYPE_F32, 1, nullptr, nullptr, 0};
  check(on, on.ops->embed(stream.stream, out.floats(), &embedding));
  assert_true(out.read() == (std::vector<float>{1.0F, 2.0F}));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(direct_use_faults),
      cmocka_unit_test(memory_of_the_host_is_no_memory_of_the_device),
      cmocka_unit_test(rows_are_copied),
  };
  return cmocka_run_group_tests_name("backend apart", tests, nullptr, nullptr);
}
