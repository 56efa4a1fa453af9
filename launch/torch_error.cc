#include "launch/torch_error.h"

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/fs.h"

namespace muster {
namespace {

constexpr size_t kMaxLine = 300;

std::string FirstLine(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  text = text.substr(0, text.find('\n'));
  std::string line;
  for (const char c : text.substr(0, kMaxLine)) {
    line.push_back(absl::ascii_iscntrl(static_cast<unsigned char>(c)) ? ' ' : c);
  }
  if (text.size() <= kMaxLine) return line;
  while (!line.empty() && (line.back() & 0xC0) == 0x80) line.pop_back();  // Whole characters only.
  if (!line.empty() && (line.back() & 0x80) != 0) line.pop_back();
  return line + "…";
}

}  // namespace

std::string TorchErrorFile(absl::string_view gang_dir, int global_rank) {
  return JoinPath(gang_dir, absl::StrCat("torch-error-", global_rank, ".json"));
}

std::string TorchErrorMessage(const std::string& bytes) {
  const auto json = nlohmann::json::parse(bytes, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return "";
  const auto outer = json.find("message");
  if (outer == json.end()) return "";
  if (outer->is_string()) return FirstLine(outer->get<std::string>());
  if (!outer->is_object()) return "";
  // As `record` writes it: {"message": {"message": …, "extraInfo": {…}}}.
  const auto inner = outer->find("message");
  if (inner == outer->end() || !inner->is_string()) return "";
  return FirstLine(inner->get<std::string>());
}

}  // namespace muster
