// Under --config=tsan only: shows ThreadSanitizer the order that gRPC's calls make. A batch of
// operations goes to another thread through lock-free queues of a library that is not instrumented,
// so that without this what was written before the batch looks unordered to the reaction that
// reports its end. These definitions stand before the library's, call them, and tell tsan: what
// happened before a batch was started happened before its end, where gRPC's C++ layer gives up its
// hold on the call just before it runs our code.
#include <dlfcn.h>

#include "grpc/grpc.h"

extern "C" {

void __tsan_acquire(void* address);
void __tsan_release(void* address);

grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops, size_t count, void* tag,
                                      void* reserved) {
  static auto* const start_batch =
      reinterpret_cast<decltype(&grpc_call_start_batch)>(dlsym(RTLD_NEXT, "grpc_call_start_batch"));
  __tsan_release(call);
  return start_batch(call, ops, count, tag, reserved);
}

void grpc_call_unref(grpc_call* call) {
  static auto* const unref =
      reinterpret_cast<decltype(&grpc_call_unref)>(dlsym(RTLD_NEXT, "grpc_call_unref"));
  __tsan_acquire(call);
  unref(call);
}

}  // extern "C"
