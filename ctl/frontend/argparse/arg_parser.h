#ifndef MUSTER_CTL_FRONTEND_ARGPARSE_ARG_PARSER_H_
#define MUSTER_CTL_FRONTEND_ARGPARSE_ARG_PARSER_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster {

// One option, as the original declares it.
struct ArgSpec {
  enum class Type { kString, kInt, kFloat, kStoreTrue };
  // "--log_dir", "--log-dir", "-r". The first long one, without dashes and with '_' for '-', is the
  // option's key.
  std::vector<std::string> names;
  Type type = Type::kString;
  std::vector<std::string> choices;  // Empty: any value.
  std::string metavar;               // Empty: the key in capitals.
  std::string help;
  bool in_usage = true;  // False: one of our own, which the original's usage lines do not have.
  // A conversion of the original's own: what is wrong with `text`, or nothing.
  std::function<std::optional<std::string>(const std::string& text)> check;
};

// What a command line gave.
struct ParsedArgs {
  // By key: "log_dir". The last one wins. Numbers are written plainly (" 1_0" is "10"), a
  // kStoreTrue is "true".
  std::map<std::string, std::string> values;
  std::vector<std::string> rest;     // From the first positional on, untouched.
  std::vector<std::string> unknown;  // Options nobody declared, in their order.
  bool help = false;

  bool Has(const std::string& key) const { return values.count(key) > 0; }
  std::string Get(const std::string& key, const std::string& otherwise = "") const;
  // Of a kInt option: cannot fail. What no int can hold becomes the nearest one that it can.
  int GetInt(const std::string& key, int otherwise) const;
  double GetFloat(const std::string& key, double otherwise) const;  // Of a kFloat option.
};

// What `--help` shows besides the options.
struct ArgHelp {
  std::string description;
  std::vector<std::string> positionals;  // One line for each positional.
};

// Python's argparse (3.11), as far as launchers use it: options before one positional whose
// remainder is the script's; `--flag=v`, `--flag v`, unique prefixes; the same usage errors word
// for word. Kept by hand: no library takes a command line apart by argparse's rules.
//
// Two differences, as in later Pythons: what follows the script is never looked at, so that a
// script's own option may begin as two of ours do; and two spellings of one option are one match.
class ArgParser {
 public:
  // `prog` heads usage lines; `positionals` are named in them: {"task_script", "task_script_args"}.
  ArgParser(std::string prog, std::vector<std::string> positionals, std::vector<ArgSpec> specs,
            ArgHelp help = {});

  struct Result {
    ParsedArgs args;
    // Set on a usage error: what argparse writes to stderr, and its exit status, 2.
    std::optional<std::string> error;
  };
  // `words` without the program's name. `known_only`: parse_known_args(), which leaves options that
  // it does not know in `unknown` and goes on.
  Result Parse(const std::vector<std::string>& words, bool known_only) const;

  std::string Usage() const;  // "usage: msrun [-h] [--worker_num WORKER_NUM] …\n".
  std::string Help() const;
  // What argparse's error() writes: the usage and "msrun: error: `message`".
  std::string ErrorText(const std::string& message) const;

 private:
  const std::string prog_;
  const std::vector<std::string> positionals_;
  const std::vector<ArgSpec> specs_;  // "-h" first, as argparse has it.
  const ArgHelp help_;
};

// The key of `spec`: argparse's `dest`.
std::string KeyOf(const ArgSpec& spec);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ARGPARSE_ARG_PARSER_H_
