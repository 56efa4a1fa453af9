#include "scheduler/core/elastic.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "scheduler/core/job_state.h"

namespace muster {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(30);

}  // namespace

absl::Duration ElasticTimeout(const v1::JobSpec& spec) {
  const absl::Duration timeout = FromProtoDuration(spec.timeouts().elastic());
  return timeout > absl::ZeroDuration() ? timeout : kDefaultTimeout;
}

absl::Duration StartWaitLimit(const v1::JobSpec& spec, const StartWait& wait) {
  return wait.had > 0 ? std::min(kLastCall, ElasticTimeout(spec)) : ElasticTimeout(spec);
}

std::optional<absl::Duration> WaitsForMore(const v1::JobSpec& spec, int hosts, absl::Duration now,
                                           StartWait* wait) {
  if (hosts == 0) {
    // Whatever comes back after this comes one by one, as at a first start.
    *wait = StartWait();
    return std::nullopt;
  }
  if (hosts >= spec.nodes().max()) return std::nullopt;
  if (wait->had > 0 && hosts >= wait->had) return std::nullopt;
  if (!wait->since.has_value()) wait->since = now;
  const absl::Duration until = *wait->since + StartWaitLimit(spec, *wait);
  return until > now ? std::optional<absl::Duration>(until) : std::nullopt;
}

std::string DescribeWait(const v1::NodeRange& nodes, int hosts, absl::Time until) {
  return absl::StrCat(hosts, " of ", RangeText(nodes), hosts == 1 ? " hosts is" : " hosts are",
                      " ready; waits until ",
                      absl::FormatTime("%H:%M:%S UTC", until, absl::UTCTimeZone()), " or for ",
                      nodes.max() - hosts, " more");
}

std::optional<absl::Duration> ResizeTime(const v1::JobSpec& spec, int hosts, int possible,
                                         absl::Duration now, GrowthWait* wait) {
  const v1::NodeRange& nodes = spec.nodes();
  if (hosts > nodes.max()) return now;
  if (possible <= hosts || possible < nodes.min()) {
    wait->since.reset();
    return std::nullopt;
  }
  if (hosts < nodes.min()) return now;
  if (!wait->since.has_value()) wait->since = now;
  if (possible >= nodes.max()) return std::max(now, wait->not_before);
  return std::max({now, wait->not_before, *wait->since + ElasticTimeout(spec)});
}

bool IsElastic(const v1::JobSpec& spec) { return spec.nodes().min() < spec.nodes().max(); }

std::string RangeText(const v1::NodeRange& nodes) {
  return nodes.min() == nodes.max() ? absl::StrCat(nodes.max())
                                    : absl::StrCat(nodes.min(), ":", nodes.max());
}

}  // namespace muster
