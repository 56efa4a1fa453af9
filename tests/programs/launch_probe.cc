// Stands for the interpreter of a launcher's ranks: a `python` on PATH that is this program reports
// to $PROBE_DIR/PID.json what it was started with, and then does what $PROBE_ACT says.
//
//   PROBE_ACT = "VAR=VALUE,VAR=VALUE:ACTION+ACTION;…;ACTION+ACTION"
//
// The first entry whose conditions all hold in the environment counts; an empty VALUE means unset.
// Without conditions it always does. Nothing that holds: exit 0. Actions, one after the other:
//   print TEXT     a line on stdout           err TEXT     a line on stderr
//   prompt TEXT    the same without a newline  echo         reads a line from stdin, prints it
//   wait FILE      until the file exists       sleep MS
//   ignore-term    SIGTERM is ignored          grandchild   leaves one behind in its own session
//   exit N         signal N                    hang         until it is killed, at most two minutes
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/programs/process_report.h"
#include "tests/programs/program.h"

namespace p = muster::program;

namespace {

constexpr int64_t kHangMs = 120'000;

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool Holds(const std::string& conditions) {
  for (const std::string& condition : Split(conditions, ',')) {
    const size_t equals = condition.find('=');
    if (p::EnvText(condition.substr(0, equals).c_str(), "") != condition.substr(equals + 1)) {
      return false;
    }
  }
  return true;
}

std::string Plan() {
  for (const std::string& entry : Split(p::EnvText("PROBE_ACT", ""), ';')) {
    const size_t colon = entry.find(':');
    if (colon == std::string::npos) return entry;
    if (Holds(entry.substr(0, colon))) return entry.substr(colon + 1);
  }
  return "";
}

void ReportTo(const std::string& suffix, int argc, char** argv) {
  const std::string dir = p::EnvText("PROBE_DIR", ".");
  p::WriteReport(dir + "/" + std::to_string(getpid()) + suffix, p::ProcessReport(argc, argv));
}

void Hang() {
  p::SleepMs(kHangMs);
  _exit(99);
}

void LeaveGrandchild(int argc, char** argv) {
  if (fork() != 0) return;
  setsid();
  ReportTo(".grandchild.json", argc, argv);
  Hang();
}

void Echo() {
  std::string line;
  char c = 0;
  while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
  line = "got " + line + "\n";
  p::WriteAll(STDOUT_FILENO, line.data(), line.size());
}

void Do(const std::string& action, int argc, char** argv) {
  const size_t blank = action.find(' ');
  const std::string verb = action.substr(0, blank);
  const std::string word = blank == std::string::npos ? "" : action.substr(blank + 1);
  if (verb == "print" || verb == "err" || verb == "prompt") {
    const std::string line = word + (verb == "prompt" ? "" : "\n");
    p::WriteAll(verb == "err" ? STDERR_FILENO : STDOUT_FILENO, line.data(), line.size());
  } else if (verb == "echo") {
    Echo();
  } else if (verb == "wait") {
    for (int64_t ms = 0; access(word.c_str(), F_OK) != 0 && ms < kHangMs; ms += 5) p::SleepMs(5);
  } else if (verb == "sleep") {
    p::SleepMs(std::stoll(word));
  } else if (verb == "ignore-term") {
    signal(SIGTERM, SIG_IGN);
  } else if (verb == "grandchild") {
    LeaveGrandchild(argc, argv);
  } else if (verb == "exit") {
    _exit(std::stoi(word));
  } else if (verb == "signal") {
    raise(std::stoi(word));
  } else if (verb == "hang") {
    Hang();
  } else if (!verb.empty()) {
    fprintf(stderr, "launch_probe: unknown action '%s'\n", action.c_str());
    _exit(64);  // EX_USAGE
  }
}

}  // namespace

int main(int argc, char** argv) {
  ReportTo(".json", argc, argv);
  for (const std::string& action : Split(Plan(), '+')) Do(action, argc, argv);
  return 0;
}
