#include "agent/device/hccn.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/device/program_output.h"
#include "common/base/fs.h"

namespace muster {

std::map<int, std::string> ParseHccnConf(absl::string_view text) {
  std::map<int, std::string> addresses;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!absl::ConsumePrefix(&line, "address_")) continue;
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    const absl::string_view address = absl::StripAsciiWhitespace(halves.second);
    int number = 0;
    if (absl::SimpleAtoi(halves.first, &number) && number >= 0 && !address.empty()) {
      addresses[number] = std::string(address);
    }
  }
  return addresses;
}

std::string ParseHccnTool(absl::string_view output) {
  for (absl::string_view line : absl::StrSplit(output, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (absl::ConsumePrefix(&line, "ipaddr:")) {
      return std::string(absl::StripAsciiWhitespace(line));
    }
  }
  return "";
}

std::map<int, std::string> DeviceAddresses::Read(const std::vector<int>& numbers) {
  const auto conf = ReadFile(absl::StrCat(options_.root, "/etc/hccn.conf"));
  std::map<int, std::string> listed;
  if (conf.ok()) listed = ParseHccnConf(*conf);
  std::map<int, std::string> addresses;
  for (const int number : numbers) {
    if (const auto found = listed.find(number); found != listed.end()) {
      addresses.insert(*found);
      continue;
    }
    if (ask_ && said_.count(number) == 0) {
      const auto output =
          ProgramOutput({options_.tool, "-i", absl::StrCat(number), "-ip", "-g"}, options_.timeout);
      ask_ = output.ok();
      if (output.ok()) said_[number] = ParseHccnTool(*output);
    }
    const auto said = said_.find(number);
    if (said != said_.end() && !said->second.empty()) addresses.insert(*said);
  }
  return addresses;
}

}  // namespace muster
