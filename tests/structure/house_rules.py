"""The rules of the house that a machine can check: docs/architecture.md and docs/style.md.

Each check takes the root of a checkout and yields violations, one line each: PATH[:LINE]: what is
wrong. House rules are for our own code: third_party/ only has the rules of size and language.
"""

import ast
import os
import re

MAX_LINES = 500
MAX_TEST_LINES = 1000  # A test file has all cases of its room.
CODE = (".h", ".cc", ".c", ".proto", ".py", ".bzl", ".bazel", ".sh")
SKIPPED = {".git", ".muster", "node_modules", "__pycache__"}

# Rooms that may speak gRPC. The main programs, in agent/ and ctl/ themselves, put the parts together.
RPC_FLOOR = {"agent", "agent/rpc", "common/etcd", "common/rpc", "ctl", "ctl/client", "scheduler/rpc",
             "scheduler"}
ENGINE = (
    "agent/device", "agent/link", "agent/process", "agent/shim", "agent/task", "common/base",
    "common/job", "ctl/spec", "launch", "scheduler/core", "scheduler/election", "scheduler/plan",
    "scheduler/store",
)
GRPC = {"//third_party:grpc", "//third_party:grpc_reflection", "//proto:muster_v1_grpc",
        "//proto:etcd_v3_grpc"}

# What each floor may build on, besides itself and third_party. The first match counts.
FLOORS = (
    ("third_party", ()),
    ("proto", ()),
    ("common/base", ()),
    ("common/job", ("common/base", "proto")),
    ("common/rpc", ("common/base", "common/job", "proto")),
    ("common/etcd", ("common/base", "common/rpc", "proto")),
    ("launch", ("common", "proto")),
    ("agent/shim", ("common/base",)),
    ("agent", ("common", "launch", "proto")),
    ("scheduler", ("common", "launch", "proto")),
    ("ctl", ("agent", "common", "launch", "proto", "scheduler")),
)
MAIN = {"agent": ("scheduler",)}  # The agent's main program composes both; its rooms do not.


