/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file version.h
 * @brief Version of the header and of the library that runs.
 */
#ifndef TEMPER_VERSION_H
#define TEMPER_VERSION_H

#include <temper/types.h>

/** Soname number. Rises only when something breaks, which before 1.0 means never after a release. */
#define TEMPER_ABI 0

#define TEMPER_VERSION_MAJOR 0
#define TEMPER_VERSION_MINOR 1
#define TEMPER_VERSION_PATCH 0
/** major * 1000000 + minor * 1000 + patch, the same encoding as temper_version(). */
#define TEMPER_VERSION \
  (TEMPER_VERSION_MAJOR * 1000000 + TEMPER_VERSION_MINOR * 1000 + TEMPER_VERSION_PATCH)

TEMPER_EXTERN_C_BEGIN

/** @brief Version of the library in use, encoded as ::TEMPER_VERSION. Thread: any. @since 0.1 */
TEMPER_API int32_t temper_version(void);

/** @brief The same as text, "0.1.0". Static; never NULL. Thread: any. @since 0.1 */
TEMPER_API const char *temper_version_string(void);

TEMPER_EXTERN_C_END

#endif
