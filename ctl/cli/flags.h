// msctl's own flag layer: one table per verb drives parsing, help and suggestions. gflags has one
// flat namespace, no verbs, and cannot print help by verb (docs/msctl.md).
#ifndef MUSTER_CTL_CLI_FLAGS_H_
#define MUSTER_CTL_CLI_FLAGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster {

enum class FlagType {
  kBool,  // --follow, --no-follow, --follow=false.
  kString,
  kInt,
  kDuration,  // 500ms, 30s, 1h30m; a bare number is seconds.
  kChoice,    // One of the words of FlagSpec::value, separated by '|'.
  kList,      // A string that may be given several times.
};

// One flag, as it stands in a verb's table.
struct FlagSpec {
  std::string name;     // With underscores; users may write dashes.
  char short_name = 0;  // 0: none.
  FlagType type = FlagType::kBool;
  std::string value;  // What help shows for the value: "FILE", "table|json".
  std::string help;
};

// What was given on one command line. Values were checked against their types.
class Flags {
 public:
  bool Has(const std::string& name) const { return values_.count(name) > 0; }
  bool Bool(const std::string& name, bool otherwise = false) const;
  std::string String(const std::string& name, const std::string& otherwise = "") const;
  int64_t Int(const std::string& name, int64_t otherwise) const;
  absl::Duration Duration(const std::string& name, absl::Duration otherwise) const;
  std::vector<std::string> List(const std::string& name) const;

  // Checks `value` against `spec`, and keeps it. INVALID_ARGUMENT says what was expected.
  absl::Status Set(const FlagSpec& spec, const std::string& value);

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

// Splits command lines into flags and arguments.
class FlagParser {
 public:
  // `specs` must outlive the parser. `first_argument_ends`: everything from the first argument on
  // is an argument ('run' hands it to the command).
  FlagParser(const std::vector<FlagSpec>& specs, bool first_argument_ends)
      : specs_(specs), first_argument_ends_(first_argument_ends) {}

  // INVALID_ARGUMENT with the nearest flag as its hint (error details).
  absl::Status Parse(const std::vector<std::string>& words, Flags* flags,
                     std::vector<std::string>* arguments) const;

 private:
  // Each takes words[*at], and words[*at + 1] where that is the value; leaves *at on the last.
  absl::Status ParseLong(const std::vector<std::string>& words, size_t* at, Flags* flags) const;
  absl::Status ParseShort(const std::vector<std::string>& words, size_t* at, Flags* flags) const;
  const FlagSpec* Find(const std::string& name) const;
  const FlagSpec* FindShort(char name) const;
  absl::Status Unknown(const std::string& shown, const std::string& name) const;

  const std::vector<FlagSpec>& specs_;
  const bool first_argument_ends_;
};

// "--max-size": as users see a flag.
std::string ShownFlag(absl::string_view name);

absl::StatusOr<absl::Duration> ParseFlagDuration(absl::string_view text);

}  // namespace muster

#endif  // MUSTER_CTL_CLI_FLAGS_H_
