#include "ctl/cli/flags.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/rpc/error_details.h"
#include "ctl/spec/nearest.h"

namespace muster {
namespace {

std::string Normal(absl::string_view name) { return absl::StrReplaceAll(name, {{"-", "_"}}); }

absl::Status BadValue(const FlagSpec& spec, absl::string_view value, absl::string_view expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(ShownFlag(spec.name), ": '", value, "' is not ", expected));
}

absl::Status NoValue(const FlagSpec& spec) {
  return absl::InvalidArgumentError(absl::StrCat(
      ShownFlag(spec.name), " needs a value: ", ShownFlag(spec.name), "=", spec.value));
}

}  // namespace

std::string ShownFlag(absl::string_view name) {
  return absl::StrCat("--", absl::StrReplaceAll(name, {{"_", "-"}}));
}

absl::StatusOr<absl::Duration> ParseFlagDuration(absl::string_view text) {
  double seconds = 0;
  absl::Duration duration;
  if (absl::SimpleAtod(text, &seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &duration)) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not a duration"));
  }
  if (duration < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is negative"));
  }
  return duration;
}

bool Flags::Bool(const std::string& name, bool otherwise) const {
  const auto it = values_.find(name);
  return it == values_.end() ? otherwise : it->second.back() == "true";
}

std::string Flags::String(const std::string& name, const std::string& otherwise) const {
  const auto it = values_.find(name);
  return it == values_.end() ? otherwise : it->second.back();
}

int64_t Flags::Int(const std::string& name, int64_t otherwise) const {
  int64_t value = otherwise;
  const auto it = values_.find(name);
  if (it != values_.end() && !absl::SimpleAtoi(it->second.back(), &value)) return otherwise;
  return value;
}

absl::Duration Flags::Duration(const std::string& name, absl::Duration otherwise) const {
  const auto it = values_.find(name);
  return it == values_.end() ? otherwise : ParseFlagDuration(it->second.back()).value_or(otherwise);
}

std::vector<std::string> Flags::List(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>() : it->second;
}

absl::Status Flags::Set(const FlagSpec& spec, const std::string& value) {
  std::string kept = value;
  bool truth = false;
  int64_t number = 0;
  switch (spec.type) {
    case FlagType::kBool:
      if (!absl::SimpleAtob(value, &truth)) return BadValue(spec, value, "true or false");
      kept = truth ? "true" : "false";
      break;
    case FlagType::kInt:
      if (!absl::SimpleAtoi(value, &number)) return BadValue(spec, value, "a number");
      if (number < 0) return BadValue(spec, value, "a number of at least 0");
      break;
    case FlagType::kDuration:
      if (!ParseFlagDuration(value).ok()) {
        return BadValue(spec, value, "a duration such as 500ms, 30s or 1h30m");
      }
      break;
    case FlagType::kChoice: {
      const std::vector<std::string> choices = absl::StrSplit(spec.value, '|');
      if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
        return BadValue(spec, value, absl::StrCat("one of ", absl::StrJoin(choices, ", ")));
      }
      break;
    }
    case FlagType::kString:
    case FlagType::kList:
      break;
  }
  values_[spec.name].push_back(kept);
  return absl::OkStatus();
}

absl::Status FlagParser::Parse(const std::vector<std::string>& words, Flags* flags,
                               std::vector<std::string>* arguments) const {
  for (size_t at = 0; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (word == "--") {
      arguments->insert(arguments->end(), words.begin() + static_cast<long>(at) + 1, words.end());
      return absl::OkStatus();
    }
    if (word.size() > 2 && word[0] == '-' && word[1] == '-') {
      MUSTER_RETURN_IF_ERROR(ParseLong(words, &at, flags));
    } else if (word.size() > 1 && word[0] == '-') {
      MUSTER_RETURN_IF_ERROR(ParseShort(words, &at, flags));
    } else if (first_argument_ends_) {
      arguments->insert(arguments->end(), words.begin() + static_cast<long>(at), words.end());
      return absl::OkStatus();
    } else {
      arguments->push_back(word);
    }
  }
  return absl::OkStatus();
}

absl::Status FlagParser::ParseLong(const std::vector<std::string>& words, size_t* at,
                                   Flags* flags) const {
  const std::pair<std::string, std::string> halves =
      absl::StrSplit(words[*at].substr(2), absl::MaxSplits('=', 1));
  const bool has_value = words[*at].find('=') != std::string::npos;
  const std::string name = Normal(halves.first);
  const FlagSpec* spec = Find(name);
  if (spec == nullptr && name.rfind("no_", 0) == 0 && !has_value) {
    spec = Find(name.substr(3));
    if (spec != nullptr && spec->type == FlagType::kBool) return flags->Set(*spec, "false");
    spec = nullptr;
  }
  if (spec == nullptr) return Unknown(absl::StrCat("--", halves.first), name);
  if (has_value) return flags->Set(*spec, halves.second);
  if (spec->type == FlagType::kBool) return flags->Set(*spec, "true");
  if (*at + 1 >= words.size()) return NoValue(*spec);
  return flags->Set(*spec, words[++*at]);
}

absl::Status FlagParser::ParseShort(const std::vector<std::string>& words, size_t* at,
                                    Flags* flags) const {
  const std::string word = words[*at];
  for (size_t i = 1; i < word.size(); ++i) {
    const FlagSpec* spec = FindShort(word[i]);
    if (spec == nullptr) {
      // "-rank" was meant as "--rank".
      const std::string name = Normal(word.substr(1, word.find('=') - 1));
      return Unknown(i == 1 && word.size() > 2 ? word : std::string("-") + word[i], name);
    }
    if (spec->type == FlagType::kBool) {
      MUSTER_RETURN_IF_ERROR(flags->Set(*spec, "true"));
      continue;
    }
    std::string value = word.substr(i + 1);
    if (!value.empty() && value[0] == '=') value.erase(0, 1);
    if (!value.empty()) return flags->Set(*spec, value);
    if (*at + 1 >= words.size()) return NoValue(*spec);
    return flags->Set(*spec, words[++*at]);
  }
  return absl::OkStatus();
}

const FlagSpec* FlagParser::Find(const std::string& name) const {
  for (const FlagSpec& spec : specs_) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

const FlagSpec* FlagParser::FindShort(char name) const {
  for (const FlagSpec& spec : specs_) {
    if (spec.short_name == name) return &spec;
  }
  return nullptr;
}

absl::Status FlagParser::Unknown(const std::string& shown, const std::string& name) const {
  std::vector<std::string> names;
  for (const FlagSpec& spec : specs_) names.push_back(spec.name);
  const std::string nearest = NearestOf(name, names);
  const absl::Status status = absl::InvalidArgumentError(absl::StrCat("unknown flag ", shown));
  return WithDetail(status, "UNKNOWN_FLAG", "",
                    nearest.empty() ? "" : absl::StrCat("did you mean ", ShownFlag(nearest), "?"));
}

}  // namespace muster
