#include "ctl/frontend/rendezvous/kv_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "ctl/frontend/rendezvous/http_loop.h"
#include "ctl/frontend/rendezvous/json_text.h"
#include "ctl/frontend/rendezvous/kv_store.h"
#include "ctl/spec/utf8.h"
#include "event2/buffer.h"
#include "event2/http.h"

namespace muster {
namespace {

constexpr int kMaxBodyBytes = 16 << 20;  // Some hundred thousand endpoints.
constexpr size_t kMaxStoreBytes = size_t{256} << 20;
constexpr int kMaxHeaderBytes = 64 << 10;
constexpr int kBacklog = 1024;

struct Listener {
  UniqueFd fd;
  int port = 0;
};

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// A socket of our own rather than evhttp's, whose errors would be one word.
absl::StatusOr<Listener> Listen(int port) {
  Listener listener;
  listener.fd.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.fd.valid()) return ErrnoStatus(errno, "socket");
  const int on = 1;  // Past connections in TIME_WAIT do not count.
  setsockopt(listener.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  if (bind(listener.fd.get(), generic, size) != 0 || listen(listener.fd.get(), kBacklog) != 0) {
    if (errno == EADDRINUSE) {
      return absl::AlreadyExistsError(absl::StrCat("port ", port, " is in use"));
    }
    return ErrnoStatus(errno, absl::StrCat("listen on port ", port));
  }
  getsockname(listener.fd.get(), generic, &size);
  listener.port = ntohs(address.sin_port);
  return listener;
}

class EvhttpKvServer : public KvServer {
 public:
  explicit EvhttpKvServer(Listener listener) : port_(listener.port), store_(Clock::Real()) {
    store_.Put("/healthy", "ok");
    loop_.Call([this, fd = listener.fd.release()] { Serve(fd); });
  }
  ~EvhttpKvServer() override {
    loop_.Call([this] { evhttp_free(http_); });
  }

  int port() const override { return port_; }

  void Put(const std::string& key, const std::string& value) override {
    MutexLock lock(&mutex_);
    store_.Put(key, value);
  }
  bool Erase(const std::string& key) override {
    MutexLock lock(&mutex_);
    return store_.Erase(key);
  }
  std::map<std::string, std::string> WithPrefix(absl::string_view prefix) const override {
    MutexLock lock(&mutex_);
    return store_.WithPrefix(prefix);
  }
  int EraseStale(absl::string_view prefix, absl::Duration age) override {
    MutexLock lock(&mutex_);
    return store_.EraseStale(prefix, age);
  }
  void Notify(EventLoop* loop, std::function<void()> on_change) override {
    MutexLock lock(&mutex_);
    listener_loop_ = loop;
    on_change_ = std::move(on_change);
  }

 private:
  void Serve(int fd) {
    http_ = evhttp_new(loop_.base());
    evhttp_set_max_body_size(http_, kMaxBodyBytes);
    evhttp_set_max_headers_size(http_, kMaxHeaderBytes);
    evhttp_set_timeout(http_, /*timeout_in_secs=*/60);
    evhttp_set_gencb(
        http_,
        [](evhttp_request* request, void* self) {
          static_cast<EvhttpKvServer*>(self)->Answer(request);
        },
        this);
    evhttp_accept_socket(http_, fd);
  }

  void Answer(evhttp_request* request) {
    const std::string path = evhttp_request_get_uri(request);
    switch (evhttp_request_get_command(request)) {
      case EVHTTP_REQ_GET:
        return AnswerGet(request, path);
      case EVHTTP_REQ_POST:
      case EVHTTP_REQ_PUT:
        if (const char* const refusal = PutFor(path, Body(request))) {
          return evhttp_send_reply(request, HTTP_BADREQUEST, refusal, nullptr);
        }
        break;
      case EVHTTP_REQ_DELETE:
        if (!Erase(path)) return evhttp_send_reply(request, HTTP_NOTFOUND, "Not Found", nullptr);
        break;
      default:
        return evhttp_send_reply(request, HTTP_BADMETHOD, "Method Not Allowed", nullptr);
    }
    evhttp_send_reply(request, HTTP_OK, "OK", nullptr);
    Changed();
  }

  // Anybody may write here: nothing that would spoil every later answer. nullptr: it is put.
  const char* PutFor(const std::string& key, const std::string& value) {
    if (!IsUtf8(key) || !IsUtf8(value)) return "Not UTF-8";
    MutexLock lock(&mutex_);
    if (store_.bytes() + key.size() + value.size() > kMaxStoreBytes) return "Store Is Full";
    store_.Put(key, value);
    return nullptr;
  }

  void AnswerGet(evhttp_request* request, const std::string& path) {
    const std::map<std::string, std::string> keys = WithPrefix(path);
    if (keys.empty()) return evhttp_send_reply(request, HTTP_NOTFOUND, "Not Found", nullptr);
    const std::string json = JsonObject(keys);
    evbuffer* const body = evbuffer_new();
    evbuffer_add(body, json.data(), json.size());
    evhttp_send_reply(request, HTTP_OK, "OK", body);
    evbuffer_free(body);
  }

  static std::string Body(evhttp_request* request) {
    evbuffer* const input = evhttp_request_get_input_buffer(request);
    std::string body(evbuffer_get_length(input), '\0');
    evbuffer_remove(input, body.data(), body.size());
    return body;
  }

  // One call for all changes until the owner's loop has seen it.
  void Changed() {
    MutexLock lock(&mutex_);
    if (listener_loop_ == nullptr || std::exchange(notified_, true)) return;
    listener_loop_->Post([this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) CallOnChange();
    });
  }
  void CallOnChange() {
    std::function<void()> on_change;
    {
      MutexLock lock(&mutex_);
      notified_ = false;
      on_change = on_change_;
    }
    if (on_change) on_change();
  }

  const int port_;
  mutable Mutex mutex_;
  KvStore store_ ABSL_GUARDED_BY(mutex_);
  EventLoop* listener_loop_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::function<void()> on_change_ ABSL_GUARDED_BY(mutex_);
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
  evhttp* http_ = nullptr;  // The HTTP thread's.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  HttpLoop loop_;  // Last: its thread uses all of the above.
};

}  // namespace

absl::StatusOr<std::unique_ptr<KvServer>> KvServer::Start(int port) {
  MUSTER_ASSIGN_OR_RETURN(Listener listener, Listen(port));
  return std::unique_ptr<KvServer>(new EvhttpKvServer(std::move(listener)));
}

}  // namespace muster
