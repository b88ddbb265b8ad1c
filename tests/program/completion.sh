# SPDX-License-Identifier: Apache-2.0
# The completion files and the manual page know every command and option that --help lists.
. "$(dirname "$0")/common.sh"
folder=$TEMPER_SOURCE_ROOT/examples/temper

for command in generate replay info tokenize schedule score evaluate bench verify; do
  expect 0 "$temper" "$command" --help
  for option in $(grep -o '^  [^ ].*' "$work/out" | grep -o -e '--[a-z][a-z0-9-]*' | sort -u); do
    for file in temper.bash temper.zsh; do
      grep "^    $command)" "$folder/$file" | grep -q -e "$option\( \|\"\)" || fail "$file: $command $option is missing"
    done
    case $option in
      --help | --verbose) ;;
      *) sed 's/\\-/-/g' "$folder/temper.1" | grep -q -e "$option" || fail "temper.1: $option is missing" ;;
    esac
  done
done
finish
