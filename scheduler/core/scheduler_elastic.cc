// Gangs whose number of hosts may change: their wait for more, their growth, and msctl scale.
#include "scheduler/core/scheduler_impl.h"
