#ifndef MUSTER_TESTS_FAKES_BOOT_ALARM_H_
#define MUSTER_TESTS_FAKES_BOOT_ALARM_H_

namespace muster {

// Seconds until the next timerfd of this process on CLOCK_BOOTTIME ends; -1: none is set.
int BootAlarm();

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_BOOT_ALARM_H_
