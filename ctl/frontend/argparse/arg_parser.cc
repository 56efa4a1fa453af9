#include "ctl/frontend/argparse/arg_parser.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "ctl/frontend/argparse/help_formatter.h"
#include "ctl/frontend/argparse/python_text.h"

namespace muster {
namespace {

using Type = ArgSpec::Type;

std::vector<ArgSpec> WithHelp(std::vector<ArgSpec> specs) {
  ArgSpec help;
  help.names = {"-h", "--help"};
  help.type = Type::kStoreTrue;
  help.help = "show this help message and exit";
  specs.insert(specs.begin(), std::move(help));
  return specs;
}

// An option as it stands in a command line.
struct Match {
  const ArgSpec* spec = nullptr;  // nullptr: nobody declared it.
  std::string name;
  std::optional<std::string> value;  // After '=', or glued to a short option.
};

// What one word is, by argparse's _parse_optional().
struct Word {
  enum class Kind { kArgument, kOption, kAmbiguous };
  Kind kind = Kind::kArgument;
  Match match;
  std::vector<std::string> candidates;
};

// As argparse's _negative_number_matcher: no launcher has options that look like numbers.
bool LooksNegative(const std::string& word) {
  const std::string digits = word.substr(1);
  const size_t dot = digits.find('.');
  const std::string tail = dot == std::string::npos ? digits : digits.substr(dot + 1);
  const std::string head = dot == std::string::npos ? "" : digits.substr(0, dot);
  return !tail.empty() && std::all_of(tail.begin(), tail.end(), absl::ascii_isdigit) &&
         std::all_of(head.begin(), head.end(), absl::ascii_isdigit);
}

class Parsing {
 public:
  Parsing(const std::vector<ArgSpec>& specs, const std::vector<std::string>& words)
      : specs_(specs), words_(words) {}

  // Fills in `args`; returns what is wrong, if anything.
  std::optional<std::string> Run(ParsedArgs* args) {
    args_ = args;
    for (next_ = 0; next_ < words_.size();) {
      if (words_[next_] == "--") return Rest(next_ + 1, /*literal=*/true);
      const Word word = Classify(words_[next_]);
      if (word.kind == Word::Kind::kArgument) return Rest(next_, /*literal=*/false);
      std::optional<std::string> wrong = Option(word);
      if (wrong || args_->help) return wrong;
    }
    return std::nullopt;
  }

 private:
  // `literal`: an earlier "--" has made arguments of all words.
  std::optional<std::string> Rest(size_t from, bool literal) {
    args_->rest.assign(words_.begin() + static_cast<ptrdiff_t>(from), words_.end());
    // A "--" right behind the script is argparse's, not the script's.
    if (!literal && args_->rest.size() > 1 && args_->rest[1] == "--") {
      args_->rest.erase(args_->rest.begin() + 1);
    }
    return std::nullopt;
  }

  const ArgSpec* Find(const std::string& name) const {
    for (const ArgSpec& spec : specs_) {
      if (std::find(spec.names.begin(), spec.names.end(), name) != spec.names.end()) return &spec;
    }
    return nullptr;
  }

  Word Classify(const std::string& word) const {
    Word result;
    if (word.size() < 2 || word[0] != '-') return result;
    const size_t equals = word.find('=');
    const std::string head = word.substr(0, equals);
    const std::optional<std::string> value =
        equals == std::string::npos ? std::nullopt
                                    : std::optional<std::string>(word.substr(equals + 1));
    if (const ArgSpec* spec = Find(word)) {
      return {Word::Kind::kOption, {spec, word, std::nullopt}, {}};
    }
    if (value && Find(head) != nullptr) return {Word::Kind::kOption, {Find(head), head, value}, {}};
    const std::vector<Match> matches = Prefixed(word, head, value);
    if (matches.size() == 1) return {Word::Kind::kOption, matches[0], {}};
    for (const Match& match : matches) result.candidates.push_back(match.name);
    if (!matches.empty()) result.kind = Word::Kind::kAmbiguous;
    if (!matches.empty() || LooksNegative(word) || absl::StrContains(word, ' ')) return result;
    return {Word::Kind::kOption, {nullptr, word, std::nullopt}, {}};
  }

  std::vector<Match> Prefixed(const std::string& word, const std::string& head,
                              const std::optional<std::string>& value) const {
    std::vector<Match> matches;
    const bool is_long = word[1] == '-';
    for (const ArgSpec& spec : specs_) {
      for (const std::string& name : spec.names) {
        if (is_long && absl::StartsWith(name, head)) {
          // Two spellings of one option are one match, as in later Pythons.
          if (!matches.empty() && matches.back().spec == &spec) continue;
          matches.push_back({&spec, name, value});
        } else if (!is_long && name == word.substr(0, 2)) {
          matches.push_back({&spec, name, word.substr(2)});
        } else if (!is_long && absl::StartsWith(name, word)) {
          matches.push_back({&spec, name, std::nullopt});
        }
      }
    }
    return matches;
  }

