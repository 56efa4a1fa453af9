// Stands in for libnvidia-ml.so.1: the functions that the probe uses, with the numbers and layouts
// of NVIDIA's API reference. What it says comes from the environment:
//   FAKE_NVML_COUNT    GPUs on the host
//   FAKE_NVML_INIT     what nvmlInit_v2 returns
//   FAKE_NVML_BAD_GPU  the GPU at this index answers as FAKE_NVML_BAD says: lost, mig, worn, shared
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kSuccess = 0;
constexpr int kNotSupported = 3;
constexpr int kDriverNotLoaded = 9;
constexpr int kGpuIsLost = 15;
constexpr int kVersionMismatch = 18;

int Number(const char* name, int otherwise) {
  const char* const value = getenv(name);
  return value != nullptr ? atoi(value) : otherwise;
}

// A handle is the address of its GPU's number here.
int gpus[64];
int IndexOf(void* handle) { return static_cast<int>(static_cast<int*>(handle) - gpus); }

bool Is(void* handle, const char* trouble) {
  const char* const bad = getenv("FAKE_NVML_BAD");
  return bad != nullptr && strcmp(bad, trouble) == 0 &&
         IndexOf(handle) == Number("FAKE_NVML_BAD_GPU", -1);
}

}  // namespace

extern "C" {

struct PciInfo {
  char bus_id_legacy[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
};
struct MemoryInfo {
  unsigned long long total, free, used;
};

int nvmlInit_v2() { return Number("FAKE_NVML_INIT", kSuccess); }
int nvmlShutdown() { return kSuccess; }

const char* nvmlErrorString(int result) {
  switch (result) {
    case kSuccess:
      return "Success";
    case kNotSupported:
      return "Not Supported";
    case kDriverNotLoaded:
      return "Driver Not Loaded";
    case kGpuIsLost:
      return "GPU is lost";
    case kVersionMismatch:
      return "Driver/library version mismatch";
    default:
      return "Unknown Error";
  }
}

int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(Number("FAKE_NVML_COUNT", 0));
  return kSuccess;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** handle) {
  *handle = &gpus[index];
  return Is(*handle, "lost") ? kGpuIsLost : kSuccess;
}

int nvmlDeviceGetName(void* handle, char* name, unsigned size) {
  snprintf(name, size, "NVIDIA Test %d", IndexOf(handle));
  return kSuccess;
}

int nvmlDeviceGetUUID(void* handle, char* uuid, unsigned size) {
  snprintf(uuid, size, "GPU-%d", IndexOf(handle));
  return kSuccess;
}

int nvmlDeviceGetMemoryInfo(void* handle, MemoryInfo* memory) {
  if (Is(handle, "shared")) return kNotSupported;
  memory->total = 80ULL << 30;
  memory->free = 79ULL << 30;
  memory->used = 1ULL << 30;
  return kSuccess;
}

int nvmlDeviceGetPciInfo_v3(void* handle, PciInfo* pci) {
  memset(pci, 0, sizeof(*pci));
  pci->domain = 0;
  pci->bus = 0x3b + static_cast<unsigned>(IndexOf(handle));
  pci->device = 0;
  return kSuccess;
}

int nvmlDeviceGetMigMode(void* handle, unsigned* current, unsigned* pending) {
  *current = *pending = Is(handle, "mig") ? 1 : 0;
  return kSuccess;
}

int nvmlDeviceGetRemappedRows(void* handle, unsigned* correctable, unsigned* uncorrectable,
                              unsigned* pending, unsigned* failed) {
  *correctable = *uncorrectable = *pending = 0;
  *failed = Is(handle, "worn") ? 1 : 0;
  return kSuccess;
}

}  // extern "C"
