# SPDX-License-Identifier: Apache-2.0
"""Compares the public interface with its ledger: check_ledger.py PROGRAM LEDGER [--update]

After a release no line of the ledger may change or go, except those of temper_x_*; new ones are added
with --update. Offsets and sizes are those of LP64 systems.
"""
import subprocess
import sys

HEAD = """# SPDX-License-Identifier: Apache-2.0
# The public interface, line by line. Written by check_ledger.py --update; see there.
"""


def main():
    program, ledger = sys.argv[1:3]
    now = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    if sys.argv[3:] == ["--update"]:
        with open(ledger, "w", encoding="utf-8") as file:
            file.write(HEAD + "\n".join(now) + "\n")
        return 0
    with open(ledger, encoding="utf-8") as file:
        then = [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]
    for line in then:
        if line not in now:
            print("BROKEN, was:", line)
    for line in now:
        if line not in then:
            print("not in the ledger:", line)
    return 0 if set(now) == set(then) else 1


if __name__ == "__main__":
    sys.exit(main())
