#include "launch/device_support.h"

#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/job/job_defaults.h"

namespace muster {
namespace {

constexpr absl::string_view kCpu = "cpu";
constexpr absl::string_view kKinds[] = {kCpu, "nvidia", "ascend", "xpu", "mlu", "ipu"};
constexpr size_t kOther = std::size(kKinds);  // Column of the kinds that an operator named.

struct Row {
  absl::string_view contract;
  absl::string_view mode;  // "*": any.
  bool runs_on[kOther + 1];
  absl::string_view reason;  // Why it does not run on the others, and what to use.
};

// clang-format off
constexpr Row kRows[] = {
    //                           cpu nvidia ascend xpu mlu ipu other
    {"plain",             "*",  {  1,     1,     1,  1,  1,  1,   1}, ""},
    {"torch",             "*",  {  1,     1,     1,  1,  1,  1,   1}, ""},
    {"mindspore",         "*",  {  1,     1,     1,  0,  0,  0,   0},
     "MindSpore runs on nvidia, ascend and CPUs; use one of these"},
    {"rank_table",        "*",  {  0,     0,     1,  0,  0,  0,   0},
     "a rank table lists the addresses of Ascend devices; use ascend, or contract mindspore"},
    {"mpi",       "mindspore",  {  0,     1,     1,  0,  0,  0,   0},
     "MindSpore has no mpirun start on CPUs; use nvidia or ascend, or contract mindspore"},
    {"mpi",               "*",  {  1,     1,     1,  1,  1,  1,   1}, ""},
    {"paddle_collective", "*",  {  1,     1,     1,  1,  1,  1,   1}, ""},
    {"paddle_ps",         "*",  {  1,     1,     0,  1,  0,  0,   0},
     "Paddle's parameter servers have CPU, GPU and XPU trainers; use nvidia, xpu or no device"},
    {"paddle_heter",      "*",  {  1,     1,     0,  1,  0,  0,   0},
     "Paddle's heterogeneous stages are CPU, GPU and XPU; use nvidia, xpu or no device"},
    {"paddle_rpc",        "*",  {  1,     1,     1,  1,  1,  1,   1}, ""},
    // poprun finds the IPUs through the V-IPU server: a host need not hold any.
    {"paddle_ipu",        "*",  {  1,     0,     0,  0,  0,  1,   0},
     "poprun starts IPU programs; use ipu, or no device"},
};
// clang-format on

size_t ColumnOf(absl::string_view kind) {
  for (size_t i = 0; i < std::size(kKinds); ++i) {
    if (kKinds[i] == kind) return i;
  }
  return kOther;
}

// Where a role's devices stand in the job file: mostly there is one request, for the whole job.
std::string FieldOfDevices(const v1::JobSpec& spec, int index) {
  int requests = 0;
  for (const v1::RoleSpec& role : spec.roles()) requests += DevicesOf(spec, role).count() > 0;
  return absl::StrCat(requests > 1 ? absl::StrCat("roles[", index, "].") : "", "devices_per_rank");
}

const Row* FindRow(absl::string_view contract, absl::string_view mode) {
  for (const Row& row : kRows) {
    if (row.contract == contract && (row.mode == "*" || row.mode == mode)) return &row;
  }
  return nullptr;
}

}  // namespace

bool SupportsDevice(absl::string_view contract, absl::string_view mode, absl::string_view kind) {
  const Row* const row = FindRow(contract, mode);
  return row == nullptr || row->runs_on[ColumnOf(kind)];
}

absl::Status CheckDeviceSupport(const v1::JobSpec& spec) {
  const Row* const row = FindRow(spec.contract(), spec.mode());
  if (row == nullptr) return absl::OkStatus();
  bool has_devices = false;
  for (int i = 0; i < spec.roles_size(); ++i) {
    const v1::DeviceRequest& devices = DevicesOf(spec, spec.roles(i));
    if (devices.count() == 0) continue;
    has_devices = true;
    if (row->runs_on[ColumnOf(devices.kind())]) continue;
    return absl::InvalidArgumentError(absl::StrCat(FieldOfDevices(spec, i), ".kind: '",
                                                   devices.kind(), "' is not for contract '",
                                                   spec.contract(), "': ", row->reason));
  }
  if (has_devices || row->runs_on[ColumnOf(kCpu)]) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("devices_per_rank: without a device, contract '",
                                                 spec.contract(), "' cannot run: ", row->reason));
}

}  // namespace muster
