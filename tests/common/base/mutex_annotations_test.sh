#!/bin/bash
# Under the flags of --config=clang a field that is written without its mutex must not compile, and
# the same code with the mutex must. Without that a clean build with clang would mean nothing.
set -u
cd "$TEST_SRCDIR/muster" || exit 1

mapfile -t flags < <(sed -n -E '/^build(:clang)? /{s/ --/\n--/g; p}' .bazelrc |
  sed -n -E 's/^--(cxxopt|copt)=//p')
compile() {
  clang++ "${flags[@]}" -fsyntax-only -I. "$@" tests/common/base/planted_unlocked.cc 2>&1
}

output="$(compile)" || { echo "does not compile with its mutex:"; echo "$output"; exit 1; }
if output="$(compile -DPLANTED)"; then
  echo "compiles without its mutex, under: ${flags[*]}"
  exit 1
fi
[[ "$output" == *"writing variable 'balance_' requires holding mutex 'mutex_'"* ]] && exit 0
echo "another error than the planted one:"
echo "$output"
exit 1
