// Little-endian bytes for msshim's plan, frames and files. No Abseil.
#ifndef MUSTER_AGENT_SHIM_CODEC_H_
#define MUSTER_AGENT_SHIM_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace muster {

// CRC-32C (Castagnoli, as in iSCSI, RFC 3720) of `size` bytes.
uint32_t Crc32c(const void* data, size_t size);

// Appends values to a string that it owns.
class Encoder {
 public:
  void U8(uint8_t value) { Fixed(value, 1); }
  void U16(uint16_t value) { Fixed(value, 2); }
  void U32(uint32_t value) { Fixed(value, 4); }
  void I32(int32_t value) { Fixed(static_cast<uint32_t>(value), 4); }
  void I64(int64_t value) { Fixed(static_cast<uint64_t>(value), 8); }
  void Bool(bool value) { U8(value ? 1 : 0); }
  // Length (u32), then the bytes.
  void Text(const std::string& value);
  void Raw(const void* data, size_t size) { bytes_.append(static_cast<const char*>(data), size); }

  const std::string& bytes() const { return bytes_; }
  std::string Take() { return std::move(bytes_); }

 private:
  void Fixed(uint64_t value, int size);
  std::string bytes_;
};

// Reads what Encoder wrote. After the first value that does not fit, ok() is false and every
// further value is zero or empty. `data` must outlive it.
class Decoder {
 public:
  Decoder(const void* data, size_t size) : data_(static_cast<const uint8_t*>(data)), size_(size) {}
  explicit Decoder(const std::string& bytes) : Decoder(bytes.data(), bytes.size()) {}

  uint8_t U8() { return static_cast<uint8_t>(Fixed(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Fixed(2)); }
  uint32_t U32() { return static_cast<uint32_t>(Fixed(4)); }
  int32_t I32() { return static_cast<int32_t>(Fixed(4)); }
  int64_t I64() { return static_cast<int64_t>(Fixed(8)); }
  bool Bool() { return U8() != 0; }
  std::string Text();
  // A count of items of at least `min_size` bytes each; not ok() when they cannot all be there.
  uint32_t Count(size_t min_size);

  bool ok() const { return ok_; }
  size_t left() const { return size_ - at_; }

 private:
  uint64_t Fixed(size_t size);

  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_CODEC_H_
