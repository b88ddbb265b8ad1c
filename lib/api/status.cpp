// SPDX-License-Identifier: Apache-2.0
// Names of the public status codes.
#include <temper/types.h>

extern "C" const char *temper_status_name(temper_status status) {
  switch (status) {
    case TEMPER_OK: return "TEMPER_OK";
    case TEMPER_DONE: return "TEMPER_DONE";
    case TEMPER_LENGTH_LIMIT: return "TEMPER_LENGTH_LIMIT";
    case TEMPER_E_ARGUMENT: return "TEMPER_E_ARGUMENT";
    case TEMPER_E_MEMORY: return "TEMPER_E_MEMORY";
    case TEMPER_E_IO: return "TEMPER_E_IO";
    case TEMPER_E_FORMAT: return "TEMPER_E_FORMAT";
    case TEMPER_E_UNSUPPORTED: return "TEMPER_E_UNSUPPORTED";
    case TEMPER_E_STATE: return "TEMPER_E_STATE";
    case TEMPER_E_CANCELLED: return "TEMPER_E_CANCELLED";
    case TEMPER_E_BACKEND: return "TEMPER_E_BACKEND";
    case TEMPER_E_CAPACITY: return "TEMPER_E_CAPACITY";
    case TEMPER_E_INTERNAL: return "TEMPER_E_INTERNAL";
    default: return "unknown";
  }
}
