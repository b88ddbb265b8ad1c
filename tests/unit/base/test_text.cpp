// SPDX-License-Identifier: Apache-2.0
// Texts: as printf writes them in the C locale, in every locale; and what is left out when they are too long.
#include "base/status.h"
#include "base/text.h"
#include "support/comma_locale.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

extern "C" {
#include <cmocka.h>
}
#undef fail  // a function of ours is called so, too

using temper::fail;
using temper::format_text;
using temper::shortened;

namespace {

// What the C library says in the C locale, which tests begin in, and what we say.
#define SAME(...)                                                   \
  do {                                                              \
    char wanted[1200];                                               \
    (void)std::snprintf(wanted, sizeof wanted, __VA_ARGS__);        \
    assert_string_equal(format_text(__VA_ARGS__).c_str(), wanted);  \
  } while (false)

void reads_as_printf_writes_it(void **) {
  SAME("nothing");
  SAME("%d %i %u %x %X %%", -3, 7, 8U, 255U, 255U);
  SAME("%lld %ld %zu %zx", -1234567890123LL, 99L, sizeof(int), sizeof(long));
  SAME("[%5d] [%-5d] [%05d] [%+d] [%.3d] [%*d]", 42, 42, 42, 42, 7, 6, 42);
  SAME("[%s] [%.3s] [%10s] [%-10s] [%.*s] %c", "word", "word", "word", "word", 2, "word", 'x');
  for (const double value : {0.0, -0.0, 1.5, 0.02, 1e-4, 1e-5, 123456.0, 1234567.0, 1e300, -2.5e-300, 1.0 / 3, 100.0,
                             static_cast<double>(INFINITY), -static_cast<double>(INFINITY)}) {
    SAME("%g %.9g %.17g %.0g", value, value, value, value);
    SAME("%f %.2f %e %.3e [%12g] [%-12g]", value, value, value, value, value, value);
    char wanted[40];
    (void)std::snprintf(wanted, sizeof wanted, "%.9g", value);
    assert_string_equal(temper::number_text(value, 9).text, wanted);
  }
  SAME("%g", static_cast<double>(NAN));
}

void long_text_loses_its_middle(void **) {
  assert_string_equal(shortened("0123456789", 10).c_str(), "0123456789");
  assert_string_equal(shortened("0123456789", 9).c_str(), "012...789");
  // No character is cut: whole ones go.
  const std::string accents = "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9";
  for (size_t longest = 7; longest < accents.size(); ++longest) {
    const std::string text = shortened(accents, longest);
    assert_true(text.size() <= longest);
    for (const char c : std::string("\xc3\xa9"))
      assert_int_equal(std::count(text.begin(), text.end(), c), (text.size() - 3) / 2);
  }
}

void the_reason_is_never_cut(void **) {
  const std::string path = "/beginning/" + std::string(5000, 'x') + "/end";
  const std::string inner = fail(TEMPER_E_IO, "%s: no such folder", path.c_str()).message();
  assert_true(inner.size() <= 251 && inner.size() > 240);
  assert_true(inner.starts_with("/beginning/x") && inner.ends_with("x/end: no such folder"));
  const std::string outer = fail(TEMPER_E_IO, "the model %d: %s (%s)", 7, inner.c_str(), path.c_str()).message();
  assert_true(outer.size() <= 251 && outer.size() > 240);
  assert_true(outer.starts_with("the model 7: /beginning/") && outer.find("no such folder") != std::string::npos);
  // What fits stays as it is, to the last byte.
  const std::string full(251, 'y');
  assert_string_equal(fail(TEMPER_E_IO, "%s", full.c_str()).message().c_str(), full.c_str());
}

// Last, as it stays.
void the_locale_is_not_asked(void **) {
  if (!use_comma_locale()) skip();
  assert_string_equal(format_text("%g, %.2f, %e, %d", 1.5, 2.25, 0.5, 1234567).c_str(), "1.5, 2.25, 5.000000e-01, 1234567");
  assert_string_equal(temper::number_text(0.02).text, "0.02");
  assert_string_equal(fail(TEMPER_E_ARGUMENT, "is %g", 1.5).message().c_str(), "is 1.5");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(reads_as_printf_writes_it),
      cmocka_unit_test(long_text_loses_its_middle),
      cmocka_unit_test(the_reason_is_never_cut),
      cmocka_unit_test(the_locale_is_not_asked),
  };
  return cmocka_run_group_tests_name("base text", tests, nullptr, nullptr);
}
