#include "ctl/frontend/torchrun/tee_printer.h"

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

// Long enough for a line that is written in pieces, too short for a person to notice.
constexpr absl::Duration kPromptAfter = absl::Milliseconds(100);

}  // namespace

TeePrinter::TeePrinter(EventLoop* loop, Output* output) : loop_(loop), output_(output) {}

TeePrinter::~TeePrinter() {
  loop_->Cancel(rest_timer_);
  loop_->Cancel(flush_timer_);
}

void TeePrinter::Print(const std::string& label, absl::string_view bytes) {
  std::string& rest = rest_[label];
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    if (end == absl::string_view::npos) {
      rest.append(bytes.data(), bytes.size());
      break;
    }
    Begin(label);
    output_->Write(rest);
    output_->Write(bytes.substr(0, end + 1));
    open_.clear();
    rest.clear();
    bytes.remove_prefix(end + 1);
  }
  if (!rest.empty() && rest_timer_ == 0) {
    rest_timer_ = loop_->After(kPromptAfter, [this] {
      rest_timer_ = 0;
      ShowRest();
    });
  }
  FlushSoon();
}

void TeePrinter::Finish() {
  ShowRest();
  if (!open_.empty()) output_->Write("\n");
  open_.clear();
  output_->Offer();
}

void TeePrinter::ShowRest() {
  for (auto& [label, rest] : rest_) {
    if (rest.empty()) continue;
    Begin(label);
    output_->Write(rest);
    open_ = label;
    rest.clear();
  }
  output_->Offer();
}

// The console stands where bytes of `label` may follow.
void TeePrinter::Begin(const std::string& label) {
  if (open_ == label) return;
  if (!open_.empty()) output_->Write("\n");
  open_.clear();
  output_->Write(absl::StrCat("[", label, "]:"));
}

// Once for all that the loop has at hand now.
void TeePrinter::FlushSoon() {
  if (flush_timer_ != 0) return;
  flush_timer_ = loop_->After(absl::ZeroDuration(), [this] {
    flush_timer_ = 0;
    output_->Offer();
  });
}

}  // namespace muster
