#include "ctl/spec/spec_loader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "common/job/job_check.h"
#include "common/job/job_names.h"
#include "ctl/spec/message_reader.h"
#include "ctl/spec/source_excerpt.h"
#include "ctl/spec/yaml_value.h"
#include "launch/registry.h"

namespace muster {
namespace {

constexpr char kRoot[] = "job";

// All of the file, but no more than the limit and one byte: enough to see that it is too large.
absl::StatusOr<std::string> ReadBounded(int fd, const std::string& name) {
  std::string bytes(kMaxJobFileBytes + 1, '\0');
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t n = read(fd, &bytes[size], bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, name);
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  bytes.resize(size);
  return bytes;
}

absl::StatusOr<std::string> CurrentDir(const LoadOptions& options) {
  if (!options.current_dir.empty()) return options.current_dir;
  std::error_code error;
  const std::filesystem::path current = std::filesystem::current_path(error);
  if (error) return ErrnoStatus(error.value(), "the current directory");
  return current.string();
}

std::string ResolveWorkdir(const std::string& current_dir, const std::string& workdir) {
  if (workdir.empty()) return current_dir;
  return std::filesystem::path(JoinPath(current_dir, workdir)).lexically_normal().string();
}

absl::Status Refuse(const std::string& file_name, absl::string_view text,
                    std::vector<SourceFault> faults) {
  return absl::InvalidArgumentError(FormatFaults(file_name, text, std::move(faults)));
}

// The file's name without folder and extension; standard input has none.
std::string NameOfFile(const std::string& file_name) {
  const std::string stem = std::filesystem::path(file_name).stem().string();
  return stem.empty() || file_name == kStdinName ? "" : JobNameFrom(stem);
}

// Collects what is wrong with a spec that was read, beside what could not be read of it.
// Short-lived.
class ValueFaults {
 public:
  ValueFaults(const MessageReader& reader, std::vector<SourceFault>* faults)
      : reader_(reader), form_faults_(faults->size()), faults_(faults) {}

  // False: numbers that a contract computes with are out of their bounds.
  bool AddJobFaults(const v1::JobSpec& spec);
  void AddContractFault(const absl::Status& status);

 private:
  // What could not be read is absent in the spec: a fault that may come of that alone is not told.
  bool MayComeOfAbsence(const std::string& path, absl::string_view reason) const;
  // Whether one of the first `among` faults is there already: it says why the value is no good.
  bool IsTold(const SourcePlace& place, size_t among) const;

  const MessageReader& reader_;
  const size_t form_faults_;
  std::vector<SourceFault>* const faults_;
};

bool ValueFaults::AddJobFaults(const v1::JobSpec& spec) {
  bool sound = true;
  for (JobFault& fault : FindJobFaults(spec)) {
    const std::string& path = fault.detail.field_path();
    for (const char* shape : {"job.nodes", "job.ranks_per_node", "job.roles", "job.devices_per_"}) {
      if (absl::StartsWith(path, shape)) sound = false;
    }
    const SourcePlace place = reader_.PlaceOf(path);
    if (IsTold(place, form_faults_) || MayComeOfAbsence(path, fault.detail.reason())) continue;
    faults_->push_back({place, std::move(fault.message), fault.detail.hint()});
  }
  return sound;
}

// A contract's refusal reads "field: cause; what to do" (launch/contract.h).
void ValueFaults::AddContractFault(const absl::Status& status) {
  const absl::string_view message = status.message();
  const size_t colon = message.find(": ");
  if (colon == absl::string_view::npos) return faults_->push_back({{}, std::string(message), ""});
  const std::string path = absl::StrCat(kRoot, ".", message.substr(0, colon));
  const SourcePlace place = reader_.PlaceOf(path);
  if (IsTold(place, faults_->size()) || MayComeOfAbsence(path, "")) return;
  const absl::string_view text = message.substr(colon + 2);
  const size_t semicolon = text.rfind("; ");
  const bool has_help = semicolon != absl::string_view::npos;
  faults_->push_back({place, std::string(text.substr(0, semicolon)),
                      has_help ? std::string(text.substr(semicolon + 2)) : ""});
}

bool ValueFaults::MayComeOfAbsence(const std::string& path, absl::string_view reason) const {
  if (form_faults_ == 0) return false;
  return !reader_.IsWritten(path) || reason == "MISSING" || reason == "NO_SUCH_ROLE" ||
         reason == "NO_SUCH_RANK";
}

bool ValueFaults::IsTold(const SourcePlace& place, size_t among) const {
  const auto end = faults_->begin() + static_cast<long>(among);
  return std::any_of(faults_->begin(), end, [&](const SourceFault& fault) {
    return fault.place.line == place.line && fault.place.column == place.column;
  });
}

}  // namespace

absl::StatusOr<v1::JobSpec> LoadJobFile(const std::string& path, const LoadOptions& options) {
  if (path == "-") {
    MUSTER_ASSIGN_OR_RETURN(const std::string text, ReadBounded(STDIN_FILENO, kStdinName));
    return LoadJobText(text, kStdinName, options);
  }
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  MUSTER_ASSIGN_OR_RETURN(const std::string text, ReadBounded(fd.get(), path));
  return LoadJobText(text, path, options);
}

absl::StatusOr<v1::JobSpec> LoadJobText(absl::string_view text, const std::string& file_name,
                                        const LoadOptions& options) {
  if (text.size() > kMaxJobFileBytes) {
    const SourcePlace place = PlaceOfOffset(text, kMaxJobFileBytes);
    return Refuse(file_name, text,
                  {{place, absl::StrCat("the file is larger than ", kMaxJobFileBytes, " bytes"),
                    "is it a job file at all? Put data into files of its own"}});
  }
  YamlValue root;
  SourceFault fault;
  if (!ParseYaml(text, &root, &fault)) return Refuse(file_name, text, {fault});

  v1::JobSpec spec;
  MessageReader reader(kRoot);
  reader.Read(root, &spec);
  std::vector<SourceFault> faults = reader.faults();
  if (spec.name().empty()) spec.set_name(NameOfFile(file_name));
  MUSTER_ASSIGN_OR_RETURN(const std::string current_dir, CurrentDir(options));
  spec.set_workdir(ResolveWorkdir(current_dir, spec.workdir()));
  ValueFaults values(reader, &faults);
  absl::Status contract;
  if (values.AddJobFaults(spec)) {
    CompleteSpec(&spec);
    contract = CheckContract(spec);
  } else if (!spec.contract().empty()) {
    contract = FindContract(spec.contract()).status();
  }
  if (!contract.ok()) values.AddContractFault(contract);
  if (!faults.empty()) return Refuse(file_name, text, std::move(faults));
  return spec;
}

}  // namespace muster
