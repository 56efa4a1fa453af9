#include "common/etcd/etcd_codec.h"

namespace muster {
namespace {

// etcd takes a single 0 byte for "no key" and for "no end".
std::string KeyOf(const std::string& key) { return key.empty() ? std::string(1, '\0') : key; }

void SetCompare(const EtcdCompare& from, etcdserverpb::Compare* to) {
  to->set_result(etcdserverpb::Compare::EQUAL);
  to->set_key(from.key);
  switch (from.what) {
    case EtcdCompare::What::kVersion:
      to->set_target(etcdserverpb::Compare::VERSION);
      to->set_version(from.number);
      break;
    case EtcdCompare::What::kCreateRevision:
      to->set_target(etcdserverpb::Compare::CREATE);
      to->set_create_revision(from.number);
      break;
    case EtcdCompare::What::kModRevision:
      to->set_target(etcdserverpb::Compare::MOD);
      to->set_mod_revision(from.number);
      break;
    case EtcdCompare::What::kValue:
      to->set_target(etcdserverpb::Compare::VALUE);
      to->set_value(from.value);
      break;
  }
}

void SetOp(const EtcdOp& from, etcdserverpb::RequestOp* to) {
  switch (from.kind) {
    case EtcdOp::Kind::kGet:
      *to->mutable_request_range() = RangeRequestFor(from.key, from.prefix);
      if (!from.end.empty()) to->mutable_request_range()->set_range_end(from.end);
      break;
    case EtcdOp::Kind::kPut:
      to->mutable_request_put()->set_key(from.key);
      to->mutable_request_put()->set_value(from.value);
      to->mutable_request_put()->set_lease(from.lease);
      break;
    case EtcdOp::Kind::kDelete:
      *to->mutable_request_delete_range() = DeleteRequestFor(from.key, from.prefix);
      if (!from.end.empty()) to->mutable_request_delete_range()->set_range_end(from.end);
      break;
  }
}

}  // namespace

std::string EtcdPrefixEnd(const std::string& prefix) {
  std::string end = prefix;
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (end.empty()) return std::string(1, '\0');
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

EtcdEntry FromEtcd(const mvccpb::KeyValue& kv) {
  EtcdEntry entry;
  entry.key = kv.key();
  entry.value = kv.value();
  entry.create_revision = kv.create_revision();
  entry.mod_revision = kv.mod_revision();
  entry.version = kv.version();
  entry.lease = kv.lease();
  return entry;
}

EtcdRange FromEtcd(const etcdserverpb::RangeResponse& response) {
  EtcdRange range;
  range.revision = response.header().revision();
  range.more = response.more();
  for (const mvccpb::KeyValue& kv : response.kvs()) range.entries.push_back(FromEtcd(kv));
  return range;
}

EtcdTxnResult FromEtcd(const etcdserverpb::TxnResponse& response) {
  EtcdTxnResult result;
  result.succeeded = response.succeeded();
  result.revision = response.header().revision();
  for (const etcdserverpb::ResponseOp& op : response.responses()) {
    if (op.has_response_range()) result.gets.push_back(FromEtcd(op.response_range()));
  }
  return result;
}

std::vector<EtcdEvent> EventsOf(const etcdserverpb::WatchResponse& response) {
  std::vector<EtcdEvent> events;
  for (const mvccpb::Event& event : response.events()) {
    events.push_back({event.type() == mvccpb::Event::DELETE, FromEtcd(event.kv())});
  }
  return events;
}

etcdserverpb::RangeRequest RangeRequestFor(const std::string& key, bool prefix) {
  etcdserverpb::RangeRequest request;
  request.set_key(KeyOf(key));
  if (prefix) request.set_range_end(EtcdPrefixEnd(key));
  return request;
}

etcdserverpb::RangeRequest RangeRequestFor(const EtcdPage& page) {
  etcdserverpb::RangeRequest request;
  request.set_key(KeyOf(page.from));
  request.set_range_end(page.end);
  request.set_limit(page.limit);
  request.set_revision(page.revision);
  return request;
}

etcdserverpb::DeleteRangeRequest DeleteRequestFor(const std::string& key, bool prefix) {
  etcdserverpb::DeleteRangeRequest request;
  request.set_key(KeyOf(key));
  if (prefix) request.set_range_end(EtcdPrefixEnd(key));
  return request;
}

etcdserverpb::TxnRequest ToEtcd(const EtcdTxn& txn) {
  etcdserverpb::TxnRequest request;
  for (const EtcdCompare& compare : txn.compares) SetCompare(compare, request.add_compare());
  for (const EtcdOp& op : txn.success) SetOp(op, request.add_success());
  for (const EtcdOp& op : txn.failure) SetOp(op, request.add_failure());
  return request;
}

}  // namespace muster
