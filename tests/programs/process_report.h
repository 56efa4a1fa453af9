// What a process was started with, for the tests that compare launchers.
#ifndef MUSTER_TESTS_PROGRAMS_PROCESS_REPORT_H_
#define MUSTER_TESTS_PROGRAMS_PROCESS_REPORT_H_

#include <string>

namespace muster::program {

// One JSON object: arguments, environment, directory, ids, session, umask, processors, limits, open
// descriptors, blocked and ignored signals (masks in hex), time of the report.
std::string ProcessReport(int argc, char** argv);

// Writes the file whole or not at all; ends the program when that fails.
void WriteReport(const std::string& path, const std::string& report);

}  // namespace muster::program

#endif  // MUSTER_TESTS_PROGRAMS_PROCESS_REPORT_H_
