// The addresses on which TensorFlow's server listens; see listening.h.
#include "listening.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <string.h>
#include <sys/socket.h>

#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace tfnodejs {
namespace {

// A socket of this process and its local address.
struct Socket {
  int descriptor;
  bool listens, is_connected;
  in6_addr address;
};

struct Close {
  void operator()(DIR* folder) const { closedir(folder); }
};

in6_addr Mapped(const in_addr& address) {
  in6_addr mapped = {};
  mapped.s6_addr[10] = mapped.s6_addr[11] = 0xff;
  memcpy(&mapped.s6_addr[12], &address, sizeof(address));
  return mapped;
}

in6_addr Parsed(const std::string& text) {
  in_addr four;
  in6_addr six;
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) return Mapped(four);
  if (inet_pton(AF_INET6, text.c_str(), &six) == 1) return six;
  throw std::runtime_error("'" + text + "' is not a numeric address");
}

std::runtime_error Failed(const char* what) { return std::runtime_error(std::string(what) + ": " + strerror(errno)); }

// The sockets of this process with this local port.
std::vector<Socket> SocketsOn(int port) {
  const std::unique_ptr<DIR, Close> folder(opendir("/proc/self/fd"));
  if (!folder) throw Failed("/proc/self/fd");
  std::vector<Socket> found;
  while (const dirent* entry = readdir(folder.get())) {
    if (!isdigit(static_cast<unsigned char>(entry->d_name[0]))) continue;
    const int descriptor = atoi(entry->d_name);
    sockaddr_storage own, other;
    socklen_t length = sizeof(own), other_length = sizeof(other);
    int type = 0, listens = 0;
    socklen_t size = sizeof(int);
    if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) continue;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0) continue;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &length) != 0) continue;
    const bool is_connected = getpeername(descriptor, reinterpret_cast<sockaddr*>(&other), &other_length) == 0;
    const auto* four = reinterpret_cast<const sockaddr_in*>(&own);
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&own);
    if (own.ss_family == AF_INET && ntohs(four->sin_port) == port) {
      found.push_back({descriptor, listens != 0, is_connected, Mapped(four->sin_addr)});
    } else if (own.ss_family == AF_INET6 && ntohs(six->sin6_port) == port) {
      found.push_back({descriptor, listens != 0, is_connected, six->sin6_addr});
    }
  }
  return found;
}

// Four bytes of an address in network order, as a number.
uint32_t Word(const in6_addr& address, int index) {
  uint32_t word;
  memcpy(&word, &address.s6_addr[4 * index], sizeof(word));
  return ntohl(word);
}

// A classic BPF program. It reads the packet's network header and returns how many bytes of the packet to keep.
std::vector<sock_filter> FilterFor(const std::vector<in6_addr>& addresses) {
  const uint32_t header = static_cast<uint32_t>(SKF_NET_OFF);
  const sock_filter keep = BPF_STMT(BPF_RET | BPF_K, 0xffffffff), drop = BPF_STMT(BPF_RET | BPF_K, 0);
  const auto load = [&](uint32_t offset) -> sock_filter { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, header + offset); };
  const auto unless = [](uint32_t value, size_t skipped) -> sock_filter {
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, static_cast<uint8_t>(skipped));
  };
  std::vector<sock_filter> four = {load(16)}, six;  // the destination's offset in an IPv4 header
  for (const in6_addr& address : addresses) {
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
      four.push_back(unless(Word(address, 3), 1));
      four.push_back(keep);
      continue;
    }
    for (int i = 0; i < 4; i++) {
      six.push_back(load(24 + 4 * i));  // and in an IPv6 header
      six.push_back(unless(Word(address, i), 7 - 2 * i));
    }
    six.push_back(keep);
  }
  four.push_back(drop);
  six.push_back(drop);
  if (four.size() > 255) throw std::runtime_error("too many addresses");
  std::vector<sock_filter> program = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, header),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
      unless(0x40, four.size()),  // the protocol version
  };
  program.insert(program.end(), four.begin(), four.end());
  program.insert(program.end(), six.begin(), six.end());
  return program;
}

}  // namespace

Listening::Listening(int port, const std::vector<std::string>& addresses) : port_(port) {
  for (const std::string& address : addresses) addresses_.push_back(Parsed(address));
  if (addresses_.empty()) return;
  filter_ = FilterFor(addresses_);
  thread_ = std::thread([this] { Watch(); });
}

Listening::~Listening() { End(); }

std::string Listening::End() {
  if (!thread_.joinable()) return error_;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    has_ended_ = true;
    changed_.notify_one();
  }
  thread_.join();
  Restrict();
  if (error_.empty() && !is_found_) error_ = "this process listens on no socket with port " + std::to_string(port_);
  return error_;
}

// The server starts to listen during a call that then waits for other workers, possibly for minutes.
void Listening::Watch() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!has_ended_ && error_.empty()) {
    Restrict();
    changed_.wait_for(lock, std::chrono::milliseconds(is_found_ ? 50 : 1));
  }
}

void Listening::Restrict() {
  try {
    const sock_fprog program = {static_cast<unsigned short>(filter_.size()), filter_.data()};
    for (const Socket& socket : SocketsOn(port_)) {
      if (socket.is_connected) {
        if (!IsNamed(socket.address)) shutdown(socket.descriptor, SHUT_RDWR);  // it connected just before the filter was set
        continue;
      }
      if (setsockopt(socket.descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0) throw Failed("SO_ATTACH_FILTER");
      is_found_ = is_found_ || socket.listens;
    }
  } catch (const std::exception& error) {
    error_ = error.what();
  }
}

bool Listening::IsNamed(const in6_addr& address) const {
  for (const in6_addr& named : addresses_) {
    if (IN6_ARE_ADDR_EQUAL(&named, &address)) return true;
  }
  return false;
}

}  // namespace tfnodejs
