#ifndef MUSTER_TESTS_CTL_FRONTEND_PADDLE_POD_RIG_H_
#define MUSTER_TESTS_CTL_FRONTEND_PADDLE_POD_RIG_H_

#include <string>
#include <vector>

#include "ctl/frontend/paddle/node_info.h"
#include "ctl/frontend/paddle/pod.h"
#include "ctl/frontend/paddle/port_cursor.h"

namespace muster {

// What a planner needs, for `words` on a host of 10.0.0.1 whose visible GPUs are `gpus`; without
// any environment but `env`.
PodSettings TestPodSettings(const std::vector<std::string>& words,
                            const std::vector<std::string>& gpus = {},
                            const std::map<std::string, std::string>& env = {});

// Ports 40000, 40001, …, all free.
PortCursor TestPorts();

// Node `index` of a collective job: 10.0.0.<index + 1>, with the ports 700 and 701 and on.
PaddleNode TestNode(int index, int replicas);

}  // namespace muster

#endif  // MUSTER_TESTS_CTL_FRONTEND_PADDLE_POD_RIG_H_
