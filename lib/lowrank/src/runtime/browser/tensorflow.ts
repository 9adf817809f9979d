/**
 * The TensorFlow of a web page. Bundlers use it instead of `../device/tensorflow`, because of `browser` in package.json.
 *
 * The page chooses and registers the backend before the first tensor, for example `@tensorflow/tfjs-backend-wasm`.
 */
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import * as tf from '@tensorflow/tfjs-core';

export { tf };
