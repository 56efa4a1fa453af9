// A client of the job API that does what it reads, one line after the other, and tells what came of
// it. What tests of single lost replies and of histories are made with: quicker than a new msctl
// each time, and with the same code under it.
//
// usage: api_line ADDRESS TIMEOUT_MS [TLS_DIR]
//
//   submit REQUEST_ID LABEL COMMAND   a job of /bin/sh -c COMMAND with the label key=LABEL
//   surely REQUEST_ID LABEL COMMAND   the same, asked again as msctl does when nobody answered
//   cancel ID
//   get ID
//   find LABEL                        all jobs that have it
//
// Answers each with "BEGIN END CODE ID:STATE…", times in seconds on CLOCK_MONOTONIC, CODE as gRPC
// counts. Ends with stdin.
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "ctl/client/api_client.h"
#include "ctl/client/sure_submit.h"

namespace muster {
namespace {

double Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

v1::SubmitJobRequest RequestFrom(std::istringstream* words) {
  std::string id, label, command;
  *words >> id >> label;
  std::getline(*words >> std::ws, command);
  v1::SubmitJobRequest request;
  request.set_request_id(id);
  v1::JobSpec* const spec = request.mutable_spec();
  spec->set_name("line");
  (*spec->mutable_labels())["key"] = label;
  for (const std::string& word : {std::string("/bin/sh"), std::string("-c"), command}) {
    spec->add_command(word);
  }
  spec->mutable_restart()->set_max_restarts(0);
  return request;
}

class Line {
 public:
  explicit Line(ApiClient* api) : api_(api) {}

  // Does one line; the jobs that the answer holds are in `jobs`.
  absl::Status Do(const std::string& line, std::vector<v1::Job>* jobs) {
    std::istringstream words(line);
    std::string verb, word;
    words >> verb;
    if (verb == "submit") return Take(api_->SubmitJob(RequestFrom(&words)), jobs);
    if (verb == "surely") return Take(SubmitSurely(api_, RequestFrom(&words)), jobs);
    words >> word;
    if (verb == "cancel") return Take(api_->CancelJob(word, ""), jobs);
    if (verb == "get") return Take(api_->GetJob(word), jobs);
    v1::ListJobsRequest request;
    (*request.mutable_labels())["key"] = word;
    const absl::StatusOr<v1::ListJobsResponse> found = api_->ListJobs(request);
    if (found.ok()) jobs->assign(found->jobs().begin(), found->jobs().end());
    return found.status();
  }

 private:
  static absl::Status Take(const absl::StatusOr<v1::Job>& job, std::vector<v1::Job>* jobs) {
    if (job.ok()) jobs->push_back(*job);
    return job.status();
  }

  ApiClient* const api_;
};

int Run(int argc, char** argv) {
  SecurityOptions security;
  security.insecure = argc < 4;
  if (argc == 4) {
    const std::string dir = argv[3];
    security = {dir + "/node.pem", dir + "/node.key", dir + "/ca.pem", false};
  }
  const auto api = ApiClient::Connect(argv[1], security, absl::Milliseconds(std::atoi(argv[2])));
  if (!api.ok()) {
    std::cerr << "api_line: " << api.status().message() << "\n";
    return 1;
  }
  Line client(api->get());
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<v1::Job> jobs;
    const double begin = Now();
    const absl::Status status = client.Do(line, &jobs);
    std::printf("%.6f %.6f %d", begin, Now(), static_cast<int>(status.code()));
    for (const v1::Job& job : jobs) {
      std::printf(" %s:%s", job.id().c_str(), v1::JobState_Name(job.status().state()).c_str());
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: api_line ADDRESS TIMEOUT_MS [TLS_DIR]\n");
    return 2;
  }
  return muster::Run(argc, argv);
}