def files(root):
    """Paths, relative to `root`, of all files of the checkout."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith("bazel-")
                            and not os.path.islink(os.path.join(folder, f)))
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root)


def lines(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read().splitlines()


def is_code(root, path):
    if path.endswith(CODE):
        return True
    if "." in os.path.basename(path):
        return False
    with open(os.path.join(root, path), "rb") as file:
        return file.read(2) == b"#!"


def below(path, folder):
    return path == folder or path.startswith(folder + "/")


class Target:
    """One rule of a BUILD file, with the labels that it names."""

    def __init__(self, package, call):
        self.kind = call.func.id
        self.package = package
        self.line = call.lineno
        self.attributes = {k.arg: self.strings(k.value) for k in call.keywords if k.arg}
        self.name = (self.attributes.get("name") or [""])[0]
        self.label = f"//{package}:{self.name}"

    @staticmethod
    def strings(tree):
        return [node.value for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)]

    def deps(self):
        for label in self.attributes.get("deps", []) + self.attributes.get("implementation_deps", []):
            if label.startswith(":"):
                yield f"//{self.package}{label}"
            elif label.startswith(("//:", "//conditions:")):
                continue  # A case of a select().
            elif label.startswith("//"):
                yield label if ":" in label else f"{label}:{label.rsplit('/', 1)[-1]}"


def targets(root):
    """All rules of all BUILD files: Starlark is close enough to Python for its own parser."""
    for path in files(root):
        if os.path.basename(path) != "BUILD.bazel":
            continue
        tree = ast.parse("\n".join(lines(root, path)), path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                target = Target(os.path.dirname(path), node)
                if target.name:
                    yield target


def no_grpc_below_the_rpc_floor(root):
    """Only floor rpc includes grpcpp, and no engine room is linked with it, not even from afar."""
    for path in files(root):
        if not path.endswith((".h", ".cc")) or path.split("/")[0] in ("tests", "third_party"):
            continue
        if os.path.dirname(path) in RPC_FLOOR:
            continue
        for number, line in enumerate(lines(root, path), 1):
            if re.match(r'\s*#\s*include\s*[<"](grpcpp/|grpc/|.*\.grpc\.pb\.h)', line):
                yield f"{path}:{number}: includes gRPC; only floor rpc may ({line.strip()})"
    by_label = {target.label: target for target in targets(root)}
    for target in by_label.values():
        if not any(below(target.package, engine) for engine in ENGINE):
            continue
        way = _way_to_grpc(target.label, by_label, set())
        if way:
            yield f"{target.package}/BUILD.bazel:{target.line}: reaches gRPC by {' → '.join(way)}"


def _way_to_grpc(label, by_label, seen):
    if label in GRPC:
        return [label]
    if label in seen or label not in by_label:
        return None
    seen.add(label)
    for dep in by_label[label].deps():
        way = _way_to_grpc(dep, by_label, seen)
        if way:
            return [label] + way
    return None


def floors_build_downward(root):
    """Dependencies go down the floors of docs/architecture.md; tests see all."""
    for target in targets(root):
        floor = next((f for f in FLOORS if below(target.package, f[0])), None)
        if floor is None:
            continue
        allowed = (floor[0], "third_party") + floor[1] + MAIN.get(target.package, ())
        for dep in target.deps():
            package = dep[2:].split(":")[0]
            if not any(below(package, folder) for folder in allowed):
                yield (f"{target.package}/BUILD.bazel:{target.line}: {target.name} depends on {dep}, "
                       f"which is not below {floor[0]}")


def a_room_is_named_after_its_files(root):
    """One target per room: its header and its source carry its name.

    A variant that a table's header declares (a verb, a contract) has no header of its own, and where a
    table and its variants need each other, the header is a target by itself.
    """
    labels = {target.label for target in targets(root)}
    for target in targets(root):
        if target.kind != "cc_library" or target.package.split("/")[0] in ("tests", "third_party"):
            continue
        if target.package == "proto":
            continue
        headers = target.attributes.get("hdrs", [])
        sources = target.attributes.get("srcs", [])
        where = f"{target.package}/BUILD.bazel:{target.line}"
        if headers and f"{target.name}.h" not in headers:
            yield f"{where}: {target.name} has no header {target.name}.h"
        headers_apart = any(f"//{target.package}:{source[:-len('.cc')]}" in labels
                            for source in sources)
        if sources and f"{target.name}.cc" not in sources and not headers_apart:
            yield f"{where}: {target.name} has no source {target.name}.cc"


def every_source_is_built(root):
    """No file lies beside the BUILD files that none of them names."""
    named = {}
    for path in files(root):
        folder, name = os.path.split(path)
        if name == "BUILD.bazel":
            tree = ast.parse("\n".join(lines(root, path)), path)
            named[folder] = set(Target.strings(tree))
    for path in files(root):
        folder, name = os.path.split(path)
        stem, extension = os.path.splitext(name)
        if extension in (".h", ".cc", ".c") and not {name, stem} & named.get(folder, set()):
            yield f"{path}: no rule in {folder}/BUILD.bazel names it"


def files_are_short(root):
    """Aim at 150 lines, think again at 400, never above 500; tests never above 1000."""
    for path in files(root):
        if is_code(root, path):
            limit = MAX_TEST_LINES if below(path, "tests") else MAX_LINES
            count = len(lines(root, path))
            if count > limit:
                yield f"{path}: {count} lines; {limit} is the limit, split the room"


def nothing_is_left_to_do(root):
    """What is unfinished is in an issue, not in the code."""
    word = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    for path in files(root):
        if not is_code(root, path) and not path.endswith((".md", ".yaml", ".service")):
            continue
        for number, line in enumerate(lines(root, path), 1):
            if word.search(line):
                yield f"{path}:{number}: {line.strip()}"


def headers_are_guarded(root):
    """MUSTER_ and the path, so that no two guards collide."""
    for path in files(root):
        if not path.endswith(".h") or below(path, "third_party"):
            continue
        guard = "MUSTER_" + re.sub(r"[^A-Za-z0-9]", "_", path).upper() + "_"
        text = "\n".join(lines(root, path))
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            yield f"{path}: its guard is not {guard}"


def a_class_has_its_name_alone(root):
    """Two classes muster::X in one program are one to the linker, which then mixes their code.

    Also those of .cc files, unless in an unnamed namespace.
    """
    defined = {}
    for path in files(root):
        if not path.endswith((".h", ".cc")) or path.split("/")[0] in ("tests", "third_party"):
            continue
        unnamed = False
        for number, line in enumerate(lines(root, path), 1):
            unnamed = unnamed or line.startswith("namespace {")
            unnamed = unnamed and line != "}  // namespace"
            match = re.match(r"(?:class|struct|enum|enum class) (\w+)(?: final)?(?: : [^;]*)? \{", line)
            if match and not unnamed:
                defined.setdefault(match.group(1), []).append(f"{path}:{number}")
    for name, places in defined.items():
        if len(places) > 1:
            yield f"{places[0]}: {name} is also the name of {', '.join(places[1:])}"


CHECKS = (
    a_class_has_its_name_alone,
    no_grpc_below_the_rpc_floor,
    floors_build_downward,
    a_room_is_named_after_its_files,
    every_source_is_built,
    files_are_short,
    nothing_is_left_to_do,
    headers_are_guarded,
)
