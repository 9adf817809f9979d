// The one line that ends `make setup`.
const { deviceInfo } = require('lowrank');

const { nodeVersion, tensorflowVersion, device } = deviceInfo();
console.log(`ready: Node ${nodeVersion}, TensorFlow ${tensorflowVersion}, ${device}`);
