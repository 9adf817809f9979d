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

// TensorFlow's server listens on all addresses of the machine. While this object lives, every socket on which the process listens at this
// port gets a filter. The kernel applies it to each packet and drops packets for other addresses before a connection is made. The filter
// stays with the socket and with the connections that it accepts.
class Listening {
 public:
  // Numeric IPv4 or IPv6 addresses; an empty list changes nothing. Throws if one is not an address.
  Listening(int port, const std::vector<std::string>& addresses);
  ~Listening();

  // Stops watching for sockets. Returns the reason why the server is reachable at other addresses too, or an empty string.
  std::string End();

 private:
  void Watch();
  void Restrict();
  bool IsNamed(const in6_addr& address) const;

  const int port_;
  std::vector<in6_addr> addresses_;  // IPv4 addresses as ::ffff:a.b.c.d
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
