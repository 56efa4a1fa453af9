// Writes what it was started with to DIR/RANK.json, whole or not at all.
//   report_env DIR [any further arguments]
#include <cstdio>
#include <string>

#include "tests/programs/process_report.h"
#include "tests/programs/program.h"

namespace p = muster::program;

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: report_env DIR\n");
    return 64;  // EX_USAGE
  }
  const std::string report = p::ProcessReport(argc, argv);
  p::WriteReport(std::string(argv[1]) + "/" + std::to_string(p::Rank()) + ".json", report);
  printf("rank %d reported\n", p::Rank());
  return 0;
}
