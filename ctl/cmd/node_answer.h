#ifndef MUSTER_CTL_CMD_NODE_ANSWER_H_
#define MUSTER_CTL_CMD_NODE_ANSWER_H_

#include <string>

#include "ctl/cmd/session.h"
#include "muster/v1/node.pb.h"

namespace muster {

// What became of a node by an order: "node-7 `what`", its name, or the whole message, by the
// session's format.
void PrintNodeAnswer(const std::string& what, const v1::Node& node, Session* session);

}  // namespace muster

#endif  // MUSTER_CTL_CMD_NODE_ANSWER_H_
