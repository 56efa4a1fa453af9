#include "agent/shim/codec.h"

#include <array>

namespace muster {
namespace {

constexpr uint32_t kCastagnoli = 0x82f63b78;  // Reflected.

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kCastagnoli : 0);
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = MakeTable();

}  // namespace

uint32_t Crc32c(const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  uint32_t crc = ~uint32_t{0};
  for (size_t i = 0; i < size; ++i) crc = (crc >> 8) ^ kTable[(crc ^ bytes[i]) & 0xff];
  return ~crc;
}

void Encoder::Text(const std::string& value) {
  U32(static_cast<uint32_t>(value.size()));
  bytes_ += value;
}

void Encoder::Fixed(uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<char>(value >> (8 * i)));
}

std::string Decoder::Text() {
  const uint32_t size = U32();
  if (!ok_ || size > left()) {
    ok_ = false;
    return "";
  }
  std::string text(reinterpret_cast<const char*>(data_ + at_), size);
  at_ += size;
  return text;
}

uint32_t Decoder::Count(size_t min_size) {
  const uint32_t count = U32();
  if (!ok_ || count > left() / min_size) {
    ok_ = false;
    return 0;
  }
  return count;
}

uint64_t Decoder::Fixed(size_t size) {
  if (!ok_ || size > left()) {
    ok_ = false;
    return 0;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= uint64_t{data_[at_ + i]} << (8 * i);
  at_ += size;
  return value;
}

}  // namespace muster
