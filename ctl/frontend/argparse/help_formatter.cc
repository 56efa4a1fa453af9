#include "ctl/frontend/argparse/help_formatter.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace muster {
namespace {

constexpr char kPrefix[] = "usage: ";
constexpr int kMaxHelpPosition = 24;

std::string Metavar(const ArgSpec& spec) {
  if (spec.type == ArgSpec::Type::kStoreTrue) return "";
  if (!spec.metavar.empty()) return " " + spec.metavar;
  if (!spec.choices.empty()) return absl::StrCat(" {", absl::StrJoin(spec.choices, ","), "}");
  return absl::StrCat(" ", absl::AsciiStrToUpper(KeyOf(spec)));
}

// Lines of `parts`, each after `indent`; the first one has `taken` columns used already.
std::vector<std::string> Wrap(const std::vector<std::string>& parts, const std::string& indent,
                              size_t taken, size_t width) {
  std::vector<std::string> lines;
  std::vector<std::string> line;
  size_t used = taken - 1;
  for (const std::string& part : parts) {
    if (used + 1 + part.size() > width && !line.empty()) {
      lines.push_back(indent + absl::StrJoin(line, " "));
      line.clear();
      used = indent.size() - 1;
    }
    line.push_back(part);
    used += part.size() + 1;
  }
  if (!line.empty()) lines.push_back(indent + absl::StrJoin(line, " "));
  return lines;
}

std::vector<std::string> WrapWords(const std::string& text, size_t width) {
  const std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  return Wrap(words, "", 1, width + 1);
}

std::vector<std::string> WrappedUsage(const std::string& prog,
                                      const std::vector<std::string>& options,
                                      const std::vector<std::string>& positionals, size_t width) {
  const std::string prefix = kPrefix;
  std::vector<std::string> lines;
  std::vector<std::string> rest;
  if (prefix.size() + prog.size() <= 0.75 * width) {
    const std::string indent(prefix.size() + prog.size() + 1, ' ');
    std::vector<std::string> parts = {prog};
    parts.insert(parts.end(), options.begin(), options.end());
    lines = Wrap(parts, indent, prefix.size(), width);
    lines[0] = lines[0].substr(indent.size());
    rest = Wrap(positionals, indent, indent.size(), width);
  } else {
    const std::string indent(prefix.size(), ' ');
    lines = {prog};
    rest = Wrap(options, indent, indent.size(), width);
    lines.insert(lines.end(), rest.begin(), rest.end());
    rest = Wrap(positionals, indent, indent.size(), width);
  }
  lines.insert(lines.end(), rest.begin(), rest.end());
  return lines;
}

void AddEntry(const std::string& invocation, const std::string& help, size_t position, size_t width,
              std::string* text) {
  const std::string head = "  " + invocation;
  const std::vector<std::string> lines =
      WrapWords(help, std::max<size_t>(width - std::min(width, position), 11));
  absl::StrAppend(text, head);
  size_t next = 0;
  if (!lines.empty() && head.size() + 2 <= position) {
    absl::StrAppend(text, std::string(position - head.size(), ' '), lines[next++]);
  }
  absl::StrAppend(text, "\n");
  for (; next < lines.size(); ++next) {
    absl::StrAppend(text, std::string(position, ' '), lines[next], "\n");
  }
}

std::string Invocation(const ArgSpec& spec) {
  return absl::StrJoin(spec.names, ", ", [&spec](std::string* out, const std::string& name) {
    absl::StrAppend(out, name, Metavar(spec));
  });
}

}  // namespace

int HelpWidth() {
  const char* const text = std::getenv("COLUMNS");
  int columns = text == nullptr ? 0 : std::atoi(text);
  winsize size;
  if (columns <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) columns = size.ws_col;
  return (columns <= 0 ? 80 : columns) - 2;
}

std::string FormatUsage(const std::string& prog, const std::vector<std::string>& positionals,
                        const std::vector<ArgSpec>& specs, int width) {
  std::vector<std::string> options;
  for (const ArgSpec& spec : specs) {
    if (spec.in_usage) options.push_back(absl::StrCat("[", spec.names[0], Metavar(spec), "]"));
  }
  std::vector<std::string> places = positionals;
  if (places.size() > 1) places.back() = "...";
  const std::string line = absl::StrCat(kPrefix, prog, " ", absl::StrJoin(options, " "),
                                        places.empty() ? "" : " ", absl::StrJoin(places, " "));
  if (static_cast<int>(line.size()) <= width) return line + "\n";
  const size_t columns = static_cast<size_t>(std::max(width, 11));
  return absl::StrCat(kPrefix, absl::StrJoin(WrappedUsage(prog, options, places, columns), "\n"),
                      "\n");
}

std::string FormatHelp(const std::string& prog, const std::vector<std::string>& positionals,
                       const std::vector<ArgSpec>& specs, const ArgHelp& help, int width) {
  std::string text = FormatUsage(prog, positionals, specs, width);
  const size_t columns = static_cast<size_t>(std::max(width, 11));
  if (!help.description.empty()) {
    absl::StrAppend(&text, "\n", absl::StrJoin(WrapWords(help.description, columns), "\n"), "\n");
  }
  size_t longest = 0;
  for (const std::string& name : positionals) longest = std::max(longest, name.size() + 2);
  for (const ArgSpec& spec : specs) longest = std::max(longest, Invocation(spec).size() + 2);
  const int limit = std::min(kMaxHelpPosition, std::max(width - 20, 4));
  const size_t position = std::min(longest + 2, static_cast<size_t>(limit));
  if (!positionals.empty()) absl::StrAppend(&text, "\npositional arguments:\n");
  for (size_t i = 0; i < positionals.size(); ++i) {
    AddEntry(positionals[i], i < help.positionals.size() ? help.positionals[i] : "", position,
             columns, &text);
  }
  absl::StrAppend(&text, "\noptions:\n");
  for (const ArgSpec& spec : specs) {
    AddEntry(Invocation(spec), spec.help, position, columns, &text);
  }
  return text;
}

}  // namespace muster
