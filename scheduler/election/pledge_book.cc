#include "scheduler/election/pledge_book.h"

#include <algorithm>
#include <set>

namespace muster {
namespace {

constexpr size_t kMostAnswers =
    64;  // A candidate that names none of so many pledges itself to none.

}  // namespace

PledgeBook::PledgeBook(Options options, const Clock* clock)
    : options_(std::move(options)), clock_(clock) {}

void PledgeBook::OnCandidates(absl::Duration read_at,
                              const std::vector<v1::Candidate>& candidates) {
  complete_ = true;
  std::set<std::string> standing;
  for (const v1::Candidate& candidate : candidates) {
    if (candidate.node_id().empty()) complete_ = false;  // Whoever it is.
    standing.insert(candidate.node_id());
  }
  for (auto& [id, entry] : candidates_) {
    if (entry.heard < read_at) entry.known = false;
  }
  for (const std::string& id : standing) {
    if (id != options_.self) candidates_[id].known = true;
  }
}

void PledgeBook::OnHello(const std::string& node_id, bool candidate, uint64_t session) {
  if (!candidate || node_id == options_.self) return;
  Candidate& entry = candidates_[node_id];
  entry.known = true;
  entry.heard = clock_->Boot();
  entry.session = session;
  entry.answers.clear();
}

void PledgeBook::OnBeat(const std::string& node_id, uint64_t session, int64_t pledged) {
  if (options_.on_node) options_.on_node(node_id);
  Candidate* const entry = Find(node_id, session);
  if (entry == nullptr) return;
  entry->known = true;
  entry->heard = clock_->Boot();
  while (!entry->answers.empty() && entry->answers.front().first <= pledged) {
    // An answer that came with a later one was taken when that was, or before.
    if (entry->answers.front().first == pledged) {
      entry->pledged_from = std::max(entry->pledged_from, entry->answers.front().second);
    }
    entry->answers.pop_front();
  }
}

void PledgeBook::OnAnswer(const std::string& node_id, uint64_t session, int64_t number) {
  Candidate* const entry = Find(node_id, session);
  if (entry == nullptr) return;
  if (!entry->answers.empty() && entry->answers.back().first >= number) return;
  entry->answers.emplace_back(number, clock_->Boot());
  if (entry->answers.size() > kMostAnswers) entry->answers.pop_front();
}

bool PledgeBook::AllPledged() const {
  const absl::Duration now = clock_->Boot();
  return complete_ && std::all_of(candidates_.begin(), candidates_.end(), [&](const auto& item) {
           return !item.second.known || now < item.second.pledged_from + options_.length;
         });
}

PledgeBook::Candidate* PledgeBook::Find(const std::string& node_id, uint64_t session) {
  const auto it = candidates_.find(node_id);
  return it == candidates_.end() || it->second.session != session ? nullptr : &it->second;
}

}  // namespace muster
