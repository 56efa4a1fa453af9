#include "agent/device/nvml.h"

#include <dlfcn.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace muster {
namespace {

// Declarations of our own, after the NVML API reference (docs.nvidia.com/deploy/nvml-api): names,
// numbers and layouts that NVIDIA keeps stable; a changed layout gets a new _vN name.
using Result = int;
constexpr Result kSuccess = 0;
constexpr Result kNotSupported = 3;
constexpr Result kDriverNotLoaded = 9;
constexpr unsigned kNameBytes = 96;

struct PciInfo {  // nvmlPciInfo_t, of nvmlDeviceGetPciInfo_v3.
  char bus_id_legacy[16];
  unsigned domain;
  unsigned bus;
  unsigned device;
  unsigned pci_device_id;
  unsigned pci_subsystem_id;
  char bus_id[32];
};

struct MemoryInfo {  // nvmlMemory_t, of nvmlDeviceGetMemoryInfo.
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};

}  // namespace

struct Nvml::Functions {
  explicit Functions(void* opened) : library(opened) {}
  ~Functions() { dlclose(library); }
  Functions(const Functions&) = delete;
  Functions& operator=(const Functions&) = delete;

  template <typename Function>
  bool Find(const char* name, Function* function) {
    *function = reinterpret_cast<Function>(dlsym(library, name));
    return *function != nullptr;
  }
  // Those that every driver since 2016 has.
  bool FindRequired() {
    return Find("nvmlInit_v2", &init) && Find("nvmlShutdown", &shutdown) &&
           Find("nvmlErrorString", &error_string) && Find("nvmlDeviceGetCount_v2", &count) &&
           Find("nvmlDeviceGetHandleByIndex_v2", &handle) && Find("nvmlDeviceGetName", &name) &&
           Find("nvmlDeviceGetUUID", &uuid) && Find("nvmlDeviceGetMemoryInfo", &memory);
  }
  void FindOptional() {
    Find("nvmlDeviceGetPciInfo_v3", &pci);
    Find("nvmlDeviceGetMigMode", &mig_mode);
    Find("nvmlDeviceGetRemappedRows", &remapped_rows);
  }

  void* const library;
  Result (*init)() = nullptr;
  Result (*shutdown)() = nullptr;
  const char* (*error_string)(Result) = nullptr;
  Result (*count)(unsigned*) = nullptr;
  Result (*handle)(unsigned, void**) = nullptr;
  Result (*name)(void*, char*, unsigned) = nullptr;
  Result (*uuid)(void*, char*, unsigned) = nullptr;
  Result (*memory)(void*, MemoryInfo*) = nullptr;
  Result (*pci)(void*, PciInfo*) = nullptr;
  Result (*mig_mode)(void*, unsigned* current, unsigned* pending) = nullptr;
  Result (*remapped_rows)(void*, unsigned* correctable, unsigned* uncorrectable, unsigned* pending,
                          unsigned* failed) = nullptr;
};

absl::StatusOr<std::unique_ptr<Nvml>> Nvml::Open(const std::string& library, bool* no_driver) {
  if (no_driver != nullptr) *no_driver = false;
  void* const opened = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) return absl::NotFoundError(absl::StrCat("NVML: ", dlerror()));
  auto functions = std::make_unique<Functions>(opened);
  if (!functions->FindRequired()) {
    return absl::UnavailableError(
        absl::StrCat("NVML: ", library, " is too old: ", dlerror(), "; update the driver"));
  }
  functions->FindOptional();
  const Result result = functions->init();
  if (result != kSuccess) {
    if (no_driver != nullptr) *no_driver = result == kDriverNotLoaded;
    return absl::UnavailableError(absl::StrCat("NVML: ", functions->error_string(result)));
  }
  return std::unique_ptr<Nvml>(new Nvml(std::move(functions)));
}

Nvml::Nvml(std::unique_ptr<Functions> functions) : functions_(std::move(functions)) {}

Nvml::~Nvml() { functions_->shutdown(); }

absl::StatusOr<int> Nvml::Count() const {
  unsigned count = 0;
  const Result result = functions_->count(&count);
  if (result != kSuccess) return absl::UnavailableError(ErrorText(result));
  return static_cast<int>(count);
}

v1::Device Nvml::Describe(int index, std::string* pci_address) const {
  v1::Device device;
  device.set_physical(index);
  pci_address->clear();
  void* handle = nullptr;
  const Result result = functions_->handle(static_cast<unsigned>(index), &handle);
  if (result != kSuccess) {
    device.set_health_reason(ErrorText(result));
    return device;
  }
  char text[kNameBytes] = "";
  if (functions_->name(handle, text, kNameBytes) == kSuccess) device.set_model(text);
  if (functions_->uuid(handle, text, kNameBytes) == kSuccess) device.set_uuid(text);
  MemoryInfo memory{};
  if (functions_->memory(handle, &memory) == kSuccess) {
    device.set_memory_bytes(static_cast<int64_t>(memory.total));
  }
  PciInfo pci{};
  if (functions_->pci != nullptr && functions_->pci(handle, &pci) == kSuccess) {
    *pci_address = absl::StrFormat("%04x:%02x:%02x.0", pci.domain, pci.bus, pci.device);
  }
  device.set_health_reason(Health(handle));
  device.set_healthy(device.health_reason().empty());
  return device;
}

// Why this GPU cannot be given to a rank; empty: it can.
std::string Nvml::Health(void* handle) const {
  MemoryInfo memory{};  // Answers from the GPU itself: fails when it has fallen off the bus.
  const Result alive = functions_->memory(handle, &memory);
  // A GPU that shares the host's memory has none of its own to tell of.
  if (alive != kSuccess && alive != kNotSupported) return ErrorText(alive);
  unsigned mig = 0;
  unsigned mig_pending = 0;
  if (functions_->mig_mode != nullptr &&
      functions_->mig_mode(handle, &mig, &mig_pending) == kSuccess && mig != 0) {
    return "MIG is enabled, and only whole GPUs are given out";
  }
  unsigned correctable = 0;
  unsigned uncorrectable = 0;
  unsigned pending = 0;  // Rows that a reset would remap; their pages are offline already.
  unsigned failed = 0;
  if (functions_->remapped_rows != nullptr &&
      functions_->remapped_rows(handle, &correctable, &uncorrectable, &pending, &failed) ==
          kSuccess &&
      failed != 0) {
    return "row remapping failed, its memory is worn out";
  }
  return "";
}

std::string Nvml::ErrorText(int result) const {
  return absl::StrCat("NVML: ", functions_->error_string(result));
}

}  // namespace muster
