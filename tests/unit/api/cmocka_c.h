/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with the headers that it expects. */
#ifndef TEMPER_TEST_CMOCKA_C_H
#define TEMPER_TEST_CMOCKA_C_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
