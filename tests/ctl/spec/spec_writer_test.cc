#include "ctl/spec/spec_writer.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/job/job_check.h"
#include "common/job/job_defaults.h"
#include "ctl/spec/spec_loader.h"

namespace muster {
namespace {

using google::protobuf::util::MessageDifferencer;

TEST(SpecWriterTest, WritesAsPeopleWould) {
  v1::JobSpec spec;
  spec.set_name("digits");
  spec.mutable_nodes()->set_min(2);
  spec.mutable_nodes()->set_max(2);
  v1::RoleSpec* role = spec.add_roles();
  role->set_name("worker");
  role->set_per_node(4);
  for (const char* word : {"python3", "a b", "10", "it's \"x\"\n", ""}) spec.add_command(word);
  spec.set_umask("022");
  (*spec.mutable_env())["B"] = "yes";
  (*spec.mutable_env())["A"] = "x";
  spec.mutable_limits()->set_memory(int64_t{32} << 30);
  spec.mutable_limits()->set_open_files(-1);
  spec.set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  spec.mutable_success()->set_rank(0);
  spec.mutable_timeouts()->mutable_start()->set_seconds(5400);
  EXPECT_EQ(WriteJobFile(spec), R"(name: digits
nodes: 2
roles:
  - name: worker
    per_node: 4
command: [python3, "a b", "10", "it's \"x\"\n", ""]
env:
  A: x
  B: "yes"
umask: "022"
limits:
  memory: 32GiB
  open_files: unlimited
on_failure: continue
success:
  rank: 0
timeouts:
  start: 1h30m
)");
}

// Makes sound specs with every field, at random.
class SpecMaker {
 public:
  explicit SpecMaker(unsigned seed) : random_(seed) {}

  v1::JobSpec Make() {
    v1::JobSpec spec;
    spec.set_name(absl::StrCat("j", Pick(0, 999)));
    if (Flip()) spec.set_contract("torch");
    spec.mutable_nodes()->set_min(Pick(1, 4));
    spec.mutable_nodes()->set_max(spec.nodes().min() + Pick(0, 3));
    for (int i = Pick(0, 3); i > 0; --i) AddRole(i, &spec);
    if (spec.roles().empty()) spec.set_ranks_per_node(Pick(0, 8));
    if (Flip()) FillDevices(spec.mutable_devices_per_rank());
    spec.add_command("/bin/x");
    for (int i = Pick(0, 5); i > 0; --i) spec.add_command(Text());
    spec.set_workdir(absl::StrCat("/d", Pick(0, 9)));
    for (int i = Pick(0, 4); i > 0; --i) (*spec.mutable_env())[absl::StrCat("V", i)] = Text();
    spec.set_umask(absl::StrCat("0", Pick(0, 7), Pick(0, 7)));
    FillPolicies(&spec);
    FillBounds(&spec);
    for (int i = Pick(0, 3); i > 0; --i) (*spec.mutable_labels())[absl::StrCat("l/", i)] = "v";
    for (int i = Pick(0, 3); i > 0; --i) spec.add_constraints(Flip() ? "!a.b" : "gpu!=x");
    spec.set_priority(Pick(-1000, 1000));
    spec.set_tty(Flip());
    return spec;
  }

 private:
  int Pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool Flip() { return Pick(0, 1) == 1; }

  // Words that YAML could mistake, and characters that need care.
  std::string Text() {
    static const char* const kPieces[] = {"a",
                                          "null",
                                          "~",
                                          "true",
                                          "1e3",
                                          " ",
                                          "  ",
                                          "\n",
                                          "\t",
                                          ":",
                                          ": ",
                                          "#",
                                          " #",
                                          "\"",
                                          "'",
                                          "\\",
                                          "[",
                                          "]",
                                          "{",
                                          "}",
                                          ",",
                                          "&a",
                                          "*a",
                                          "!t",
                                          "%",
                                          "@",
                                          "`",
                                          "|",
                                          ">",
                                          "-",
                                          "- ",
                                          "?",
                                          "\x01",
                                          "\x7f",
                                          "\r",
                                          "\xC3\xA4",
                                          "\xE2\x80\xA8",
                                          "\xF0\x9F\x98\x80",
                                          "---"};
    std::string text;
    for (int i = Pick(0, 6); i > 0; --i) {
      text += kPieces[Pick(0, static_cast<int>(sizeof(kPieces) / sizeof(kPieces[0])) - 1)];
    }
    return text;
  }

