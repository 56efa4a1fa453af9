// The same command lines through ours and, where a python3 is there, through argparse itself.
#include "ctl/frontend/argparse/arg_parser.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using Words = std::vector<std::string>;

ArgParser Parser() {
  const auto option = [](Words names, ArgSpec::Type type, Words choices = {}) {
    ArgSpec spec;
    spec.names = std::move(names);
    spec.type = type;
    spec.choices = std::move(choices);
    spec.help = "says something about itself that is long enough for a line of its own, or two";
    return spec;
  };
  using Type = ArgSpec::Type;
  return ArgParser(
      "prog", {"script", "script_args"},
      {option({"--worker_num"}, Type::kInt), option({"--log_dir"}, Type::kString),
       option({"--local_num"}, Type::kInt), option({"--level"}, Type::kInt, {"0", "1", "2"}),
       option({"--kind"}, Type::kString, {"a", "b"}), option({"--delay"}, Type::kFloat),
       option({"-m", "--module"}, Type::kStoreTrue), option({"-n"}, Type::kStoreTrue),
       option({"-r", "--redirects"}, Type::kString),
       option({"--nproc-per-node", "--nproc_per_node"}, Type::kString)},
      {"Does it.", {"the script", ""}});
}

constexpr char kReference[] = R"(
import argparse, sys
p = argparse.ArgumentParser(prog="prog", description="Does it.")
h = "says something about itself that is long enough for a line of its own, or two"
p.add_argument("--worker_num", type=int, help=h)
p.add_argument("--log_dir", help=h)
p.add_argument("--local_num", type=int, help=h)
p.add_argument("--level", type=int, choices=[0, 1, 2], help=h)
p.add_argument("--kind", choices=["a", "b"], help=h)
p.add_argument("--delay", type=float, help=h)
p.add_argument("-m", "--module", action="store_true", help=h)
p.add_argument("-n", action="store_true", help=h)
p.add_argument("-r", "--redirects", help=h)
p.add_argument("--nproc-per-node", "--nproc_per_node", help=h)
p.add_argument("script", help="the script")
p.add_argument("script_args", nargs=argparse.REMAINDER)
known = sys.argv[1] == "known"
if known: args, unknown = p.parse_known_args(sys.argv[2:])
else: args, unknown = p.parse_args(sys.argv[2:]), []
for k, v in sorted(vars(args).items()):
    if k not in ("script", "script_args") and v not in (None, False):
        print("%s=%s" % (k, "true" if v is True else v))
print("rest", [args.script] + args.script_args)
print("unknown", unknown)
)";

std::string Quoted(const std::string& word) {
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// What a shell command writes, stdout and stderr together, and "exit N".
std::string OutputOf(const std::string& command) {
  FILE* const pipe = popen((command + " 2>&1; echo exit $?").c_str(), "r");
  std::string output;
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) output.push_back(static_cast<char>(c));
  pclose(pipe);
  return output;
}

std::string Reference(const Words& words, bool known_only, int columns) {
  std::string command = absl::StrCat("COLUMNS=", columns, " python3 -c ", Quoted(kReference), " ",
                                     known_only ? "known" : "all");
  for (const std::string& word : words) absl::StrAppend(&command, " ", Quoted(word));
  return OutputOf(command);
}

std::string List(const Words& words) {
  return absl::StrCat("[",
                      absl::StrJoin(words, ", ",
                                    [](std::string* out, const std::string& word) {
                                      absl::StrAppend(out, "'", word, "'");
                                    }),
                      "]");
}

std::string Ours(const Words& words, bool known_only, int columns) {
  setenv("COLUMNS", absl::StrCat(columns).c_str(), 1);
  const ArgParser parser = Parser();
  const ArgParser::Result result = parser.Parse(words, known_only);
  if (result.error) return *result.error + "exit 2\n";
  if (result.args.help) return parser.Help() + "exit 0\n";
  std::string text;
  for (const auto& [key, value] : result.args.values) absl::StrAppend(&text, key, "=", value, "\n");
  return absl::StrCat(text, "rest ", List(result.args.rest), "\nunknown ",
                      List(result.args.unknown), "\nexit 0\n");
}

