# SPDX-License-Identifier: Apache-2.0
"""Writes a C program made from the public headers: make_source.py KIND INCLUDE_FOLDER OUTPUT.

symbols  links the address of every declared function
layout   prints the ledger of the public interface: sizes, offsets, values, declarations
names    a header with the names of all declared functions
loop     the example in temper.h
"""
import re
import sys

import declarations


def symbols(folder):
    names = [name for name, _ in declarations.functions(folder)]
    entries = "\n".join('  {"%s", (function)%s},' % (name, name) for name in names)
    return """#include <temper/experimental.h>
#include <temper/temper.h>
#include <stdio.h>
typedef void (*function)(void);
static const struct {
  const char *name;
  function address;
} all[] = {
%s
};
int main(void) {
  size_t i;
  for (i = 0; i < sizeof all / sizeof all[0]; ++i)
    if (all[i].address == NULL) {
      printf("%%s has no address\\n", all[i].name);
      return 1;
    }
  return (int)(i != %d);
}
""" % (entries, len(names))


def names(folder):
    entries = ",\n".join('  "%s"' % name for name, _ in declarations.functions(folder))
    return "static const char *const declared_functions[] = {\n%s\n};\n" % entries


def layout(folder):
    lines = []
    for struct in declarations.STRUCTS:
        lines.append('printf("size %s %%zu\\n", sizeof(%s));' % (struct, struct))
        for member in declarations.members(folder, struct):
            lines.append('printf("offset %s.%s %%zu\\n", offsetof(%s, %s));' % (struct, member, struct, member))
    for name in declarations.enumerators(folder):
        lines.append('printf("value %s %%lld\\n", (long long)%s);' % (name, name))
    for text in declarations.callbacks(folder):
        lines.append('puts("callback %s");' % text)
    for _, text in declarations.functions(folder):
        lines.append('puts("function %s");' % text)
    return """#include <temper/experimental.h>
#include <temper/temper.h>
#include <stdio.h>
int main(void) {
  printf("abi %%d\\n", TEMPER_ABI);
  %s
  return 0;
}
""" % "\n  ".join(lines)


def loop(folder):
    text = open(folder + "/temper/temper.h", encoding="utf-8").read()
    code = re.search(r"@code\n(.*?) \* @endcode", text, flags=re.S).group(1)
    return "".join(re.sub(r"^ \* ?", "", line) for line in code.splitlines(keepends=True))


if __name__ == "__main__":
    kind, folder, output = sys.argv[1:]
    with open(output, "w", encoding="utf-8") as file:
        file.write({"symbols": symbols, "layout": layout, "names": names, "loop": loop}[kind](folder))
