/**
 * The TensorFlow of a page in a browser, in place of `../device/tensorflow`: `browser` in package.json tells bundlers so.
 *
 * The page chooses and registers the backend before the first tensor, for example `@tensorflow/tfjs-backend-wasm`.
 */
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import * as tf from '@tensorflow/tfjs-core';

export { tf };
