# SPDX-License-Identifier: Apache-2.0
"""The library offers what the headers declare and nothing else: check_symbols.py INCLUDE KIND FILE MAP ABI [builtin]

KIND is shared or static. A shared library must also carry the soname of its ABI, the symbol versions of
the map, and need nothing but the C and C++ libraries (unless backends are linked in).
"""
import re
import subprocess
import sys

import declarations

ALLOWED = {"libc", "libm", "libstdc++", "libgcc_s", "libpthread", "libdl", "ld-linux-x86-64", "ld-linux-aarch64",
           "libasan", "libubsan", "libtsan"}
# What a sanitizer adds to every object.
FOREIGN = re.compile(r"^__(asan|ubsan|tsan|odr_asan)|^__sanitizer")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def defined(path, dynamic):
    flags = ["-D"] if dynamic else ["-g"]
    names = {}
    for line in output("nm", *flags, "--defined-only", "--with-symbol-versions", path).splitlines():
        words = line.split()
        if len(words) == 3 and words[1] != "A":
            name, _, version = words[2].partition("@")
            if not FOREIGN.match(name):
                names[name] = version.lstrip("@")
    return names


def map_nodes(path):
    """Function -> node; every name stands in the map in full, so a node can't grow by accident."""
    text = re.sub(r"#[^\n]*", "", open(path, encoding="utf-8").read())
    nodes = {}
    for node, body in re.findall(r"(\w+(?:\.\w+)*)\s*\{(.*?)\}", text, flags=re.S):
        for name in re.findall(r"(temper_[\w*]+)\s*;", body):
            nodes[name] = node
    return nodes


def check_dynamic(path, abi, builtin):
    problems = []
    dynamic = output("readelf", "-dW", path)
    soname = re.search(r"\(SONAME\).*\[(.*)\]", dynamic)
    if soname is None or soname.group(1) != "libtemper.so." + abi:
        problems.append("soname is %s" % (soname and soname.group(1)))
    for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
        if needed.split(".so")[0] not in ALLOWED and not builtin:
            problems.append("needs " + needed)
    return problems


def main():
    include, kind, path, map_file, abi = sys.argv[1:6]
    builtin = sys.argv[6:] == ["builtin"]
    declared = {name for name, _ in declarations.functions(include)}
    found = defined(path, kind == "shared")
    problems = ["declared, but not there: " + name for name in sorted(declared - set(found))]
    extra = set(found) - declared
    if kind == "shared":
        nodes = map_nodes(map_file)
        extra -= set(nodes.values())  # the version nodes themselves
        for name in sorted(declared & set(found)):
            if found[name] != nodes.get(name):
                problems.append("%s has version %s, the map says %s" % (name, found[name], nodes.get(name)))
            if name.startswith("temper_x_") != (found[name] == "TEMPER_EXPERIMENTAL"):
                problems.append("%s stands in the node %s" % (name, found[name]))
        problems += ["in the map, but not declared: " + name for name in sorted(set(nodes) - declared)]
        problems += check_dynamic(path, abi, builtin)
    problems += ["there, but not declared: " + name for name in sorted(extra)]
    print("\n".join(problems) or "%d functions" % len(declared))
    return 1 if problems or not declared else 0


if __name__ == "__main__":
    sys.exit(main())
