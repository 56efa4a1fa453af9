#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_OPTION_TABLE_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_OPTION_TABLE_H_

#include <vector>

#include "ctl/frontend/argparse/arg_parser.h"

namespace muster {

// Every option of torchrun, in the original's order; ours are the last.
const std::vector<ArgSpec>& TorchrunOptionTable();

// What its help says besides.
ArgHelp TorchrunHelp();

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_OPTION_TABLE_H_
