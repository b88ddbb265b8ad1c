# SPDX-License-Identifier: Apache-2.0
"""Every public header compiles alone, twice in a row, in C11 and C++17/20: check_headers.py INCLUDE CC CXX

CC and CXX are the commands, words separated by spaces; Clang is tried as well where it is installed.
"""
import shutil
import subprocess
import sys

import declarations

STRICT = ["-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-Wundef"]
C_WAYS = [["-std=c11", "-Wstrict-prototypes", "-Wc++-compat"] + STRICT, []]
CXX_WAYS = [["-std=c++17", "-Wold-style-cast", "-Wshadow"] + STRICT, ["-std=c++20"] + STRICT, []]


def main():
    include, cc, cxx = sys.argv[1], sys.argv[2].split(), sys.argv[3].split()
    compilers = [(cc, "c", C_WAYS), (cxx, "c++", CXX_WAYS)]
    if "clang" not in cc[-1] and shutil.which("clang"):
        # It also compares what comments say about parameters with those that there are.
        compilers += [(["clang", "-Wdocumentation"], "c", C_WAYS), (["clang++", "-Wdocumentation"], "c++", CXX_WAYS)]
    failures = compiled = 0
    for path in declarations.headers(include):
        text = "#include <temper/%s>\n" % path.name * 2 + "int temper_test_something;\n"
        for command, language, ways in compilers:
            for flags in ways:
                line = command + flags + ["-fsyntax-only", "-I", include, "-x", language, "-"]
                done = subprocess.run(line, input=text, capture_output=True, text=True)
                compiled += 1
                if done.returncode != 0:
                    failures += 1
                    print(path.name, " ".join(line), done.stderr, sep="\n")
    print("%d compilations, %d failed" % (compiled, failures))
    return 1 if failures or not compiled else 0


if __name__ == "__main__":
    sys.exit(main())
