#ifndef MUSTER_CTL_FRONTEND_MSRUN_BIND_CORE_H_
#define MUSTER_CTL_FRONTEND_MSRUN_BIND_CORE_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace muster {

// msrun's --bind_core: off, on, or the CPUs of each device by hand.
struct BindCore {
  enum class Kind { kOff, kAutomatic, kByHand };
  Kind kind = Kind::kOff;
  // By hand, in the user's order: a device and its CPUs.
  std::vector<std::pair<int, std::vector<int>>> devices;
};

// The value of the flag; `error` is what the original says of it, without "argument --bind_core: ".
struct BindCoreParse {
  BindCore value;
  std::string error;
};
BindCoreParse ParseBindCore(const std::string& text);

// What a binding is made from. Empty `device_nodes`: nothing is known of the devices' places.
struct CpuTopology {
  std::vector<int> cpus;                      // That may be used here, in order.
  std::map<int, std::vector<int>> node_cpus;  // By NUMA node; those of `cpus` alone.
  std::map<int, int> device_nodes;            // NUMA node of each physical device; -1: unknown.
  std::vector<int> visible_devices;           // Physical ids, sorted; empty: worker i has device i.
};

// CPUs of each local worker; of an unbound one none. `error` stops the job before its start.
struct CpuAssignment {
  std::vector<std::vector<int>> cpus;  // By local worker.
  std::vector<std::string> warnings;
  std::string error;
};
CpuAssignment AssignCpus(const BindCore& bind_core, const CpuTopology& topology, int workers);

// "0-3,8", as taskset and /sys write it; parsing fails on anything else.
std::optional<std::vector<int>> ParseCpuList(const std::string& text);
std::string CpuListText(const std::vector<int>& cpus);
// "[0, 1, 2]", as Python writes a list: the value of MSRUN_CPU_LIST.
std::string PythonList(const std::vector<int>& cpus);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_BIND_CORE_H_