const std::vector<Words>& CommandLines() {
  static const auto* const kLines = new std::vector<Words>{
      {},
      {"-h"},
      {"--help"},
      {"--worker_num=3", "x.py"},
      {"--worker_num", "3", "x.py", "--worker_num=9", "-q"},
      {"--worker=3", "x.py"},
      {"--lo=3", "x.py"},
      {"--lo", "3", "x.py"},
      {"--loc=3", "x.py"},
      {"--worker_num=abc", "x.py"},
      {"--worker_num= 1_0 ", "x.py"},
      {"--worker_num", "-5", "x.py"},
      {"--worker_num", "-x", "x.py"},
      {"--worker_num"},
      {"--worker_num", "--", "3", "x.py"},
      {"--worker_num=1", "--worker_num=2", "x.py"},
      {"--", "x.py", "--", "a"},
      {"x.py", "--", "a"},
      {"x.py", "a", "--", "b"},
      {"--nope=1", "x.py"},
      {"--nope", "1", "x.py", "a"},
      {"-x", "-y", "x.py"},
      {"--nope=1"},
      {"--level=1", "x.py"},
      {"--level=7", "x.py"},
      {"--level=x", "x.py"},
      {"--kind=a", "x.py"},
      {"--kind=c'd", "x.py"},
      {"--kind", "", "x.py"},
      {"--delay=1.5", "x.py"},
      {"--delay=soon", "x.py"},
      {"-m", "x.py"},
      {"-mn", "x.py"},
      {"-mnr3", "x.py"},
      {"-mq", "x.py"},
      {"-nq", "x.py"},
      {"--module=1", "x.py"},
      {"-r", "3", "x.py"},
      {"-r3", "x.py"},
      {"-r=3", "x.py"},
      {"--redirects", "0:1,1:2", "x.py"},
      {"--nproc-per-node=2", "x.py"},
      {"--nproc_per_node=2", "x.py"},
      {"-", "a"},
      {"", "a"},
      {"--log_dir=", "x.py"},
      {"--log_dir", "a b", "x.py"},
      {"--log_dir", "-a b", "x.py"},
      {"-1", "x.py"},
      {"--worker_num=abc", "-h"},
      {"-h", "--worker_num=abc"},
  };
  return *kLines;
}

bool HavePython() { return OutputOf("python3 -c 'import argparse'") == "exit 0\n"; }

TEST(ArgParserTest, DoesWhatArgparseDoesWithEachLine) {
  if (!HavePython()) GTEST_SKIP() << "no python3 to compare with";
  for (const Words& words : CommandLines()) {
    for (const bool known_only : {false, true}) {
      EXPECT_EQ(Ours(words, known_only, 80), Reference(words, known_only, 80)) << List(words);
    }
  }
}

TEST(ArgParserTest, WrapsAsArgparseDoesAtAnyWidth) {
  if (!HavePython()) GTEST_SKIP() << "no python3 to compare with";
  for (const int columns : {40, 60, 79, 100, 132, 400}) {
    EXPECT_EQ(Ours({"-h"}, false, columns), Reference({"-h"}, false, columns)) << columns;
  }
}

TEST(ArgParserTest, NamesTheOptionAndTheValue) {
  const ArgParser::Result result = Parser().Parse({"--worker_num=abc", "x.py"}, false);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_TRUE(absl::StartsWith(*result.error, "usage: prog [-h] [--worker_num WORKER_NUM]"));
  EXPECT_TRUE(absl::EndsWith(*result.error,
                             "\nprog: error: argument --worker_num: invalid int value: 'abc'\n"));
}

TEST(ArgParserTest, LeavesTheScriptsOwnWordsAlone) {
  const ArgParser::Result result = Parser().Parse({"x.py", "--lo=1", "--worker_num", "z"}, false);
  EXPECT_EQ(result.error, std::nullopt);
  EXPECT_EQ(result.args.rest, (Words{"x.py", "--lo=1", "--worker_num", "z"}));
  EXPECT_TRUE(result.args.values.empty());
}

TEST(ArgParserTest, TwoSpellingsOfOneOptionAreNoAmbiguity) {
  const ArgParser::Result result = Parser().Parse({"--nproc=2", "x.py"}, false);
  EXPECT_EQ(result.error, std::nullopt);
  EXPECT_EQ(result.args.Get("nproc_per_node"), "2");
}

TEST(ArgParserTest, AsksAConversionOfTheOriginals) {
  ArgSpec spec;
  spec.names = {"--join"};
  spec.check = [](const std::string& text) {
    return text == "True" ? std::nullopt : std::optional<std::string>("no: " + text);
  };
  const ArgParser parser("prog", {"script"}, {spec});
  EXPECT_EQ(parser.Parse({"--join=True", "x"}, false).error, std::nullopt);
  EXPECT_TRUE(absl::StrContains(*parser.Parse({"--join=true", "x"}, false).error,
                                "prog: error: argument --join: no: true"));
}

}  // namespace
}  // namespace muster
