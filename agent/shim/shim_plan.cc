#include "agent/shim/shim_plan.h"

#include "agent/shim/codec.h"
#include "common/base/protocol.h"

namespace muster {
namespace {

constexpr uint32_t kMagic = 0x4e4c504d;  // "MPLN"
// A reader refuses another major. A minor adds fields at the end of the plan or of a rank; both are
// length-prefixed, so that an older reader skips what it does not know.
constexpr uint16_t kMajor = 1;

void PutTexts(const std::vector<std::string>& texts, Encoder* out) {
  out->U32(static_cast<uint32_t>(texts.size()));
  for (const std::string& text : texts) out->Text(text);
}

std::vector<std::string> GetTexts(Decoder* in) {
  std::vector<std::string> texts(in->Count(4));
  for (std::string& text : texts) text = in->Text();
  return texts;
}

std::string EncodeRank(const ShimRank& rank) {
  Encoder out;
  out.Text(rank.role);
  out.I32(rank.rank);
  PutTexts(rank.argv, &out);
  PutTexts(rank.env, &out);
  out.Text(rank.workdir);
  out.Text(rank.stdin_path);
  out.Text(rank.out_path);
  out.Text(rank.err_path);
  out.Bool(rank.create_empty);
  out.U32(static_cast<uint32_t>(rank.cpus.size()));
  for (const int32_t cpu : rank.cpus) out.I32(cpu);
  return out.Take();
}

bool DecodeRank(const std::string& bytes, ShimRank* rank) {
  Decoder in(bytes);
  rank->role = in.Text();
  rank->rank = in.I32();
  rank->argv = GetTexts(&in);
  rank->env = GetTexts(&in);
  rank->workdir = in.Text();
  rank->stdin_path = in.Text();
  rank->out_path = in.Text();
  rank->err_path = in.Text();
  rank->create_empty = in.Bool();
  rank->cpus.resize(in.Count(4));
  for (int32_t& cpu : rank->cpus) cpu = in.I32();
  return in.ok();
}

std::string EncodeBody(const ShimPlan& plan) {
  Encoder out;
  out.Text(plan.job_id);
  out.I32(plan.attempt);
  out.I64(plan.epoch);
  out.Text(plan.gang_dir);
  out.Text(plan.ranks_cgroup);
  PutTexts(plan.v1_cgroups, &out);
  out.U32(plan.umask);
  out.U32(static_cast<uint32_t>(plan.rlimits.size()));
  for (const auto& [resource, value] : plan.rlimits) {
    out.I32(resource);
    out.I64(value);
  }
  out.I64(plan.stop_grace_ms);
  out.Bool(plan.stop_gang);
  out.Bool(plan.tty);
  out.Bool(plan.durable);
  out.I64(plan.segment_size);
  out.I64(plan.max_size);
  out.U8(static_cast<uint8_t>(plan.log_full));
  out.U32(static_cast<uint32_t>(plan.ranks.size()));
  for (const ShimRank& rank : plan.ranks) out.Text(EncodeRank(rank));
  if (SpeaksLeases()) {
    out.I64(plan.fence_until_ns);
    out.I64(plan.fence_grace_ms);
  }
  return out.Take();
}

bool DecodeBody(const std::string& bytes, ShimPlan* plan) {
  Decoder in(bytes);
  plan->job_id = in.Text();
  plan->attempt = in.I32();
  plan->epoch = in.I64();
  plan->gang_dir = in.Text();
  plan->ranks_cgroup = in.Text();
  plan->v1_cgroups = GetTexts(&in);
  plan->umask = in.U32();
  plan->rlimits.resize(in.Count(12));
  for (auto& [resource, value] : plan->rlimits) {
    resource = in.I32();
    value = in.I64();
  }
  plan->stop_grace_ms = in.I64();
  plan->stop_gang = in.Bool();
  plan->tty = in.Bool();
  plan->durable = in.Bool();
  plan->segment_size = in.I64();
  plan->max_size = in.I64();
  const uint8_t log_full = in.U8();
  if (log_full < 1 || log_full > 3) return false;
  plan->log_full = static_cast<LogFull>(log_full);
  plan->ranks.resize(in.Count(4));
  for (ShimRank& rank : plan->ranks) {
    if (!DecodeRank(in.Text(), &rank)) return false;
  }
  if (in.ok() && (in.left() == 0 || !SpeaksLeases())) return true;  // Of minor 0, or read by it.
  plan->fence_until_ns = in.I64();
  plan->fence_grace_ms = in.I64();
  return in.ok();
}

bool FileNameSafe(const std::string& role) {
  return !role.empty() && role.find('/') == std::string::npos &&
         role.find('\0') == std::string::npos;
}

}  // namespace

bool MergesStreams(const ShimPlan& plan, const ShimRank& rank) {
  return plan.tty || (!rank.out_path.empty() && rank.out_path == rank.err_path);
}

std::string EncodeShimPlan(const ShimPlan& plan) {
  const std::string body = EncodeBody(plan);
  Encoder out;
  out.U32(kMagic);
  out.U16(kMajor);
  out.U16(static_cast<uint16_t>(OwnProtocol().minor));
  out.U32(Crc32c(body.data(), body.size()));
  out.Text(body);
  return out.Take();
}

bool DecodeShimPlan(const std::string& bytes, ShimPlan* plan, std::string* error) {
  Decoder in(bytes);
  const uint32_t magic = in.U32();
  const uint16_t major = in.U16();
  in.U16();
  const uint32_t crc = in.U32();
  if (!in.ok() || magic != kMagic) {
    *error = "the plan is not one: it is damaged";
    return false;
  }
  if (major != kMajor) {
    *error = "the plan has format " + std::to_string(major) + ", this msshim reads " +
             std::to_string(kMajor) + "; use the msshim of the agent that wrote it";
    return false;
  }
  const std::string body = in.Text();
  ShimPlan read;
  if (!in.ok() || in.left() != 0 || crc != Crc32c(body.data(), body.size()) ||
      !DecodeBody(body, &read)) {
    *error = "the plan is damaged";
    return false;
  }
  for (const ShimRank& rank : read.ranks) {
    if (!FileNameSafe(rank.role) || rank.argv.empty()) {
      *error = "the plan has a rank without a role or a command";
      return false;
    }
  }
  *plan = std::move(read);
  return true;
}

}  // namespace muster
