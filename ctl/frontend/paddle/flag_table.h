// The flags of `python -m paddle.distributed.launch` (3.0 line), of its predecessor, and the
// variables that override them, as tables. Source: Paddle's launch document and its --help.
#ifndef MUSTER_CTL_FRONTEND_PADDLE_FLAG_TABLE_H_
#define MUSTER_CTL_FRONTEND_PADDLE_FLAG_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "ctl/frontend/argparse/arg_parser.h"

namespace muster {

struct PaddleFlagRow {
  enum class Type { kText, kInt, kBool };
  std::vector<const char*> names;  // With dashes; the first one is the key.
  Type type;
  const char* otherwise;  // Default as text; nullptr: none.
  const char* variable;   // Overrides the command line; nullptr: none does.
  const char* help;

  std::string key() const { return names.front() + 2; }
};

// What today's launcher knows. A flag that is not here makes it hand over to the legacy one.
const std::vector<PaddleFlagRow>& PaddleFlagTable();
// What only the legacy launcher knows.
const std::vector<PaddleFlagRow>& PaddleLegacyFlagTable();

// The rows as argparse declares them.
std::vector<ArgSpec> PaddleArgSpecs(const std::vector<PaddleFlagRow>& rows);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_FLAG_TABLE_H_
