#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_HOST_FACTS_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_HOST_FACTS_H_

#include <map>
#include <string>

namespace muster {

// What a torchrun command line needs to know of this host.
struct HostFacts {
  std::string name;
  int cpus = 1;
  int gpus = 0;        // As torch.cuda.device_count() counts them.
  std::string python;  // The interpreter of scripts.
};

// `env` is the caller's.
HostFacts ReadHostFacts(const std::map<std::string, std::string>& env);

// How many of `present` devices CUDA_VISIBLE_DEVICES shows: entries up to the first that is none.
int VisibleGpus(int present, const std::string* visible);

// $PYTHON_EXEC, as the original; else the first python3, or python, of `path`. The original takes
// the interpreter that runs it.
std::string FindPython(const std::map<std::string, std::string>& env);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_HOST_FACTS_H_
