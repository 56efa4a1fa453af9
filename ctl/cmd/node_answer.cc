#include "ctl/cmd/node_answer.h"

#include "absl/strings/str_cat.h"

namespace muster {

void PrintNodeAnswer(const std::string& what, const v1::Node& node, Session* session) {
  if (session->format() == Format::kJson || session->format() == Format::kYaml) {
    session->PrintMessage(node);
  } else if (session->quiet() || session->format() == Format::kName) {
    session->out()->Write(absl::StrCat(node.info().name(), "\n"));
  } else {
    session->out()->Write(absl::StrCat(node.info().name(), " ", what, "\n"));
  }
}

}  // namespace muster
