// Loaded before the kernel: its publishing socket is bound late, as on a busy machine, and until then refuses to send, as zeromq does.
const zeromq = require('zeromq');

const { Publisher } = zeromq;
// Around the socket, whose own methods cannot be assigned to.
zeromq.Publisher = function SlowPublisher() {
  const socket = new Publisher();
  let isBound = false;
  return {
    bind: async (address) => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await socket.bind(address);
      isBound = true;
    },
    send: (message) => {
      if (!isBound) throw new Error('Socket is blocked by a bind or unbind operation');
      return socket.send(message);
    },
    close: () => socket.close(),
  };
};
