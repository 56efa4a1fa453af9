#include "ctl/frontend/rendezvous/kv_client.h"

#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "ctl/frontend/rendezvous/http_loop.h"
#include "ctl/frontend/rendezvous/json_text.h"
#include "event2/buffer.h"
#include "event2/event.h"
#include "event2/http.h"

namespace muster {
namespace {

constexpr int kMaxBodyBytes = 64 << 20;
constexpr int kMaxHeaderBytes = 64 << 10;

// What came back of one request.
struct Reply {
  absl::Status status;  // That there is an answer at all.
  int code = 0;
  std::string body;
};
using OnReply = std::function<void(const Reply& reply)>;

// Keys are URL paths: other bytes travel as %XX, as Python's clients send them.
std::string PathOf(const std::string& key) {
  std::string path;
  for (const char c : key) {
    const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                       absl::StrContains("/-_.~!*'();:@&=+$,", absl::string_view(&c, 1));
    if (plain) {
      path += c;
    } else {
      absl::StrAppendFormat(&path, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return path;
}

class EvhttpKvClient : public KvClient {
 public:
  EvhttpKvClient(EventLoop* loop, const std::string& host, int port, absl::Duration timeout)
      : loop_(loop), host_(host), port_(port), timeout_(timeout) {}
  ~EvhttpKvClient() override {
    http_.Call([this] {
      for (Exchange* exchange : open_) {
        evhttp_connection_free(exchange->connection);
        delete exchange;
      }
      open_.clear();
    });
  }

  void Put(const std::string& key, const std::string& value, OnDone done) override {
    Send(EVHTTP_REQ_POST, key, value, [done](const Reply& reply) {
      if (!reply.status.ok()) return done(reply.status);
      done(reply.code == HTTP_OK ? absl::OkStatus() : Refused(reply));
    });
  }

  void Erase(const std::string& key, OnDone done) override {
    Send(EVHTTP_REQ_DELETE, key, "", [done](const Reply& reply) {
      if (!reply.status.ok()) return done(reply.status);
      const bool fine = reply.code == HTTP_OK || reply.code == HTTP_NOTFOUND;
      done(fine ? absl::OkStatus() : Refused(reply));
    });
  }

  void WithPrefix(const std::string& prefix, OnKeys done) override {
    Send(EVHTTP_REQ_GET, prefix, "", [done](const Reply& reply) {
      if (!reply.status.ok()) return done(reply.status);
      if (reply.code == HTTP_NOTFOUND) return done(std::map<std::string, std::string>());
      if (reply.code != HTTP_OK) return done(Refused(reply));
      done(ParseJsonStrings(reply.body));
    });
  }

  void CheckHealth(OnDone done) override {
    WithPrefix("/healthy", [this, done](const auto& keys) {
      if (!keys.ok()) return done(keys.status());
      const auto it = keys->find("/healthy");
      if (it != keys->end() && it->second == "ok") return done(absl::OkStatus());
      done(absl::UnavailableError(
          absl::StrCat(host_, ":", port_, ": what answers there is no master of a job")));
    });
  }

 private:
  // One request on a connection of its own, as Paddle's clients do it. The HTTP thread's.
  struct Exchange {
    ~Exchange() { event_free(deadline); }
    EvhttpKvClient* client;
    evhttp_connection* connection;
    OnReply done;
    event* deadline;  // Of the whole: libevent's own timeout begins anew with each byte.
    bool ended = false;
  };

  static absl::Status Refused(const Reply& reply) {
    return absl::UnavailableError(
        absl::StrCat("the master answered with HTTP status ", reply.code));
  }

  void Send(evhttp_cmd_type method, const std::string& key, const std::string& body, OnReply done) {
    http_.Post([this, method, path = PathOf(key), body, done = std::move(done)] {
      Begin(method, path, body, done);
    });
  }

  void Begin(evhttp_cmd_type method, const std::string& path, const std::string& body,
             const OnReply& done) {
    evhttp_connection* const connection = evhttp_connection_base_new(
        http_.base(), /*dnsbase=*/nullptr, host_.c_str(), static_cast<uint16_t>(port_));
    const timeval timeout = absl::ToTimeval(timeout_);
    evhttp_connection_set_timeout_tv(connection, &timeout);
    evhttp_connection_set_retries(connection, 0);
    evhttp_connection_set_max_body_size(connection, kMaxBodyBytes);
    evhttp_connection_set_max_headers_size(connection, kMaxHeaderBytes);
    auto* const exchange = new Exchange{this, connection, done, nullptr};
    exchange->deadline = evtimer_new(http_.base(), &EvhttpKvClient::OnDeadline, exchange);
    evtimer_add(exchange->deadline, &timeout);
    open_.insert(exchange);
    evhttp_request* const request = evhttp_request_new(&EvhttpKvClient::OnEnd, exchange);
    evkeyvalq* const headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Host", absl::StrCat(host_, ":", port_).c_str());
    evhttp_add_header(headers, "Connection", "close");
    if (method == EVHTTP_REQ_POST) {
      evhttp_add_header(headers, "Content-Type", "text/plain");
      evbuffer_add(evhttp_request_get_output_buffer(request), body.data(), body.size());
    }
    errno = 0;
    if (evhttp_make_request(connection, request, method, path.c_str()) != 0) {
      OnEnd(nullptr, exchange);
    }
  }

  static void OnDeadline(int /*fd*/, short /*events*/, void* exchange) {  // NOLINT(runtime/int)
    errno = ETIMEDOUT;
    OnEnd(nullptr, exchange);
  }

  static void OnEnd(evhttp_request* request, void* data) {
    const int error = errno;
    auto* const exchange = static_cast<Exchange*>(data);
    EvhttpKvClient* const self = exchange->client;
    if (std::exchange(exchange->ended, true)) return;
    Reply reply;
    reply.code = request == nullptr ? 0 : evhttp_request_get_response_code(request);
    if (reply.code == 0) {
      reply.status = self->NoAnswer(error);
    } else {
      evbuffer* const input = evhttp_request_get_input_buffer(request);
      reply.body.resize(evbuffer_get_length(input));
      evbuffer_remove(input, reply.body.data(), reply.body.size());
    }
    // Moved, not copied: one thread at a time holds what the reply's status points to.
    self->loop_->Post([alive = std::weak_ptr<bool>(self->alive_), done = exchange->done,
                       reply = std::move(reply)] {
      if (!alive.expired()) done(reply);
    });
    // A connection may not be freed from its own callback.
    self->http_.Post([self, exchange] { self->Forget(exchange); });
  }

  void Forget(Exchange* exchange) {
    if (open_.erase(exchange) == 0) return;  // The destructor was faster.
    evhttp_connection_free(exchange->connection);
    delete exchange;
  }

  absl::Status NoAnswer(int error) const {
    const bool known = error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
                       error == ETIMEDOUT;
    return absl::UnavailableError(absl::StrCat("no answer from ", host_, ":", port_,
                                               known ? ": " : "",
                                               known ? std::strerror(error) : ""));
  }

  EventLoop* const loop_;
  const std::string host_;
  const int port_;
  const absl::Duration timeout_;
  std::set<Exchange*> open_;  // The HTTP thread's.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  HttpLoop http_;  // Last: its thread uses all of the above.
};

}  // namespace

std::unique_ptr<KvClient> KvClient::Create(EventLoop* loop, const std::string& host, int port,
                                           absl::Duration timeout) {
  return std::make_unique<EvhttpKvClient>(loop, host, port, timeout);
}

}  // namespace muster
