# SPDX-License-Identifier: Apache-2.0
"""Every section, equation, rule, deviation and vector that a comment cites is in lib/MATH.md.

  check_math.py ROOT

A citation is what follows the word MATH ("MATH 1.3-1.5, 2.1", "MATH 4.2, (9)", "MATH 7, D1"), and in comments also an
equation number by itself ("decoded by (12)").
"""

import pathlib
import re
import sys

FOLDERS = ["lib", "backends", "include", "tests", "examples"]
ENDINGS = {".c", ".cpp", ".h", ".py", ".sh"}
ITEM = r"(?:\d+(?:\.\d+)?|\(\d+\)|[EVD]\d+)"
JOINT = r"(?:\s*(?:,|-|to|and|equations?|steps?|rows?)\s*)+"
CITATION = re.compile(r"\bMATH(?:'s)?\s+(" + ITEM + r"(?:" + JOINT + ITEM + r")*)")
STEPS = re.compile(r"steps? \d+(?: (?:and|to) \d+)?")
EQUATION = re.compile(r"(?<![\w)\]'\"])\((\d{1,2})\)")


def defined(text):
    """What MATH.md has: the names of its sections, rules, deviations and vectors, and "(n)" for equations."""
    sections = re.findall(r"^#{2,3} (\d+(?:\.\d+)?) ", text, re.M)
    equations = re.findall(r"^    .*\s(\(\d+\))$", text, re.M)
    rules = re.findall(r"^- (V\d+):", text, re.M)
    deviations = re.findall(r"^\| (D\d+) \|", text, re.M)
    vectors = re.findall(r"^(E\d+)[:,]", text, re.M)
    names = sections + equations + rules + deviations + vectors
    return names, sorted({name for name in names if names.count(name) > 1})


def comments(path, text):
    """Comments as one line each, so that a citation may go over the end of a line."""
    if path.suffix in {".py", ".sh"}:
        found = re.findall(r'"""(.*?)"""|((?:^[ \t]*#[^\n]*\n?)+)', text, re.S | re.M)
    else:
        found = re.findall(r"/\*(.*?)\*/|((?:[ \t]*//[^\n]*\n?)+)", text, re.S)
    for whole in found:
        yield " ".join(re.sub(r"^\s*(//+<?|#|\*)", "", line) for line in "".join(whole).split("\n"))


def cited(path, text):
    for comment in comments(path, text):
        comment = re.sub(r"\s+", " ", comment)
        comment = re.sub(r"\bequation (\d+)", r"(\1)", comment)
        for match in CITATION.finditer(comment):
            for item in re.findall(ITEM, STEPS.sub("", match.group(1))):
                yield item
        for number in EQUATION.findall(comment):
            yield f"({number})"


def main():
    root = pathlib.Path(sys.argv[1])
    names, twice = defined((root / "lib" / "MATH.md").read_text(encoding="utf-8"))
    faults = [f"lib/MATH.md says {name} twice" for name in twice]
    count = 0
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in ENDINGS or path.name == pathlib.Path(__file__).name:
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            where = path.relative_to(root)
            if re.search(r"\bDEVIATIONS\b", text):
                faults.append(f"{where} cites DEVIATIONS: that is MATH 7")
            for item in cited(path, text):
                count += 1
                if item not in names:
                    faults.append(f"{where} cites {item}, which lib/MATH.md hasn't")
    for fault in faults:
        print(fault)
    print(f"{count} citations, {len(names)} things that can be cited")
    if count < 50:
        print("there are more citations than that: they aren't found")
    sys.exit(1 if faults or count < 50 else 0)


if __name__ == "__main__":
    main()
