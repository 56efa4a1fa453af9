#!/usr/bin/python3
"""Plants a violation of each house rule and demands that the rule, and it alone, reports it."""

import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
import house_rules  # noqa: E402

GUARDED = "#ifndef MUSTER_{0}_H_\n#define MUSTER_{0}_H_\n{1}#endif\n"


def room(folder, name, includes="", deps=""):
    """The files of a room that breaks no rule."""
    guard = f"{folder}/{name}".replace("/", "_").upper()
    return {
        f"{folder}/{name}.h": GUARDED.format(guard, ""),
        f"{folder}/{name}.cc": includes,
        f"{folder}/BUILD.bazel": f'cc_library(name = "{name}", srcs = ["{name}.cc"], '
                                 f'hdrs = ["{name}.h"], deps = [{deps}])\n',
    }


class HouseRulesSelfTest(unittest.TestCase):
    def violations(self, tree):
        """What each rule says of a checkout with these files: {rule: [line]}, without the silent."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in tree.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            said = {check.__name__: list(check(root)) for check in house_rules.CHECKS}
        return {name: lines for name, lines in said.items() if lines}

    def assert_only(self, rule, tree, text):
        said = self.violations(tree)
        self.assertEqual(list(said), [rule], said)
        self.assertIn(text, "\n".join(said[rule]))

    def test_a_clean_room_passes(self):
        self.assertEqual(self.violations(room("agent/task", "gangs", deps='"//launch:plain"')), {})

    def test_rpc_may_include_grpc(self):
        tree = room("agent/rpc", "service", '#include "grpcpp/server.h"\n', '"//third_party:grpc"')
        self.assertEqual(self.violations(tree), {})

    def test_engine_includes_grpc(self):
        for include in ("<grpcpp/server.h>", '"grpcpp/server.h"', '"muster/v1/job_service.grpc.pb.h"'):
            self.assert_only("no_grpc_below_the_rpc_floor",
                             room("agent/task", "gangs", f"#include {include}\n"),
                             "agent/task/gangs.cc:1: includes gRPC")

    def test_engine_reaches_grpc_through_another_room(self):
        tree = {**room("scheduler/store", "db", deps='"//common/rpc:deadline"'),
                **room("common/rpc", "deadline", deps='"//third_party:grpc"')}
        said = self.violations(tree)
        self.assertIn("//scheduler/store:db → //common/rpc:deadline → //third_party:grpc",
                      said["no_grpc_below_the_rpc_floor"][0])

    def test_launch_depends_on_the_agent(self):
        self.assert_only("floors_build_downward",
                         room("launch", "plain", deps='"//agent/device:ledger"'),
                         "plain depends on //agent/device:ledger")

    def test_agent_depends_on_the_scheduler(self):
        self.assert_only("floors_build_downward",
                         room("agent/task", "gangs", deps='"//scheduler/core"'),
                         "gangs depends on //scheduler/core:core")

    def test_the_agents_main_program_may_compose_both(self):
        tree = {"agent/BUILD.bazel": 'cc_binary(name = "msagentd", srcs = ["main.cc"], '
                                     'deps = ["//scheduler/core:scheduler"])\n',
                "agent/main.cc": ""}
        self.assertEqual(self.violations(tree), {})

    def test_a_room_has_another_name_than_its_header(self):
        tree = room("launch", "plain")
        tree["launch/BUILD.bazel"] = tree["launch/BUILD.bazel"].replace(
            'name = "plain"', 'name = "simple"')
        self.assert_only("a_room_is_named_after_its_files", tree, "simple has no header simple.h")

    def test_two_classes_of_one_name(self):
        tree = {**room("launch", "plain", "struct Plan {\n};\n"),
                **room("agent/task", "gangs", "struct Plan {\n};\n")}
        self.assert_only("a_class_has_its_name_alone", tree, "Plan is also the name of launch/plain")

    def test_classes_in_unnamed_namespaces_may_share_a_name(self):
        hidden = "namespace {\nstruct Plan {\n};\n}  // namespace\n"
        self.assertEqual(self.violations({**room("launch", "plain", hidden),
                                          **room("agent/task", "gangs", hidden)}), {})

    def test_a_source_that_no_rule_names(self):
        self.assert_only("every_source_is_built",
                         {**room("launch", "plain"), "launch/forgotten.cc": ""},
                         "launch/forgotten.cc: no rule")

    def test_a_file_too_long(self):
        self.assert_only("files_are_short", room("launch", "plain", "//\n" * 501), "501 lines")

    def test_something_left_to_do(self):
        self.assert_only("nothing_is_left_to_do",
                         room("launch", "plain", "// TO" + "DO: all of it\n"), "launch/plain.cc:1")

    def test_a_guard_of_another_file(self):
        tree = room("launch", "plain")
        tree["launch/plain.h"] = GUARDED.format("LAUNCH_TORCH", "")
        self.assert_only("headers_are_guarded", tree, "its guard is not MUSTER_LAUNCH_PLAIN_H_")


if __name__ == "__main__":
    unittest.main()