  void FillDevices(v1::DeviceRequest* devices) {
    devices->set_kind(Flip() ? "nvidia" : "lab-kind");
    devices->set_count(Pick(1, 8));
    if (Flip()) devices->set_visible(v1::VISIBLE_DEVICES_HOST);
  }

  void AddRole(int number, v1::JobSpec* spec) {
    v1::RoleSpec* role = spec->add_roles();
    role->set_name(absl::StrCat("r", number));
    if (Flip()) {
      role->set_count(Pick(8, 16));  // Of which every host has one.
    } else {
      role->set_per_node(Pick(1, 9));
    }
    if (Flip()) role->set_node_ranks(Flip() ? "0-" : "");
    if (Flip()) role->add_command(Text() + "x");
    if (Flip()) (*role->mutable_env())["R"] = Text();
    if (Flip()) FillDevices(role->mutable_devices_per_rank());
  }

  void FillDuration(google::protobuf::Duration* duration) {
    duration->set_seconds(Pick(0, 100000));
    if (Flip()) duration->set_nanos(Pick(0, 999999999));
  }

  void FillPolicies(v1::JobSpec* spec) {
    if (Flip()) spec->set_on_failure(v1::FAILURE_ACTION_CONTINUE);
    if (Flip()) {
      spec->mutable_success()->set_all(true);
    } else if (!spec->roles().empty()) {
      spec->mutable_success()->set_role(spec->roles(0).name());
    } else {
      spec->mutable_success()->set_rank(0);
    }
    if (Flip()) spec->mutable_success()->set_clean_up(v1::CLEAN_UP_STOP);
    spec->mutable_restart()->set_max_restarts(Pick(0, 3));
    if (Flip()) FillDuration(spec->mutable_restart()->mutable_window());
    if (Flip()) FillDuration(spec->mutable_restart()->mutable_first_delay());
    if (Flip()) spec->mutable_restart()->set_max_host_restarts(Pick(0, 3));
    if (Flip()) spec->mutable_restart()->add_never_on(Pick(1, 100));
    if (Flip()) spec->mutable_restart()->add_always_on(Pick(101, 255));
    if (Flip()) spec->set_bind(v1::CORE_BINDING_CORE);
    if (Flip()) FillDuration(spec->mutable_timeouts()->mutable_queue());
    if (Flip()) FillDuration(spec->mutable_timeouts()->mutable_run());
  }

  void FillBounds(v1::JobSpec* spec) {
    if (Flip()) spec->mutable_limits()->set_memory(Flip() ? -1 : Pick(1, 1 << 30));
    if (Flip()) spec->mutable_limits()->set_core_size(Pick(0, 1) * (int64_t{1} << 40));
    if (Flip()) spec->mutable_limits()->set_processes(Pick(1, 1000));
    if (Flip()) spec->mutable_logs()->set_dir("logs");
    if (!spec->logs().dir().empty() && Flip()) spec->mutable_logs()->set_names("{rank}.{stream}");
    if (Flip()) spec->mutable_logs()->set_segment_size(Pick(4096, 1 << 30));
    if (Flip()) FillDuration(spec->mutable_logs()->mutable_keep());
  }

  std::mt19937 random_;
};

TEST(SpecWriterTest, WhatIsWrittenLoadsBackToTheSameSpec) {
  SpecMaker maker(5);  // Fixed: a failure can be had again.
  for (int round = 0; round < 100; ++round) {
    v1::JobSpec spec = maker.Make();
    ASSERT_TRUE(CheckJobStatus(spec).ok()) << CheckJobStatus(spec) << spec.DebugString();
    const std::string as_written = WriteJobFile(spec);
    FillJobDefaults(&spec);
    for (const std::string& text : {as_written, WriteJobFile(spec)}) {
      const absl::StatusOr<v1::JobSpec> loaded = LoadJobText(text, "job.yaml");
      ASSERT_TRUE(loaded.ok()) << loaded.status().message() << "\n" << text;
      std::string difference;
      MessageDifferencer differencer;
      differencer.ReportDifferencesToString(&difference);
      ASSERT_TRUE(differencer.Compare(spec, *loaded)) << difference << "\n" << text;
    }
  }
}

}  // namespace
}  // namespace muster
