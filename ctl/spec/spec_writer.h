#ifndef MUSTER_CTL_SPEC_SPEC_WRITER_H_
#define MUSTER_CTL_SPEC_SPEC_WRITER_H_

#include <string>

#include "muster/v1/job.pb.h"

namespace muster {

// A job file that loads back to `spec`: fields in the message's order, absent ones left out,
// durations, sizes and enums as people write them.
std::string WriteJobFile(const v1::JobSpec& spec);

}  // namespace muster

#endif  // MUSTER_CTL_SPEC_SPEC_WRITER_H_
