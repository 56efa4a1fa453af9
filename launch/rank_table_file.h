// Rank tables on disk: what HCCL reads to find all devices of a job. Facts: MindSpore's tutorial
// page rank_table and hccl_tools.py; HCCL's "cluster information configuration" for 1.0 and 1.2.
// Pure.
#ifndef MUSTER_LAUNCH_RANK_TABLE_FILE_H_
#define MUSTER_LAUNCH_RANK_TABLE_FILE_H_

#include <string>
#include <vector>

namespace muster {

// HCCL keeps a server's id in 64 bytes.
inline constexpr size_t kMaxServerIdLength = 63;

struct RankTableDevice {
  int device_id = 0;            // The number that the vendor's tools show.
  std::string device_ip;        // May be empty in a table of one server.
  int rank_id = 0;              // Over the whole table.
  std::string super_device_id;  // 1.2 only.
};

struct RankTableServer {
  std::string server_id;  // An address or a name.
  // Where it is, when the id does not say so; may be empty. Under one of these names a server is
  // found: server_ip, host_ip, pod_ip or container_ip in a file.
  std::vector<std::string> addresses;
  std::vector<RankTableDevice> devices;
};

struct RankTableSuperPod {
  std::string super_pod_id;
  std::vector<std::string> server_ids;
};

struct RankTable {
  std::string version = "1.0";  // "1.0" or "1.2".
  std::vector<RankTableServer> servers;
  std::vector<RankTableSuperPod> super_pods;  // 1.2 only.
};

// As hccl_tools.py writes it: all values texts, four blanks of indentation, no newline at the end.
std::string WriteRankTable(const RankTable& table);

}  // namespace muster

#endif  // MUSTER_LAUNCH_RANK_TABLE_FILE_H_
