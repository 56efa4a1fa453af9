#ifndef MUSTER_CTL_CMD_HCCL_REQUEST_H_
#define MUSTER_CTL_CMD_HCCL_REQUEST_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "launch/rank_table_file.h"

namespace muster {

// What hccl_tools.py is asked for: the devices of one server that a rank table shall list.
struct HcclRequest {
  std::vector<int> positions;   // --device_num: indices into the visible devices.
  std::vector<int> device_ids;  // The devices themselves, in that order.
};

// `device_num` is a half-open range like "[0,8)", within 0 to 8 and not across 4, unless it is all
// eight; `visible_devices` a list like "0,1,2,3,4,5,6,7". INVALID_ARGUMENT says what is wrong.
absl::StatusOr<HcclRequest> ParseHcclRequest(const std::string& device_num,
                                             const std::string& visible_devices);

// The table of these devices. FAILED_PRECONDITION: a device without an address.
absl::StatusOr<RankTable> MakeServerTable(const HcclRequest& request, const std::string& server_id,
                                          const std::map<int, std::string>& addresses);

// "hccl_8p_01234567_10.0.0.1.json".
std::string ServerTableName(const HcclRequest& request, const std::string& server_id);

// "hccl_2s_16p.json".
std::string MergedTableName(int servers, int devices);

}  // namespace muster

#endif  // MUSTER_CTL_CMD_HCCL_REQUEST_H_
