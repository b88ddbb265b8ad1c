// SPDX-License-Identifier: Apache-2.0
// Unicode normal forms and lower case. Bytes that aren't UTF-8 stay as they are, and nothing composes
// across them.
#pragma once

#include <string>
#include <string_view>

namespace temper {

std::string to_nfd(std::string_view text);
std::string to_nfc(std::string_view text);
std::string to_lower(std::string_view text);

}  // namespace temper
