# SPDX-License-Identifier: Apache-2.0
"""What the public headers declare, read from their text: functions, enumerators, structs.

The headers keep to a plain style (one declaration per TEMPER_API, one enumerator per line or comma), so
no compiler is needed to list them; a compiler then says what their values are.
"""
import pathlib
import re

STRUCTS = ["temper_error", "temper_allocator", "temper_executor", "temper_draws", "temper_step_info", "temper_row_info",
           "temper_score_options", "temper_document", "temper_score_result", "temper_x_row"]


def headers(folder):
    return sorted(pathlib.Path(folder, "temper").glob("*.h"))


def without_comments(text):
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return re.sub(r"//[^\n]*", " ", text)


def source(folder):
    return "\n".join(without_comments(path.read_text(encoding="utf-8")) for path in headers(folder))


def functions(folder):
    """Pairs of a name and its whole declaration in one line."""
    found = []
    for text in re.findall(r"^TEMPER_API\s+(.*?);", source(folder), flags=re.S | re.M):
        line = re.sub(r"\s+", " ", text).strip()
        found.append((re.search(r"(\w+)\s*\(", line).group(1), line))
    return sorted(found)


def enumerators(folder):
    names = []
    for body in re.findall(r"\benum\s*\w*\s*\{(.*?)\}", source(folder), flags=re.S):
        names += re.findall(r"\b(TEMPER_\w+)\s*=", body)
    return names


def callbacks(folder):
    found = re.findall(r"^typedef\s+([^;{}]*\(\*\s*\w+\s*\)[^;{}]*);", source(folder), flags=re.M)
    return sorted(re.sub(r"\s+", " ", text).strip() for text in found)


def members(folder, struct):
    match = re.search(r"typedef\s+struct\s+%s\s*\{(.*?)\}\s*%s\s*;" % (struct, struct), source(folder),
                      flags=re.S)
    names = []
    for line in match.group(1).split(";"):
        pointer = re.search(r"\(\*\s*(\w+)\s*\)", line)
        plain = re.search(r"(\w+)\s*(\[[^\]]*\])?\s*$", line.strip())
        if pointer:
            names.append(pointer.group(1))
        elif plain:
            names.append(plain.group(1))
    return names
