#!/bin/bash
# The tsan build must report the planted race, and nothing where there is none.
set -u
program="$TEST_SRCDIR/muster/tests/programs/planted_race"
export TSAN_OPTIONS="exitcode=66"
output="$("$program" 2>&1)" || { echo "reported without a race:"; echo "$output"; exit 1; }
output="$("$program" --race 2>&1)"
status=$?
if [[ $status != 66 || "$output" != *"WARNING: ThreadSanitizer: data race"* ]]; then
  echo "exit $status, no race reported:"
  echo "$output"
  exit 1
fi
echo "the planted race was reported"
