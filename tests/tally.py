#!/usr/bin/python3
"""Counts the test cases of the tiers that tests/run has run, from Bazel's own records.

Reads DIR/TIER.json (build events), DIR/TIER.broken and DIR/TIER.skipped (one line each). Prints the
failed and the skipped cases by name, then `N passed, M failed, K skipped`. Exits 1 when any failed.
"""

import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add_tier(self, tier, path, cut_short):
        """Counts one tier by its build events; `cut_short`: what was not reached is no failure."""
        results, summaries = {}, {}
        with open(path) as events:
            for line in events:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue  # The last line of a build that was cut off.
                if "testResult" in event:
                    # The last attempt of a target, if there were several, comes last.
                    results[event["id"]["testResult"]["label"]] = event["testResult"]
                elif "testSummary" in event:
                    label = event["id"]["testSummary"]["label"]
                    summaries[label] = event["testSummary"].get("overallStatus", "NO_STATUS")
                elif event.get("id", {}).get("targetCompleted") and "aborted" in event:
                    label = event["id"]["targetCompleted"]["label"]
                    summaries.setdefault(label, "FAILED_TO_BUILD")
                elif "completed" in event and not event["completed"].get("success"):
                    summaries.setdefault(event["id"]["targetCompleted"]["label"],
                                         "FAILED_TO_BUILD")
        for label, result in sorted(results.items()):
            if cut_short and result.get("status") in ("INCOMPLETE", "NO_STATUS"):
                continue  # Interrupted, not failed.
            self._add_target(f"[{tier}] {label}", result)
        for label, status in sorted(summaries.items()):
            if label not in results and status != "PASSED" and not cut_short:
                self.failed.append((f"[{tier}] {label}", status.lower().replace("_", " ")))

    def _add_target(self, name, result):
        status = result.get("status", "NO_STATUS")
        cases = _cases(result)
        failures = 0
        for case, outcome, reason in cases:
            if outcome == "failed":
                failures += 1
                self.failed.append((f"{name} {case}", reason))
            elif outcome == "skipped":
                self.skipped.append((f"{name} {case}", reason))
            else:
                self.passed += 1
        # A crash or a timeout leaves no case that failed.
        if status not in ("PASSED", "FLAKY") and failures == 0:
            self.failed.append((name, status.lower()))
        elif not cases:
            self.passed += 1


def _cases(result):
    """Yields (name, passed|failed|skipped, reason) of each case in a target's test.xml."""
    cases = []
    for output in result.get("testActionOutput", []):
        path = urllib.parse.unquote(urllib.parse.urlparse(output.get("uri", "")).path)
        if output.get("name") != "test.xml" or not os.path.exists(path):
            continue
        try:
            root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError:
            continue
        for case in root.iter("testcase"):
            name = ".".join(filter(None, [case.get("classname"), case.get("name")]))
            bad = [child for child in case if child.tag in ("failure", "error")]
            skipped = case.find("skipped")
            if bad:
                cases.append((name, "failed", _first_line(bad[0])))
            elif skipped is not None:
                cases.append((name, "skipped", _first_line(skipped)))
            elif case.get("status") == "notrun":
                cases.append((name, "skipped", "disabled"))
            else:
                cases.append((name, "passed", ""))
    return cases


def _first_line(element):
    text = (element.get("message") or element.text or "").strip()
    lines = text.splitlines()
    # GoogleTest begins with the place: the reason comes on the next line.
    if len(lines) > 1 and lines[0].rpartition(":")[2].isdigit():
        return lines[1]
    return lines[0] if lines else "no reason given"


def main(directory):
    tally = Tally()
    for name in sorted(os.listdir(directory)):
        tier, kind = os.path.splitext(name)
        path = os.path.join(directory, name)
        if kind == ".json":
            tally.add_tier(tier, path, os.path.exists(os.path.join(directory, f"{tier}.skipped")))
        elif kind in (".broken", ".skipped"):
            with open(path) as file:
                reason = file.read().strip()
            (tally.failed if kind == ".broken" else tally.skipped).append((f"[{tier}]", reason))
    if not tally.passed and not tally.failed:
        tally.failed.append(("tests/run", "not a single test was run"))
    for name, reason in tally.skipped:
        print(f"skipped: {name}: {reason}")
    for name, reason in tally.failed:
        print(f"FAILED:  {name}: {reason}")
    print(f"{tally.passed} passed, {len(tally.failed)} failed, {len(tally.skipped)} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
