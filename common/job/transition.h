// A lifecycle as a plain table, read by eye and walked by one function.
#ifndef MUSTER_COMMON_JOB_TRANSITION_H_
#define MUSTER_COMMON_JOB_TRANSITION_H_

#include <cstddef>
#include <optional>

namespace muster {

template <typename State, typename Event>
struct Transition {
  State from;
  Event event;
  State to;
};

// Where `event` leads from `from`. Returns nullopt when it means nothing there: the caller logs it
// and stays where it is.
template <typename State, typename Event, size_t kSize>
constexpr std::optional<State> NextState(const Transition<State, Event> (&table)[kSize], State from,
                                         Event event) {
  for (const Transition<State, Event>& step : table) {
    if (step.from == from && step.event == event) return step.to;
  }
  return std::nullopt;
}

}  // namespace muster

#endif  // MUSTER_COMMON_JOB_TRANSITION_H_