  std::optional<std::string> Option(const Word& word) {
    if (word.kind == Word::Kind::kAmbiguous) return Ambiguous(words_[next_], word);
    Match match = word.match;
    if (match.spec == nullptr) {
      args_->unknown.push_back(words_[next_++]);
      return std::nullopt;
    }
    std::vector<const ArgSpec*> flags;  // Of a cluster of short options: "-xyz".
    while (match.spec->type == Type::kStoreTrue) {
      flags.push_back(match.spec);
      if (!match.value) break;
      const std::string ignored =
          Complaint(*match.spec, "ignored explicit argument " + PyRepr(*match.value));
      if (match.name[1] == '-' || match.value->empty()) return ignored;
      match.name = absl::StrCat("-", match.value->substr(0, 1));
      match.spec = Find(match.name);
      if (match.spec == nullptr) return ignored;
      match.value = match.value->size() > 1 ? std::optional<std::string>(match.value->substr(1))
                                            : std::nullopt;
    }
    std::optional<std::string> text = match.value;
    size_t used = 1;
    if (match.spec->type != Type::kStoreTrue && !text) {
      if (std::optional<std::string> wrong = NextArgument(*match.spec, &text)) return wrong;
      used = 2;
    }
    next_ += used;
    for (const ArgSpec* flag : flags) SetFlag(*flag);
    if (match.spec->type == Type::kStoreTrue) return std::nullopt;
    return Store(*match.spec, *text);
  }

  std::optional<std::string> NextArgument(const ArgSpec& spec, std::optional<std::string>* text) {
    const size_t at = next_ + 1;
    if (at < words_.size() && words_[at] != "--") {
      const Word word = Classify(words_[at]);
      if (word.kind == Word::Kind::kAmbiguous) return Ambiguous(words_[at], word);
      if (word.kind == Word::Kind::kArgument) {
        *text = words_[at];
        return std::nullopt;
      }
    }
    return Complaint(spec, "expected one argument");
  }

  void SetFlag(const ArgSpec& spec) {
    if (&spec == &specs_[0]) args_->help = true;
    args_->values[KeyOf(spec)] = "true";
  }

  std::optional<std::string> Store(const ArgSpec& spec, const std::string& text) {
    std::string value = text;
    if (spec.type == Type::kInt) {
      const std::optional<std::string> digits = PyInt(text);
      if (!digits) return Complaint(spec, "invalid int value: " + PyRepr(text));
      value = *digits;
    } else if (spec.type == Type::kFloat && !PyFloat(text)) {
      return Complaint(spec, "invalid float value: " + PyRepr(text));
    }
    if (spec.check != nullptr) {
      const std::optional<std::string> wrong = spec.check(text);
      if (wrong) return Complaint(spec, *wrong);
    }
    const std::vector<std::string>& choices = spec.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
      const auto written = [&spec](const std::string& choice) {
        return spec.type == Type::kString ? PyRepr(choice) : choice;
      };
      return Complaint(
          spec, absl::StrCat("invalid choice: ", written(value), " (choose from ",
                             absl::StrJoin(choices, ", ",
                                           [&written](std::string* out, const std::string& choice) {
                                             out->append(written(choice));
                                           }),
                             ")"));
    }
    args_->values[KeyOf(spec)] = std::move(value);
    return std::nullopt;
  }

  static std::string Complaint(const ArgSpec& spec, const std::string& what) {
    return absl::StrCat("argument ", absl::StrJoin(spec.names, "/"), ": ", what);
  }
  static std::string Ambiguous(const std::string& text, const Word& word) {
    return absl::StrCat("ambiguous option: ", text, " could match ",
                        absl::StrJoin(word.candidates, ", "));
  }

  const std::vector<ArgSpec>& specs_;
  const std::vector<std::string>& words_;
  ParsedArgs* args_ = nullptr;
  size_t next_ = 0;
};

}  // namespace

std::string KeyOf(const ArgSpec& spec) {
  const auto is_long = [](const std::string& name) { return absl::StartsWith(name, "--"); };
  const auto first_long = std::find_if(spec.names.begin(), spec.names.end(), is_long);
  const std::string& name = first_long == spec.names.end() ? spec.names[0] : *first_long;
  return absl::StrReplaceAll(name.substr(name.find_first_not_of('-')), {{"-", "_"}});
}

std::string ParsedArgs::Get(const std::string& key, const std::string& otherwise) const {
  const auto found = values.find(key);
  return found == values.end() ? otherwise : found->second;
}

int ParsedArgs::GetInt(const std::string& key, int otherwise) const {
  return Has(key) ? ClampToInt(values.at(key)) : otherwise;
}

double ParsedArgs::GetFloat(const std::string& key, double otherwise) const {
  return Has(key) ? PyFloat(values.at(key)).value_or(otherwise) : otherwise;
}

ArgParser::ArgParser(std::string prog, std::vector<std::string> positionals,
                     std::vector<ArgSpec> specs, ArgHelp help)
    : prog_(std::move(prog)),
      positionals_(std::move(positionals)),
      specs_(WithHelp(std::move(specs))),
      help_(std::move(help)) {}

ArgParser::Result ArgParser::Parse(const std::vector<std::string>& words, bool known_only) const {
  Result result;
  std::optional<std::string> wrong = Parsing(specs_, words).Run(&result.args);
  if (result.args.help) return result;
  if (!wrong && result.args.rest.empty() && !positionals_.empty()) {
    wrong =
        absl::StrCat("the following arguments are required: ", absl::StrJoin(positionals_, ", "));
  }
  if (!wrong && !known_only && !result.args.unknown.empty()) {
    wrong = absl::StrCat("unrecognized arguments: ", absl::StrJoin(result.args.unknown, " "));
  }
  if (wrong) result.error = ErrorText(*wrong);
  return result;
}

std::string ArgParser::Usage() const {
  return FormatUsage(prog_, positionals_, specs_, HelpWidth());
}

std::string ArgParser::Help() const {
  return FormatHelp(prog_, positionals_, specs_, help_, HelpWidth());
}

std::string ArgParser::ErrorText(const std::string& message) const {
  return absl::StrCat(Usage(), prog_, ": error: ", message, "\n");
}

}  // namespace muster
