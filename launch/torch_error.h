// The file in which a rank of a PyTorch job says why it failed (TORCHELASTIC_ERROR_FILE): a script
// decorated with torch.distributed.elastic.multiprocessing.errors.record writes its exception
// there. Facts: torch 1.13.1, multiprocessing/errors/error_handler.py.
#ifndef MUSTER_LAUNCH_TORCH_ERROR_H_
#define MUSTER_LAUNCH_TORCH_ERROR_H_

#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// Where rank `global_rank` writes it. A gang's directory is new with each attempt.
std::string TorchErrorFile(absl::string_view gang_dir, int global_rank);

// The exception in such a file, in one line ("RuntimeError: boom"), or "" when it holds none.
// Whoever wrote it is not trusted: the line is short and has no control characters.
std::string TorchErrorMessage(const std::string& bytes);

}  // namespace muster

#endif  // MUSTER_LAUNCH_TORCH_ERROR_H_
