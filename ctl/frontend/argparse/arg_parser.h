#ifndef MUSTER_CTL_FRONTEND_ARGPARSE_ARG_PARSER_H_
#define MUSTER_CTL_FRONTEND_ARGPARSE_ARG_PARSER_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster {

// One option, as the original declares it.
struct ArgSpec {
  enum class Type { kString, kInt, kFloat, kStoreTrue };
  std::vector<std::string> names;  // "--log_dir", "--log-dir", "-r": the first long one is its key.
  Type type = Type::kString;
  std::vector<std::string> choices;  // Empty: any value.
  std::string metavar;               // Empty: the key in capitals.
  std::string help;
};

// What a command line gave.
struct ParsedArgs {
  std::map<std::string, std::string> values;  // By key without dashes: "log_dir". Last one wins.
  std::vector<std::string> rest;              // From the first positional on, untouched.
  std::vector<std::string> unknown;           // Options nobody declared, in their order.
  bool help = false;

  bool Has(const std::string& key) const { return values.count(key) > 0; }
  std::string Get(const std::string& key, const std::string& otherwise = "") const;
  int GetInt(const std::string& key, int otherwise) const;  // Of a kInt option: cannot fail.
};

// Python's argparse, as far as launchers use it: options before one positional whose remainder is
// the script's; `--flag=v`, `--flag v`, unique prefixes; the same usage errors word for word. Kept
// by hand: no library takes a command line apart by argparse's rules.
class ArgParser {
 public:
  // `prog` heads usage lines; `positionals` are named in them: {"task_script", "task_script_args"}.
  ArgParser(std::string prog, std::vector<std::string> positionals, std::vector<ArgSpec> specs);

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

 private:
  const std::string prog_;
  const std::vector<std::string> positionals_;
  const std::vector<ArgSpec> specs_;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ARGPARSE_ARG_PARSER_H_
