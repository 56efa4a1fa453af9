#include "agent/shim/frame.h"

#include <string>

#include "agent/shim/codec.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

FrameReader::Result Read(const std::string& bytes, Frame* frame) {
  FrameReader reader;
  reader.Append(bytes.data(), bytes.size());
  return reader.Next(frame);
}

TEST(Crc32cTest, MatchesTheCheckValueOfRfc3720) { EXPECT_EQ(Crc32c("123456789", 9), 0xe3069283u); }

TEST(FrameTest, ReassemblesFramesThatComeByteByByte) {
  const std::string bytes =
      EncodeFrame(FrameType::kStop, "abc") + EncodeFrame(FrameType::kFinished, "");
  FrameReader reader;
  Frame frame;
  int frames = 0;
  for (const char byte : bytes) {
    reader.Append(&byte, 1);
    while (reader.Next(&frame) == FrameReader::Result::kFrame) ++frames;
  }
  EXPECT_EQ(frames, 2);
  EXPECT_EQ(frame.type, FrameType::kFinished);
}

TEST(FrameTest, WaitsForTheRestOfATornFrameAtEveryByte) {
  const std::string bytes = EncodeFrame(FrameType::kGrew, "payload");
  Frame frame;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Read(bytes.substr(0, size), &frame), FrameReader::Result::kNeedMore) << size;
  }
}

TEST(FrameTest, NeverTakesAFlippedBitForAFrame) {
  const std::string bytes = EncodeFrame(FrameType::kGrew, "payload");
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const bool is_minor = bit / 8 == 2 || bit / 8 == 3;  // Says nothing about this frame.
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    Frame frame;
    EXPECT_EQ(Read(flipped, &frame) == FrameReader::Result::kFrame, is_minor) << bit;
  }
}

TEST(FrameTest, RefusesAnotherMajorVersion) {
  std::string bytes = EncodeFrame(FrameType::kGrew, "");
  bytes[0] = static_cast<char>(kFrameMajor + 1);
  FrameReader reader;
  reader.Append(bytes.data(), bytes.size());
  Frame frame;
  EXPECT_EQ(reader.Next(&frame), FrameReader::Result::kFailed);
  EXPECT_EQ(reader.error(), "the peer speaks frame version 2, this one speaks 1");
}

TEST(DecoderTest, RefusesACountThatCannotFit) {
  Encoder out;
  out.U32(1000000);
  Decoder in(out.bytes());
  EXPECT_EQ(in.Count(4), 0u);
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace muster
