"""Runs a module's unittest cases, each within a deadline, and writes them to Bazel's test.xml."""

import faulthandler
import os
import signal
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

CASE_SECONDS = 90


class Overdue(Exception):
    """A case is past its deadline."""


class _Result(unittest.TextTestResult):
    """Remembers (case, seconds, kind, text) of each case."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cases = []
        self._began = 0.0

    def startTest(self, test):
        self._began = time.monotonic()
        seconds = getattr(getattr(test, test._testMethodName), "seconds", CASE_SECONDS)
        signal.alarm(seconds)
        super().startTest(test)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)

    def _note(self, test, kind="", text=""):
        self.cases.append((test.id(), time.monotonic() - self._began, kind, text))

    def addSuccess(self, test):
        super().addSuccess(test)
        self._note(test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failure", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "error", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)


def within(seconds):
    """Gives one case another deadline than CASE_SECONDS."""

    def mark(function):
        function.seconds = seconds
        return function

    return mark


def main():
    faulthandler.register(signal.SIGUSR1)

    def on_alarm(*_):
        raise Overdue("the case is past its deadline")

    signal.signal(signal.SIGALRM, on_alarm)
    # Bazel ends a test by SIGTERM: clean up then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    loader = unittest.defaultTestLoader
    names = sys.argv[1:]
    module = sys.modules["__main__"]
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=_Result)
    result = runner.run(suite)
    _write_xml(result)
    sys.exit(0 if result.wasSuccessful() else 1)


def _write_xml(result):
    path = os.environ.get("XML_OUTPUT_FILE")
    if not path:
        return
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name=os.path.basename(sys.argv[0]))
    for name, seconds, kind, text in result.cases:
        classname, _, method = name.rpartition(".")
        case = ElementTree.SubElement(suite, "testcase", name=method,
                                      classname=classname.rpartition(".")[2],
                                      time=f"{seconds:.3f}")
        if kind:
            lines = text.strip().splitlines() or [""]
            message = lines[0] if kind == "skipped" else lines[-1]
            ElementTree.SubElement(case, kind, message=message).text = text
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
