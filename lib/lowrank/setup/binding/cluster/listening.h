#ifndef LOWRANK_LISTENING_H_
#define LOWRANK_LISTENING_H_

#include <linux/filter.h>
#include <netinet/in.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tfnodejs {

// TensorFlow's server listens on all addresses of the machine. While this object lives, every socket with which the process listens on the
// port gets a filter, which the kernel applies to each packet: what is sent to another address than these is dropped before a connection
// comes about. The filter stays with the socket, and with the connections that it accepts.
class Listening {
 public:
  // Numeric addresses, of IPv4 or IPv6; without any, nothing is changed. Throws where one is no address.
  Listening(int port, const std::vector<std::string>& addresses);
  ~Listening();

  // Ends the watch for sockets; why the server hears other addresses too, or nothing.
  std::string End();

 private:
  void Watch();
  void Restrict();
  bool IsNamed(const in6_addr& address) const;

  const int port_;
  std::vector<in6_addr> addresses_;  // those of IPv4 as ::ffff:a.b.c.d
  std::vector<sock_filter> filter_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_found_ = false;
  bool has_ended_ = false;
  std::string error_;
  std::thread thread_;
};

}  // namespace tfnodejs

#endif  // LOWRANK_LISTENING_H_
