#include "tests/ctl/frontend/paddle/pod_rig.h"

#include "absl/strings/str_cat.h"
#include "ctl/frontend/paddle/flags.h"
#include "gtest/gtest.h"

namespace muster {

PodSettings TestPodSettings(const std::vector<std::string>& words,
                            const std::vector<std::string>& gpus,
                            const std::map<std::string, std::string>& env) {
  FrontendCall call;
  call.words = words;
  call.program = "paddle-launch";
  const PaddleCommandLine line = ReadPaddleCommandLine(call);
  EXPECT_FALSE(line.refusal.has_value()) << *line.refusal;
  PodSettings settings;
  settings.flags = line.flags;
  settings.env = env;
  settings.pod_name = "abcdef";
  settings.log_dir = "/work/log";
  settings.python = "/usr/bin/python3";
  settings.node_ip = "10.0.0.1";
  settings.devices.type = gpus.empty() ? "cpu" : "gpu";
  settings.devices.labels = gpus;
  settings.gloo_path = "/tmp/gloo";
  settings.env_limit = 48000;
  return settings;
}

PortCursor TestPorts() {
  return PortCursor(40000, 49999, 40000, [](int) { return true; });
}

PaddleNode TestNode(int index, int replicas) {
  const std::string ip = absl::StrCat("10.0.0.", index + 1);
  PaddleNode node;
  node.name = absl::StrCat("node", index);
  node.replicas = replicas;
  node.candidate = absl::StrCat(ip, ":700");
  for (int i = 0; i < replicas; ++i) node.endpoints.push_back(absl::StrCat(ip, ":", 701 + i));
  return node;
}

}  // namespace muster
