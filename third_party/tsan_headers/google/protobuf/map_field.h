#ifndef MUSTER_THIRD_PARTY_TSAN_HEADERS_GOOGLE_PROTOBUF_MAP_FIELD_H_
#define MUSTER_THIRD_PARTY_TSAN_HEADERS_GOOGLE_PROTOBUF_MAP_FIELD_H_

// Under --config=tsan only, in front of Protobuf's header of this name: Protobuf gives MapFieldBase
// two more members (seq1_, seq2_) where it sees ThreadSanitizer. Debian's library is compiled without
// it and so without them. Each map of a message would be one object to our code and another, its
// repeated_field_ 8 bytes earlier, to the library's reflection. Here the header does not see tsan.

// Before the macro goes: the standard library's own look at it must stay as it is.
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#pragma push_macro("__SANITIZE_THREAD__")
#undef __SANITIZE_THREAD__
#include_next <google/protobuf/map_field.h>
#pragma pop_macro("__SANITIZE_THREAD__")

#endif  // MUSTER_THIRD_PARTY_TSAN_HEADERS_GOOGLE_PROTOBUF_MAP_FIELD_H_
