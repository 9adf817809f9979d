// Reads the description of a server. Not part of cluster.cc, because protobuf's headers compile slowly.
#include <stdexcept>

#include "cluster.h"
#include "google/protobuf/text_format.h"
#include "tensorflow/core/protobuf/tensorflow_server.pb.h"

namespace tfnodejs {

std::string SerializedServer(const std::string& text) {
  tensorflow::ServerDef server;
  if (!google::protobuf::TextFormat::ParseFromString(text, &server)) throw std::runtime_error("not a ServerDef: " + text);
  return server.SerializeAsString();
}

}  // namespace tfnodejs
