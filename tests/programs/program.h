// What the test programs share. They stand for users' programs: nothing of Muster is linked in.
#ifndef MUSTER_TESTS_PROGRAMS_PROGRAM_H_
#define MUSTER_TESTS_PROGRAMS_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace muster::program {

// The value of `--name=value` or `--name value` on the command line, else `fallback`.
std::string Flag(int argc, char** argv, const std::string& name, const std::string& fallback);
int64_t Flag(int argc, char** argv, const std::string& name, int64_t fallback);

// The first of these variables that is set, else `fallback`.
int64_t EnvNumber(std::initializer_list<const char*> names, int64_t fallback);
std::string EnvText(const char* name, const std::string& fallback);

// This rank, by MUSTER_RANK or RANK; 0 when started by hand.
int Rank();
int WorldSize();

// Writes all of it, through short writes and EINTR. Ends the program when that fails: a test must
// see that a write was refused.
void WriteAll(int fd, const char* data, size_t size);

// Appends one line to a file in one write(2), so that lines of several processes never mix.
void AppendLine(const std::string& path, const std::string& line);

// CRC-32 (the polynomial of zlib), table-driven; written here so that the witness is independent.
uint32_t Crc32(const std::string& bytes);

// Nanoseconds of CLOCK_BOOTTIME.
int64_t BootTimeNs();
void SleepMs(int64_t ms);

// Waits for signals for ever.
[[noreturn]] void PauseForever();

}  // namespace muster::program

#endif  // MUSTER_TESTS_PROGRAMS_PROGRAM_H_
