// Every cell of the documents' support matrices, written a second time and in another shape.
#include "launch/device_support.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "launch/registry.h"
#include "tests/launch/launch_case.h"

namespace muster {
namespace {

const char* const kKinds[] = {"cpu", "nvidia", "ascend", "xpu", "mlu", "ipu", "npu-x"};

struct Row {
  std::string contract;
  std::string mode;
  std::set<std::string> kinds;
};

// MindSpore: startup methods, "hardware support" (msrun and dynamic cluster: GPU, Ascend, CPU;
// mpirun: GPU, Ascend; rank table: Ascend). Paddle: `--devices` (gpu, xpu, npu, mlu), its page's
// examples (ps on cpu and gpu, ps-heter on cpu + gpu, ipu), and the legacy launcher's XPU lists.
std::vector<Row> Rows() {
  const std::set<std::string> all(std::begin(kKinds), std::end(kKinds));
  return {
      {"plain", "", all},
      {"torch", "", all},
      {"mindspore", "", {"cpu", "nvidia", "ascend"}},
      {"rank_table", "", {"ascend"}},
      {"mpi", "", all},
      {"mpi", "mindspore", {"nvidia", "ascend"}},
      {"paddle_collective", "", all},
      {"paddle_ps", "", {"cpu", "nvidia", "xpu"}},
      {"paddle_ps", "legacy", {"cpu", "nvidia", "xpu"}},
      {"paddle_heter", "", {"cpu", "nvidia", "xpu"}},
      {"paddle_rpc", "", all},
      {"paddle_ipu", "", {"cpu", "ipu"}},
  };
}

v1::JobSpec SpecOf(const Row& row, const std::string& kind) {
  v1::JobSpec spec;
  spec.set_contract(row.contract);
  spec.set_mode(row.mode);
  v1::RoleSpec* const role = spec.add_roles();
  role->set_name("worker");
  if (kind != "cpu") {
    role->mutable_devices_per_rank()->set_kind(kind);
    role->mutable_devices_per_rank()->set_count(1);
  }
  return spec;
}

TEST(DeviceSupportTest, EveryCellIsAsTheDocumentsSay) {
  for (const Row& row : Rows()) {
    for (const std::string kind : kKinds) {
      const bool supported = row.kinds.count(kind) > 0;
      EXPECT_EQ(SupportsDevice(row.contract, row.mode, kind), supported)
          << row.contract << " " << row.mode << " " << kind;
      const absl::Status status = CheckDeviceSupport(SpecOf(row, kind));
      EXPECT_EQ(status.code(),
                supported ? absl::StatusCode::kOk : absl::StatusCode::kInvalidArgument)
          << row.contract << " " << row.mode << " " << kind;
    }
  }
}

TEST(DeviceSupportTest, EveryContractThatThereIsHasARow) {
  std::set<std::string> rows;
  for (const Row& row : Rows()) rows.insert(row.contract);
  for (const std::string& name : ContractNames()) EXPECT_EQ(rows.count(name), 1u) << name;
}

TEST(DeviceSupportTest, SaysWhatIsNotSupportedWhyAndWhatToUse) {
  const LaunchCase wrong_kind(
      "contract: 'rank_table' command: 'x' devices_per_rank { kind: 'nvidia' count: 1 }");
  EXPECT_EQ(CheckContract(wrong_kind.spec),
            absl::InvalidArgumentError(
                "devices_per_rank.kind: 'nvidia' is not for contract 'rank_table': a rank table "
                "lists the addresses of Ascend devices; use ascend, or contract mindspore"));
  const LaunchCase none("contract: 'rank_table' command: 'x'");
  EXPECT_EQ(
      CheckContract(none.spec),
      absl::InvalidArgumentError(
          "devices_per_rank: without a device, contract 'rank_table' cannot run: a rank table "
          "lists the addresses of Ascend devices; use ascend, or contract mindspore"));
}

TEST(DeviceSupportTest, NamesTheRoleWhereThereAreSeveral) {
  v1::JobSpec spec = SpecOf({"mindspore", "", {}}, "nvidia");
  *spec.add_roles() = spec.roles(0);
  spec.mutable_roles(1)->set_name("server");
  spec.mutable_roles(1)->mutable_devices_per_rank()->set_kind("ipu");
  EXPECT_EQ(
      std::string(CheckDeviceSupport(spec).message()).rfind("roles[1].devices_per_rank.kind:", 0),
      0u);
}

TEST(DeviceSupportTest, AContractWithoutARowIsNotLimited) {
  EXPECT_TRUE(SupportsDevice("tomorrow", "", "cpu"));
}

}  // namespace
}  // namespace muster
