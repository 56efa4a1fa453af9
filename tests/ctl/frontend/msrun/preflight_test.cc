#include "ctl/frontend/msrun/preflight.h"

#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

class PreflightTest : public testing::Test {
 protected:
  PreflightTest() {
    tree_.Write("bin/python", "#!/bin/sh\n", 0755);
    script_ = tree_.Write("x.py", "");
    host_.master_ip = "127.0.0.1";
    host_.env["PATH"] = tree_.Path("bin");
  }
  absl::Status Prepare(std::vector<std::string> words, const std::string& script) {
    words.insert(words.begin(), {"--worker_num=1", "--local_worker_num=1"});
    words.push_back(script);
    const MsrunFlags flags = ParseMsrun(words).flags;
    return PrepareMsrun(flags, PlanMsrun(flags, host_).value());
  }

  TempTree tree_;
  std::string script_;
  MsrunHost host_;
};

// Section 1.1 of msrun's contract.
TEST_F(PreflightTest, EachNewLogDirectoryIsForTheUserAlone) {
  ASSERT_TRUE(Prepare({"--log_dir=" + tree_.Path("a/b")}, script_).ok());
  for (const char* name : {"a", "a/b"}) {
    struct stat folder;
    ASSERT_EQ(stat(tree_.Path(name).c_str(), &folder), 0);
    EXPECT_EQ(folder.st_mode & 0777, 0700U) << name;
  }
}

TEST_F(PreflightTest, SaysWhatIsMissingInPythonsWords) {
  const std::string log_dir = "--log_dir=" + tree_.root();
  const auto missing = [this](const std::string& name) {
    return absl::StrCat("FileNotFoundError: [Errno 2] No such file or directory: '", name, "'");
  };
  EXPECT_EQ(Prepare({log_dir}, tree_.Path("no.py")).message(), missing(tree_.Path("no.py")));
  EXPECT_EQ(Prepare({log_dir}, "pytest").message(), missing("pytest"));
  EXPECT_EQ(Prepare({log_dir, "--rank_table_file=" + tree_.Path("t.json")}, script_).message(),
            missing(tree_.Path("t.json")));
  EXPECT_EQ(Prepare({log_dir, "--worker_log_name=a/b"}, script_).message(),
            missing(tree_.Path("a/b_0.log")));
}

TEST_F(PreflightTest, WithoutPythonSaysHowToNameAnother) {
  host_.env["PATH"] = tree_.Path("none");
  const std::string message(Prepare({"--log_dir=" + tree_.root()}, script_).message());
  EXPECT_THAT(message, testing::StartsWith(
                           "FileNotFoundError: [Errno 2] No such file or directory: 'python': "));
  EXPECT_THAT(message, testing::HasSubstr(absl::StrCat("`msrun ... python3 ", script_, "`")));
}

TEST_F(PreflightTest, AFileIsNoLogDirectory) {
  const absl::Status status = Prepare({"--log_dir=" + script_}, script_);
  EXPECT_EQ(status.message(), absl::StrCat("NotADirectoryError: [Errno 20] Not a directory: '",
                                           script_, "/worker_0.log'"));
}

}  // namespace
}  // namespace muster
