// Usage and help in the layout of argparse's HelpFormatter.
#ifndef MUSTER_CTL_FRONTEND_ARGPARSE_HELP_FORMATTER_H_
#define MUSTER_CTL_FRONTEND_ARGPARSE_HELP_FORMATTER_H_

#include <string>
#include <vector>

#include "ctl/frontend/argparse/arg_parser.h"

namespace muster {

// $COLUMNS, else the terminal's width, else 80; less 2.
int HelpWidth();

std::string FormatUsage(const std::string& prog, const std::vector<std::string>& positionals,
                        const std::vector<ArgSpec>& specs, int width);
std::string FormatHelp(const std::string& prog, const std::vector<std::string>& positionals,
                       const std::vector<ArgSpec>& specs, const ArgHelp& help, int width);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ARGPARSE_HELP_FORMATTER_H_
